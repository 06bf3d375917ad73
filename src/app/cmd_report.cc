// beholder report: a training run as a page: its curves, and what the judge wrote at the last step that was kept.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include "app/command.h"
#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/progress.h"
#include "media/image.h"
#include "report/completions_view.h"
#include "report/curve_report.h"
#include "world/item.h"
#include "world/sample.h"

namespace beholder::app {
namespace fs = std::filesystem;
namespace {

std::vector<Json> last_completions(const std::string& run) {
  std::string last;
  if (fs::is_directory(run + "/completions"))
    for (const auto& entry : fs::directory_iterator(run + "/completions"))
      if (entry.path().extension() == ".jsonl") last = std::max(last, entry.path().string());
  std::vector<Json> lines;
  std::int64_t broken = 0;
  std::ifstream file(last);
  for (std::string line; !last.empty() && std::getline(file, line);) {
    Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (report::is_completion(json))
      lines.push_back(std::move(json));
    else
      ++broken;
  }
  if (broken > 0) log_warning(format("{}: {} lines are no completions and left out", last, broken));
  return lines;
}

// Media of the embedded world have no files: "train-17-2" is drawn again from the run's world.
class PictureFiles {
 public:
  explicit PictureFiles(const std::string& run) {
    if (!fs::exists(run + "/run.json")) return;
    const Json config = read_json(run + "/run.json").value("config", Json::object());
    if (!config.value("data", std::string()).empty()) folder_ = fs::path(config["data"].get<std::string>()).parent_path().string();
    in_world_ = folder_.empty() && config.value("data", std::string()).empty();
    world_.seed = config.value("world_seed", world_.seed);
  }
  std::string find(const std::string& medium) {
    if (!in_world_) return folder_.empty() || fs::path(medium).is_absolute() ? medium : folder_ + "/" + medium;
    const std::size_t second = medium.rfind('-'), first = medium.rfind('-', second - 1);
    if (second == medium.npos || first == medium.npos) return medium;
    try {
      const world::Item item =
          world::make_item(world_, world::split_named(medium.substr(0, first)), std::stoull(medium.substr(first + 1, second - first - 1)));
      const std::string path = files_ / (medium + ".png");
      write_file_atomic(path, media::encode_png(world::render_item(item).at(std::stoull(medium.substr(second + 1)) - 1)));
      return path;
    } catch (const std::exception&) {
      return medium;  // the page says that it is not there
    }
  }

 private:
  TempDir files_;
  std::string folder_;
  bool in_world_ = false;
  world::WorldConfig world_;
};

class ReportCommand : public Command {
 public:
  std::string name() const override { return "report"; }
  std::string summary() const override { return "a training run as one HTML page: its curves, and what the judge wrote, with pictures"; }
  std::string operands() const override { return "RUN"; }
  std::string examples() const override {
    return "Examples:\n  beholder report runs/soft                     writes runs/soft/report.html\n  beholder report runs/soft --out "
           "page.html\n"
           "RUN is the output_dir of train sft or train grpo, finished or still running.";
  }
  void fields(FieldList& f) override { f.add("out", out_, "the page; empty: RUN/report.html"); }

  int run(const std::vector<std::string>& operands) override {
    if (operands.size() != 1) throw Error(Code::kUsage, "report", "takes one run", "name the output_dir of a training");
    const std::string run = operands[0], path = out_.empty() ? run + "/report.html" : out_;
    PictureFiles pictures(run);
    const std::string completions =
        report::completions_html(last_completions(run), [&](const std::string& medium) { return pictures.find(medium); });
    report::write_curve_report(path, run + "/metrics.jsonl", fs::path(run).lexically_normal().filename().string(), completions);
    if (json)
      fmt::print("{}\n", json_line({{"report", path}}));
    else
      fmt::print("{}\n", path);
    return 0;
  }

 private:
  std::string out_;
};

}  // namespace

CommandPtr make_report_command() {
  return std::make_unique<ReportCommand>();
}

}  // namespace beholder::app
