#include "judge/judge_model.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/error.h"
#include "judge/mock_sampler.h"

namespace beholder::judge {
namespace {

JudgeSpec load_spec(const MockFiles& files) {
  TempDir dir;
  write_mock_files(dir.path(), files);
  return load_judge_spec(dir.path());
}

Code code_of(const MockFiles& files) {
  try {
    load_spec(files);
  } catch (const Error& e) {
    return e.code();
  }
  return Code::kInternal;
}

TEST(JudgeModel, FindsTheTokensItNeeds) {
  const JudgeSpec spec = load_spec(mock_files());
  ASSERT_EQ(spec.index_ids.size(), 9U);
  EXPECT_EQ(spec.tokenizer.decode(std::span(&spec.index_ids[4], 1)), "5");
  EXPECT_EQ(spec.stop_ids.size(), 2U) << "<|im_end|> is named twice and kept once";
  const auto banned = [&](std::int64_t id) {
    return std::find(spec.banned_ids.begin(), spec.banned_ids.end(), id) != spec.banned_ids.end();
  };
  EXPECT_TRUE(banned(spec.config.image_token_id));
  EXPECT_TRUE(banned(spec.config.video_token_id));
  EXPECT_TRUE(banned(spec.config.vision_start_token_id));
  EXPECT_TRUE(banned(spec.tokenizer.size())) << "a row of the embedding that is no token";
  EXPECT_TRUE(banned(spec.config.text.vocab_size - 1));
  EXPECT_FALSE(banned(spec.index_ids[0]));
  EXPECT_FALSE(banned(spec.stop_ids[0]));
}

TEST(JudgeModel, RefusesFilesOfDifferentCheckpoints) {
  MockFiles small = mock_files();
  small.config["vocab_size"] = 260;
  EXPECT_THROW(load_spec(small), Error);
  MockFiles shifted = mock_files();
  shifted.config["image_token_id"] = shifted.config["image_token_id"].get<int>() - 1;
  EXPECT_EQ(code_of(shifted), Code::kUnsupported);
  MockFiles patches = mock_files();
  patches.preprocessor["patch_size"] = 14;
  EXPECT_EQ(code_of(patches), Code::kUnsupported);
}

TEST(JudgeModel, RefusesATokenizerWithoutASingleTokenPerIndex) {
  MockFiles files = mock_files();  // the digit 7 leaves the vocabulary under that name
  const int id = files.vocab["7"];
  files.vocab.erase("7");
  files.vocab["<unused>"] = id;
  EXPECT_THROW(load_spec(files), Error);
}

TEST(JudgeModel, ThousandsOfPaddingRowsAreBannedOnce) {
  MockFiles files = mock_files();
  files.config["vocab_size"] = files.config["vocab_size"].get<int>() + 1000;
  const JudgeSpec spec = load_spec(files);
  std::vector<std::int64_t> sorted = spec.banned_ids;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(std::adjacent_find(sorted.begin(), sorted.end()), sorted.end());
  EXPECT_EQ(std::ssize(sorted), 5 + spec.config.text.vocab_size - spec.tokenizer.size());
}

}  // namespace
}  // namespace beholder::judge
