#include "app/data_flags.h"

#include "core/error.h"
#include "core/format.h"

namespace beholder::app {

void DataFlags::fields(FieldList& f) {
  f.group("the data set");
  f.add("format", format, "a format of the list below; empty: found out from the columns");
  f.add("split", split,
        "only files of this split: so called, or in a folder so called (test_v1); else with this word in their name (train)");
  f.add("media_root", media_root, "folder that relative media paths start from; empty: looked for near the records");
  f.add("aspect", aspect, "which question's answers, of sets that ask several; empty: the main one");
  f.add_choice("check", check, {"full", "header", "none"},
               "how media are looked at: every pixel, format and size, only that they are there");
  f.add_range("threads", threads, 1, 64, "threads that read media ahead");
  f.add("seed", seed, "seed of whatever is drawn");
}

data::DatasetOptions DataFlags::dataset() const {
  data::DatasetOptions options;
  options.format = format;
  options.split = split;
  options.media_root = media_root;
  options.mapping = {aspect, static_cast<std::uint64_t>(seed)};
  return options;
}

data::CheckOptions DataFlags::check_options() const {
  data::CheckOptions options;
  options.level = check == "full" ? data::CheckLevel::kFull : check == "header" ? data::CheckLevel::kHeader : data::CheckLevel::kNone;
  options.threads = static_cast<int>(threads);
  return options;
}

std::string DataFlags::one_path(const std::string& command, const std::vector<std::string>& operands) {
  if (operands.size() != 1)
    throw Error(Code::kUsage, command, fmt::format("{} paths", operands.size()), "give one: a file of records, a folder or an archive");
  return operands[0];
}

std::string format_help() {
  std::string text = "Formats:\n";
  for (const data::Format& one : data::formats()) text += format("  {:<22} {}\n", one.name, one.about);
  return text +
         "A path may say itself what is read of it, here and wherever data are named: 'genai/[split=test_v1]', "
         "'videos.csv[aspect=TA,media_root=/videos]'\n(split, aspect, format, media_root).\n";
}

}  // namespace beholder::app
