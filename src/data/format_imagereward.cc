// ImageReward's test.json (a prompt a row, rank per picture) and ImageRewardDB (a picture a row, by prompt).
#include "core/error.h"
#include "core/format.h"
#include "data/row_value.h"
#include "data/unique_ids.h"

namespace beholder::data {
namespace {

int rank_cell(const Json& value, const RowContext& context) {
  if (!value.is_number_integer() || value < 1 || value > 1'000'000)
    throw Error(Code::kInvalidInput, context.where, "a rank is not a whole number of 1 or more: " + json_line(value).substr(0, 60));
  return value.get<int>();
}

Record test_row(Row& row, const RowContext& context) {
  Record record;
  record.id = text_cell_or(row, "id", context.id, context);
  record.prompt = text_cell(row, "prompt", context);
  const Json &media = row["generations"], &ranking = row["ranking"];
  const bool said = !ranking.is_null();
  if (!media.is_array() || media.size() < 2 || (said && (!ranking.is_array() || media.size() != ranking.size())))
    throw Error(Code::kInvalidInput, context.where, "\"generations\" and \"ranking\" are not lists of the same length");
  record.target = said ? Target{.kind = Target::Kind::kRanking, .ranking = {}} : no_target(context);
  for (std::size_t i = 0; i < media.size(); ++i) {
    if (!media[i].is_string() || media[i].get_ref<const std::string&>().empty())
      throw Error(Code::kInvalidInput, context.where, "\"generations\" holds something that is no path");
    record.media.push_back({.path = media[i].get<std::string>(), .frames = {}, .fps = 0, .bytes = {}});
    if (said) record.target.ranking.push_back(rank_cell(ranking[i], context));
  }
  return record;
}

// Rows of one prompt follow each other; a record is complete when another prompt begins.
class PictureRows : public Mapper {
 public:
  void add(Row row, const RowContext& context, std::vector<Record>& out) override {
    const std::string id = text_cell(row, "prompt_id", context), prompt = text_cell(row, "prompt", context);
    MediaRef medium = media_cell(row, "image_path", context);
    const int rank = rank_cell(row["rank"], context);
    if (open_ && prompt_id_ != id) finish(context, out);
    if (!open_) begin(id, prompt, row, context);
    if (record_.prompt != prompt) throw Error(Code::kInvalidInput, context.where, format("prompt {} has two different texts", id));
    if (record_.media.size() > kMaxMedia) return;  // too many, whatever else comes: the record will be refused
    record_.media.push_back(std::move(medium));
    record_.target.ranking.push_back(rank);
    ratings_.push_back(meta_of(row, {"overall_rating", "image_text_alignment_rating", "fidelity_rating"}));
  }

  void finish(const RowContext& context, std::vector<Record>& out) override {
    if (!open_) return;
    open_ = false;
    const bool refused = record_.media.size() > kMaxMedia;
    if (!refused && wanted_ > 0 && std::ssize(record_.media) != wanted_)
      ++context.notes.counts["prompts with pictures missing from the list"];
    record_.meta["ratings"] = ratings_;
    if (record_.media.size() < 2) {
      ++context.notes.counts["prompts with one picture (no label)"];
      record_.target = {};
    }
    out.push_back(std::move(record_));
  }

  bool one_to_one() const override { return false; }

 private:
  void begin(const std::string& id, const std::string& prompt, const Row& row, const RowContext& context) {
    record_ = {};
    record_.id = ids_.give(id);
    if (record_.id != id) ++context.notes.counts["prompts whose rows are not together (several records)"];
    prompt_id_ = id;
    record_.prompt = prompt;
    record_.target.kind = Target::Kind::kRanking;
    record_.meta = meta_of(row, {"classification"});
    wanted_ = static_cast<std::int64_t>(number_cell(row, "image_amount_in_total", context).value_or(0));
    ratings_ = Json::array();
    open_ = true;
  }

  Record record_;
  Json ratings_;
  std::string prompt_id_;
  UniqueIds ids_;
  std::int64_t wanted_ = 0;
  bool open_ = false;
};

}  // namespace

std::vector<Format> imagereward_formats() {
  return {{"imagereward-test", "ImageReward's test.json", {"generations", "ranking", "prompt"}, {"id"}, each_row(test_row)},
          {"imagerewarddb",
           "ImageRewardDB, per part or as metadata-*.parquet",
           {"image_path", "prompt_id", "prompt", "rank"},
           {"classification", "image_amount_in_total", "overall_rating", "image_text_alignment_rating", "fidelity_rating"},
           [] { return std::make_unique<PictureRows>(); }}};
}

}  // namespace beholder::data
