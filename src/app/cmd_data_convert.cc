// beholder data convert: any known data set as our own JSON lines with the media beside them.
#include "app/command.h"
#include "app/data_flags.h"
#include "core/error.h"
#include "core/format.h"
#include "data/convert.h"

namespace beholder::app {
namespace {

class DataConvertCommand : public Command {
 public:
  std::string name() const override { return "data convert"; }
  std::string summary() const override { return "write a public data set as JSON lines, with its pictures as files"; }
  std::string operands() const override { return "PATH"; }
  std::string examples() const override {
    return "Examples:\n  beholder data convert pickapic_v2/ --split train --out pickapic\n  beholder data convert HPDv3/ --out hpdv3 "
           "--pairs "
           "--drop-ties\nOUT/records.jsonl feeds every command that reads records; OUT/left_out.jsonl says what was left out and why.\n" +
           format_help();
  }
  void fields(FieldList& f) override {
    f.add("out", options_.out, "folder to write to");
    f.add("pairs", options_.pairs, "rankings become all their pairs");
    f.add("drop_ties", options_.drop_ties, "leave out pairs that are ties");
    f.add("shuffle", options_.shuffle, "another order, by --seed, within blocks of 256");
    f.add_range("limit", options_.limit, 0, 1e15, "records to read; 0: all");
    flags_.fields(f);
  }

  int run(const std::vector<std::string>& operands) override {
    flags_.apply(options_, name(), operands);
    if (options_.out.empty()) throw Error(Code::kUsage, "--out", "is not given", "name a folder to write to");
    const Json done = data::convert(options_);
    if (json)
      fmt::print("{}\n", json_line(done));
    else
      fmt::print(
          "{} records from {} lines, {} lines left out, {} media dropped from rankings, {} ties dropped\n  records   {}\n  media     {} "
          "written, {} already there, {} unpacked, {} refused\n  left out  {}/left_out.jsonl\n",
          done["written"].dump(), done["read"].dump(), done["left_out"].dump(), done["media_dropped"].dump(), done["ties_dropped"].dump(),
          done["records"].get<std::string>(), done["media_written"].dump(), done["media_kept"].dump(), done["unpacked"].dump(),
          done["refused"].size(), options_.out);
    return 0;
  }

 private:
  data::ConvertOptions options_;
  DataFlags flags_;
};

}  // namespace

CommandPtr make_data_convert_command() {
  return std::make_unique<DataConvertCommand>();
}

}  // namespace beholder::app
