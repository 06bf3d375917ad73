#include "judge/ask.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "core/error.h"
#include "core/rng.h"
#include "judge/mock_sampler.h"
#include "judge/prompt.h"

namespace beholder::judge {
namespace {

constexpr int kSpare = 3;  // rows of the mock's embedding that no token has

void add_merge(MockFiles& files, const std::string& left, const std::string& right) {
  const int rows = files.config["vocab_size"].get<int>();
  files.vocab[left + right] = rows - kSpare;
  files.merges += left + " " + right + "\n";
  files.config["vocab_size"] = rows + 1;
}

// The mock's tokenizer with "yes" and "no" as tokens of their own.
MockFiles files_with_yes_no() {
  MockFiles files = mock_files();
  add_merge(files, "y", "e");
  add_merge(files, "ye", "s");
  add_merge(files, "n", "o");
  return files;
}

struct Loaded {
  JudgeSpec spec;
  vlm::Model model;
};

Loaded load(const MockFiles& files, std::uint64_t seed = 3) {
  TempDir dir;
  write_mock_files(dir.path(), files);
  JudgeSpec spec = load_judge_spec(dir.path());
  vlm::Model model = vlm::init_model(spec.config, seed);
  for (const vlm::ParamSpec& param : vlm::param_specs(spec.config)) model.params.set(param.name, model.params[param.name].to(at::kDouble));
  model.dtype = at::kDouble;
  return {std::move(spec), std::move(model)};
}

vlm::Media picture(const JudgeSpec& spec, std::uint64_t seed, int side = 48) {
  media::Image image{side, side, {}};
  image.rgb.resize(static_cast<std::size_t>(side * side) * 3);
  Rng rng(seed);
  for (auto& value : image.rgb) value = static_cast<std::uint8_t>(rng.below(256));
  return prepare_image(image, spec.patches);
}

vlm::Media video(const JudgeSpec& spec, std::uint64_t seed, int frames = 5) {
  std::vector<media::Image> images(static_cast<std::size_t>(frames), media::Image{32, 48, std::vector<std::uint8_t>(32 * 48 * 3)});
  Rng rng(seed);
  for (media::Image& image : images)
    for (auto& value : image.rgb) value = static_cast<std::uint8_t>(rng.below(256));
  return prepare_video(images, 1.0, spec.patches);
}

const std::vector<std::string> kQuestions = {"Is it a red cup?", "Sharp?", "Is the light in this one soft, warm and even?", "Sharp?",
                                             "Two?"};

// The same by one call per question, each of them one plain sequence without branches.
std::vector<double> one_by_one(const Loaded& loaded, const AskItem& item) {
  const YesNoTokens tokens = find_yes_no(loaded.spec.tokenizer, "test");
  std::vector<double> out;
  for (const std::string& question : item.questions) {
    std::vector<vlm::Segment> branched = ask_segments(loaded.spec, {item.medium, {question}});
    vlm::Segment& whole = branched[0];
    whole.ids.insert(whole.ids.end(), branched[1].ids.begin(), branched[1].ids.end());
    const vlm::Packed packed = vlm::pack(loaded.spec.config, std::span(&whole, 1));
    const std::vector<std::int64_t> rows = {std::ssize(whole.ids) - 1};
    out.push_back(yes_probabilities(loaded.model, tokens, vlm::forward(loaded.model, packed), rows).item<double>());
  }
  return out;
}

TEST(AskInvariant, BranchesEqualOneCallPerQuestion) {
  const at::NoGradGuard no_grad;
  const Loaded loaded = load(files_with_yes_no());
  const std::vector<AskItem> items = {{picture(loaded.spec, 1), kQuestions},
                                      {video(loaded.spec, 2), {kQuestions[2], kQuestions[0]}},
                                      {picture(loaded.spec, 3, 64), {"Is it a blue square?"}}};
  const std::vector<std::vector<double>> branched = Asker(loaded.spec, loaded.model, "test").ask(items);
  ASSERT_EQ(branched.size(), items.size());
  double spread = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::vector<double> single = one_by_one(loaded, items[i]);
    ASSERT_EQ(branched[i].size(), single.size());
    for (std::size_t q = 0; q < single.size(); ++q) {
      EXPECT_NEAR(branched[i][q], single[q], 1e-6) << "item " << i << " question " << q;
      spread = std::max(spread, std::abs(single[q] - single[0]));
    }
  }
  EXPECT_GT(spread, 1e-3) << "the questions must matter";
  EXPECT_EQ(branched[0][1], branched[0][3]) << "the same question twice";
}

TEST(AskInvariant, BatchingChangesNothing) {
  const Loaded loaded = load(files_with_yes_no());
  std::vector<AskItem> items;
  for (std::uint64_t i = 0; i < 4; ++i) items.push_back({i == 2 ? video(loaded.spec, i) : picture(loaded.spec, i), kQuestions});
  std::vector<std::int64_t> together, alone;
  const auto all = Asker(loaded.spec, loaded.model, "test").ask(items, [&](std::int64_t n) { together.push_back(n); });
  const auto each = Asker(loaded.spec, loaded.model, "test", 1).ask(items, [&](std::int64_t n) { alone.push_back(n); });
  EXPECT_EQ(together, (std::vector<std::int64_t>{4}));
  EXPECT_EQ(alone, (std::vector<std::int64_t>{1, 2, 3, 4}));
  for (std::size_t i = 0; i < items.size(); ++i)
    for (std::size_t q = 0; q < kQuestions.size(); ++q) EXPECT_NEAR(all[i][q], each[i][q], 1e-6);
}

// One item's questions do not all have to fit one call: long prompts stand in every one of them.
TEST(AskInvariant, AnItemInPartsHasTheSameAnswers) {
  const Loaded loaded = load(files_with_yes_no());
  std::vector<AskItem> items{{picture(loaded.spec, 1), {}}, {video(loaded.spec, 2), kQuestions}};
  for (int q = 0; q < 6; ++q) {
    std::string question = "Shown " + std::to_string(q) + ":";
    for (int word = 0; word < 40; ++word) question += word % 7 == q ? " a red cup" : " a cup";
    items[0].questions.push_back(question + "?");
  }
  const Asker whole(loaded.spec, loaded.model, "test", 1 << 20);
  const std::int64_t tokens = whole.check(items[0]);
  const auto together = whole.ask(items);
  for (const std::int64_t limit : {tokens / 2, tokens / 4, std::int64_t{1}}) {
    std::vector<std::int64_t> told;
    const auto parts = Asker(loaded.spec, loaded.model, "test", limit).ask(items, [&](std::int64_t n) { told.push_back(n); });
    ASSERT_FALSE(told.empty());
    EXPECT_EQ(told.back(), 2) << limit;  // the last part of one may share a call with the next
    for (std::size_t i = 0; i < items.size(); ++i) {
      ASSERT_EQ(parts[i].size(), items[i].questions.size());
      for (std::size_t q = 0; q < parts[i].size(); ++q) EXPECT_NEAR(parts[i][q], together[i][q], 1e-6) << limit << " " << i << " " << q;
    }
  }
}

TEST(Ask, TheChatIsOneConversationPerQuestion) {
  const Loaded loaded = load(files_with_yes_no());
  const AskItem item{picture(loaded.spec, 1), {"Is <|im_end|> in it?", "Sharp?"}};
  const std::vector<vlm::Segment> segments = ask_segments(loaded.spec, item);
  ASSERT_EQ(segments.size(), 3U);
  EXPECT_EQ(segments[0].ids.back(), loaded.spec.config.vision_end_token_id);
  EXPECT_EQ(loaded.spec.tokenizer.decode(segments[2].ids), "\nSharp?<|im_end|>\n<|im_start|>assistant\n");
  const std::int64_t end = *loaded.spec.tokenizer.token_id("<|im_end|>");
  EXPECT_EQ(std::count(segments[1].ids.begin(), segments[1].ids.end(), end), 1) << "text of a question is no control token";
}

// Qwen3-VL writes a time and a vision block per temporal patch: all of them belong to the prefix.
TEST(Ask, AVideoOfSeveralVisionBlocksIsOnePrefix) {
  const JudgeSpec spec = load_judge_spec(std::string(BEHOLDER_SOURCE_DIR) + "/tests/data/vlm/tiny_qwen3vl");
  const AskItem item{video(spec, 1, 5), {"Sharp?", "Two?"}};
  const std::vector<vlm::Segment> segments = ask_segments(spec, item);
  const auto& prefix = segments[0].ids;
  EXPECT_EQ(std::count(prefix.begin(), prefix.end(), spec.config.vision_end_token_id), 3);
  EXPECT_EQ(prefix.back(), spec.config.vision_end_token_id);
  EXPECT_EQ(spec.tokenizer.decode(segments[2].ids), "\nTwo?<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_NO_THROW(vlm::pack(spec.config, segments)) << "pads and features agree";
}

TEST(Ask, YesAndNoInBothSpellingsCount) {
  MockFiles files = files_with_yes_no();
  EXPECT_EQ(find_yes_no(load(files).spec.tokenizer, "test").no.size(), 1U);
  add_merge(files, "N", "o");
  const Loaded loaded = load(files);
  const YesNoTokens tokens = find_yes_no(loaded.spec.tokenizer, "test");
  EXPECT_EQ(tokens.yes.size(), 1U);
  ASSERT_EQ(tokens.no.size(), 2U);
  EXPECT_EQ(loaded.spec.tokenizer.decode(std::span(&tokens.no[0], 1)), "no") << "small letters first";
  EXPECT_EQ(loaded.spec.tokenizer.decode(std::span(&tokens.no[1], 1)), "No");
}

TEST(Ask, RefusesWhatItCannotAnswer) {
  const Loaded none = load(mock_files());
  try {
    const Asker asker(none.spec, none.model, "checkpoint/dir");
    FAIL() << "a tokenizer without yes";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::kUnsupported);
    EXPECT_NE(std::string(e.what()).find("checkpoint/dir"), std::string::npos);
    EXPECT_NE(std::string(e.what()).find("\"yes\""), std::string::npos);
  }
  Loaded loaded = load(files_with_yes_no());
  const Asker asker(loaded.spec, loaded.model, "test");
  EXPECT_THROW(asker.check({picture(loaded.spec, 1), {std::string(20000, 'q')}}), Error) << "longer than the context";
  EXPECT_THROW(asker.check({picture(loaded.spec, 1), {}}), Error);
  const AskItem item{picture(loaded.spec, 1), {"Sharp?"}};
  EXPECT_GT(asker.check(item), 20);
  loaded.model.params.set("model.norm.weight", loaded.model.params["model.norm.weight"] * NAN);
  EXPECT_THROW(asker.ask(std::span(&item, 1)), Error) << "scores that are not numbers";
}

}  // namespace
}  // namespace beholder::judge
