// beholder data split: parts of a data set that share neither a prompt nor a medium.
#include "app/command.h"
#include "app/data_flags.h"
#include "core/error.h"
#include "core/format.h"
#include "data/split.h"

namespace beholder::app {
namespace {

class DataSplitCommand : public Command {
 public:
  std::string name() const override { return "data split"; }
  std::string summary() const override { return "training, validation and test parts that share neither a prompt nor a medium"; }
  std::string operands() const override { return "PATH"; }
  std::string examples() const override {
    return "Example:\n  beholder data split records.jsonl --out parts --validation 0.05 --test 0.1\n"
           "The parts are read again and compared; OUT/split.json has the counts.";
  }
  void fields(FieldList& f) override {
    f.add("out", options_.out, "folder to write to");
    f.add_range("validation", options_.validation, 0, 1, "share of the prompts");
    f.add_range("test", options_.test, 0, 1, "share of the prompts");
    flags_.fields(f);
  }

  int run(const std::vector<std::string>& operands) override {
    flags_.apply(options_, name(), operands);
    if (options_.out.empty()) throw Error(Code::kUsage, "--out", "is not given", "name a folder to write to");
    const Json done = data::split(options_);
    if (json) {
      fmt::print("{}\n", json_line(done));
      return 0;
    }
    fmt::print("{} records ({} bad lines) in {} groups, the largest of {}\n", done["records"].dump(), done["bad"].dump(),
               done["groups"].dump(), done["largest_group"].dump());
    for (const auto& [part, info] : done["parts"].items())
      fmt::print("  {:<10} {:>8}  {}\n", part, info["records"].dump(), info["path"].get<std::string>());
    fmt::print("  shared     {} prompts, {} media (read back and compared)\n", done["leak"]["prompts"].dump(),
               done["leak"]["media"].dump());
    return 0;
  }

 private:
  data::SplitOptions options_;
  DataFlags flags_;
};

}  // namespace

CommandPtr make_data_split_command() {
  return std::make_unique<DataSplitCommand>();
}

}  // namespace beholder::app
