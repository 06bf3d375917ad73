#include "train/sft_config.h"

#include <algorithm>
#include <cmath>

#include "core/format.h"

namespace beholder::train {
namespace {

bool whole(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return v >= 0 && v == std::floor(v); });
}

void check_init(const InitConfig& c) {
  const std::string heads = "choose head counts that divide the widths";
  require_field(c.hidden_size % c.num_attention_heads == 0 && (c.hidden_size / c.num_attention_heads) % 16 == 0, "init.hidden_size",
                format("{} does not give {} heads of a multiple of 16", c.hidden_size, c.num_attention_heads), heads);
  require_field(c.num_attention_heads % c.num_key_value_heads == 0, "init.num_key_value_heads", "does not divide num_attention_heads",
                heads);
  require_field(c.vision_hidden_size % c.vision_num_heads == 0 && (c.vision_hidden_size / c.vision_num_heads) % 4 == 0,
                "init.vision_hidden_size", format("{} does not give {} heads of a multiple of 4", c.vision_hidden_size, c.vision_num_heads),
                heads);
  require_field(c.window_size >= 2 * c.patch_size, "init.window_size", "is smaller than one merged patch", "at least twice patch_size");
  require_field(whole(c.fullatt_block_indexes) && std::all_of(c.fullatt_block_indexes.begin(), c.fullatt_block_indexes.end(),
                                                              [&](double i) { return i < static_cast<double>(c.vision_depth); }),
                "init.fullatt_block_indexes", "names a block the tower does not have", "use 0 to vision_depth - 1");
  require_field(c.min_pixels <= c.max_pixels, "init.min_pixels", "is larger than max_pixels", "swap them");
}

void check_world(const WorldDataConfig& c) {
  require_field(!c.stage_mix.empty() && c.stage_mix.size() == c.stage_steps.size(), "world.stage_steps",
                format("{} numbers for {} stages", c.stage_steps.size(), c.stage_mix.size()),
                "give one number of steps per entry of stage_mix");
  require_field(whole(c.stage_steps), "world.stage_steps", "holds something that is not a number of steps", "use whole numbers");
  for (const std::string& mix : c.stage_mix)
    require_field(mix == "caption" || mix == "single" || mix == "pair" || mix == "vote", "world.stage_mix",
                  format("\"{}\" is not a mix", mix), "choose caption, single, pair or vote");
  require_field(c.pair_single_share + c.pair_score_share + c.pair_triple_share <= 1, "world.pair_single_share",
                "the three pair_* shares exceed 1", "the rest of a pair stage is plain pairs");
}

}  // namespace

void InitConfig::fields(FieldList& f) {
  f.group("fresh model");
  f.table("init");
  f.add_range("hidden_size", hidden_size, 16, 1 << 16, "width of the decoder");
  f.add_range("intermediate_size", intermediate_size, 1, 1 << 18, "width inside the decoder's feed-forward part");
  f.add_range("num_hidden_layers", num_hidden_layers, 1, 1024, "decoder layers");
  f.add_range("num_attention_heads", num_attention_heads, 1, 1024, "query heads");
  f.add_range("num_key_value_heads", num_key_value_heads, 1, 1024, "key and value heads");
  f.add_range("vision_depth", vision_depth, 1, 1024, "blocks of the vision tower");
  f.add_range("vision_hidden_size", vision_hidden_size, 4, 1 << 16, "width of the vision tower");
  f.add_range("vision_intermediate_size", vision_intermediate_size, 1, 1 << 18, "width inside its feed-forward part");
  f.add_range("vision_num_heads", vision_num_heads, 1, 1024, "heads of the vision tower");
  f.add_range("patch_size", patch_size, 1, 256, "side of a patch, px; a token covers two by two patches");
  f.add_range("rope_theta", rope_theta, 2, 1e9,
              "base of the decoder's rotary frequencies; small pictures want a small one, to tell neighbours apart");
  f.add_range("window_size", window_size, 2, 1 << 14, "side of an attention window, px");
  f.add("fullatt_block_indexes", fullatt_block_indexes, "blocks of the tower that see the whole picture");
  f.add_range("vocab_size", vocab_size, 320, 1 << 20, "largest vocabulary, control tokens included");
  f.add_range("min_pixels", min_pixels, 1, 1 << 26, "pictures are resized to at least this many pixels");
  f.add_range("max_pixels", max_pixels, 1, 1 << 26, "and at most this many");
  f.end_table();
}

void WorldDataConfig::fields(FieldList& f) {
  f.group("embedded world");
  f.table("world");
  f.add("seed", seed, "seed of the world");
  f.add("stage_mix", stage_mix,
        "what each stage trains on: caption (a picture, no question), single (one picture), pair (two),\n"
        "vote (pairs, answered by the voters' majority)");
  f.add("stage_steps", stage_steps, "updates per stage; the last goes on to max_steps");
  f.add_range("video_share", video_share, 0, 1, "share of examples with videos instead of pictures");
  f.add_range("pair_single_share", pair_single_share, 0, 1, "share of single pictures in a pair stage");
  f.add_range("pair_score_share", pair_score_share, 0, 1, "share of pairs that ask for scores");
  f.add_range("pair_triple_share", pair_triple_share, 0, 1, "share of three pictures in a pair stage");
  f.end_table();
}

void SftConfig::fields(FieldList& f) {
  f.group("model and data");
  f.add("model", model, "checkpoint folder or org/name to start from; empty: a fresh model from [init]");
  f.add("data", data,
        "records with \"completion\": JSONL, a public data set (see `data inspect`), or a mixture \"A * 0.7 + B * 0.3\";\n"
        "empty: the embedded world");
  f.add("eval_data", eval_data, "held-out JSONL records; with the embedded world its validation split is used");
  f.add_choice("answer", answer, {"soft", "select", "score"}, "the question that records answer");
  f.add_range("max_length", max_length, 0, kMany, "longest example, tokens; longer ones are counted and left out; 0: the model's limit");
  trained_fields(f);
  optimisation_fields(f, "examples");
  run_fields(f);
  f.add_range("eval_examples", eval_examples, 1, 1 << 20, "examples of the fixed validation batch");
  world.fields(f);
  init.fields(f);
}

void validate(const SftConfig& c) {
  validate_run(c);
  require_field(!c.data.empty() || c.eval_data.empty(), "eval_data", "is set while data is the embedded world",
                "set data too, or leave both empty");
  require_field(c.data.empty() || c.eval_steps == 0 || !c.eval_data.empty(), "eval_steps", "is set without eval_data",
                "name a held-out file, or set eval_steps = 0");
  require_field(c.data.empty() || !c.model.empty(), "model", "is empty while data is your own records",
                "name a checkpoint to start from; a fresh model's tokenizer only knows the embedded world's words");
  require_field(!c.use_peft || !c.model.empty(), "use_peft", "asks for an adapter while model is empty",
                "name the model that it changes, or train a fresh one whole");
  if (c.model.empty()) check_init(c.init);
  if (c.data.empty()) check_world(c.world);
}

Json numeric_config(SftConfig config) {
  FieldList list;
  config.fields(list);
  return numeric_part(list);
}

}  // namespace beholder::train
