// beholder data inspect: what a data set holds, and what is wrong with it.
#include "app/command.h"
#include "app/data_flags.h"
#include "core/format.h"
#include "core/printable.h"
#include "data/inspect.h"

namespace beholder::app {
namespace {

void show_counts(const char* title, const Json& counts) {
  if (counts.empty()) return;
  fmt::print("{}\n", title);
  for (const auto& [key, value] : counts.items())
    fmt::print("  {:>10}  {}\n", value.is_string() ? "" : value.dump(),
               printable(value.is_string() ? key + ": " + value.get<std::string>() : key, false));
}

void show(const Json& r) {
  const Json &labels = r["labels"], &media = r["media"];
  const auto formats = r["formats"].get<std::vector<std::string>>();
  fmt::print("{} ({})\n", printable(r["path"].get<std::string>(), false),
             formats.empty() ? "empty" : fmt::to_string(fmt::join(formats, ", ")));
  fmt::print("  records    {} good, {} bad, {} duplicates, {} prompts\n", r["records"].dump(), r["bad"].dump(),
             r["duplicate_records"].dump(), r["prompts"].dump());
  fmt::print("  labels     {} pairs, {} rankings, {} without a label\n", labels["pair"].dump(), labels["ranking"].dump(),
             labels["none"].dump());
  fmt::print("  as pairs   {}, of them {} ties and {} soft; {} votes\n", r["pairs"].dump(), r["tied_pairs"].dump(), r["soft_pairs"].dump(),
             r["votes"].dump());
  fmt::print("  media      {} named, {} distinct, {} missing, {} unreadable; {} in archives, {} refused\n", media["count"].dump(),
             media["distinct"].dump(), media["missing"].dump(), media["unreadable"].dump(), media["in_archives"].dump(),
             media["refused"].dump());
  if (r["repeated_ids"] > 0)
    fmt::print("  ids        {} stand on an earlier record, too (data convert renames them)\n", r["repeated_ids"].dump());
  show_counts("media formats", media["formats"]);
  show_counts("lines per file", r["files"]);
  show_counts("files left out", r["left_out"]);
  show_counts("noted", r["notes"]);
  if (!r["unknown_columns"].empty())
    fmt::print("columns nobody reads\n  {}\n",
               printable(fmt::to_string(fmt::join(r["unknown_columns"].get<std::vector<std::string>>(), ", ")), false));
  if (r.contains("leak"))
    fmt::print("leak\n  {} prompts and {} media stand in {}, too; {} records are touched\n", r["leak"]["prompts"].dump(),
               r["leak"]["media"].dump(), printable(r["leak"]["against"].get<std::string>(), false), r["leak"]["records"].dump());
  if (!r["problems"].empty()) fmt::print("problems (the first {})\n", r["problems"].size());
  for (const Json& problem : r["problems"]) fmt::print("  {}\n", printable(problem.get<std::string>(), false));
  if (r["contact_sheet"].is_string()) fmt::print("look at  {}\n", r["contact_sheet"].get<std::string>());
}

class DataInspectCommand : public Command {
 public:
  std::string name() const override { return "data inspect"; }
  std::string summary() const override { return "count what a data set holds: labels, ties, duplicates, media that cannot be read"; }
  std::string operands() const override { return "PATH"; }
  std::string examples() const override {
    return "Examples:\n  beholder data inspect ImageReward/data/test.json --sheet sheet.png\n  beholder data inspect pickapic_v2/ --split "
           "validation "
           "--json\n  beholder data inspect train.jsonl --against test.jsonl\n" +
           format_help();
  }
  void fields(FieldList& f) override {
    f.add("sheet", options_.sheet, "PNG to write with some of the pictures; empty: none");
    f.add_range("sheet_pictures", options_.sheet_pictures, 1, 600, "pictures on it, drawn evenly");
    f.add("against", options_.against, "another data set: prompts and media that stand in both are counted");
    f.add_range("limit", options_.limit, 0, 1e15, "records to look at; 0: all");
    flags_.fields(f);
  }

  int run(const std::vector<std::string>& operands) override {
    flags_.apply(options_, name(), operands);
    const Json report = data::inspect(options_);
    if (json)
      fmt::print("{}\n", json_line(report));
    else
      show(report);
    return 0;
  }

 private:
  data::InspectOptions options_;
  DataFlags flags_;
};

}  // namespace

CommandPtr make_data_inspect_command() {
  return std::make_unique<DataInspectCommand>();
}

}  // namespace beholder::app
