#include "hf/bpe_train.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/file.h"
#include "core/json.h"
#include "core/rng.h"
#include "hf/testing.h"
#include "hf/tokenizer.h"

namespace beholder::hf {
namespace {

using ::testing::ElementsAre;
using Ids = std::vector<std::int64_t>;

TEST(BpeTrainOracle, EqualsTokenizersMergeByMerge) {
  const Json fixture = read_json(kData + "bpe.json");
  const auto texts = fixture["texts"].get<std::vector<std::string>>();
  const Vocabulary v = train_bpe(texts, fixture["vocab_size"]);
  std::vector<std::string> printable;
  for (const std::string& token : v.tokens) printable.push_back(bytes_to_printable(token));
  EXPECT_EQ(printable, fixture["vocab"].get<std::vector<std::string>>());
  ASSERT_EQ(v.merges.size(), fixture["merges"].size());
  for (std::size_t i = 0; i < v.merges.size(); ++i) {
    const auto [left, right] = v.merges[i];
    EXPECT_EQ((std::vector{printable.at(static_cast<std::size_t>(left)), printable.at(static_cast<std::size_t>(right))}),
              fixture["merges"][i].get<std::vector<std::string>>());
  }
  TempDir dir;
  write_tokenizer(dir.path(), v);
  const Tokenizer t = Tokenizer::load(dir.path());
  for (const Json& row : fixture["probes"]) EXPECT_EQ(t.encode(row["text"].get<std::string>(), Specials::kPlain), row["ids"].get<Ids>());
}

TEST(BpeTrainInvariant, OrderAndRepetitionOfTextsDoNotMatter) {
  const auto texts = read_json(kData + "bpe.json")["texts"].get<std::vector<std::string>>();
  const Vocabulary base = train_bpe(texts, 400);
  std::vector<std::string> mixed = texts;
  mixed.insert(mixed.end(), texts.begin(), texts.end());  // twice as frequent: the same order of pairs
  Rng rng(2);
  rng.shuffle(mixed);
  const Vocabulary other = train_bpe(mixed, 400);
  EXPECT_EQ(other.tokens, base.tokens);
  EXPECT_EQ(other.merges, base.merges);
}

TEST(BpeTrain, StopsWhenNothingIsLeftToJoin) {
  const std::vector<std::string> texts{"ab ab"};
  const Vocabulary v = train_bpe(texts, 5000);
  EXPECT_EQ(v.tokens.size(), 258u);  // "ab", " ab"
  EXPECT_EQ(v.tokens[256], "ab");
  EXPECT_EQ(v.tokens[257], " ab");
  EXPECT_EQ(train_bpe({}, 300).tokens.size(), 256u);
}

TEST(BpeTrain, RefusesBadArguments) {
  const std::vector<std::string> broken{"fine", "\xff"};
  EXPECT_THROW(train_bpe(broken, 300), Error);
  EXPECT_THROW(train_bpe({}, 255), Error);
  TempDir dir;
  Vocabulary v = train_bpe({}, 256);
  TokenizerFiles files;
  files.plain = {"<|im_end|>"};
  EXPECT_THROW(write_tokenizer(dir.path(), v, files), Error);
  files.plain = {"a"};
  EXPECT_THROW(write_tokenizer(dir.path(), v, files), Error);
  files.plain = {};
  files.special = {"<|im_end|>"};
  EXPECT_THROW(write_tokenizer(dir.path(), v, files), Error);
  v.tokens.push_back("a");
  EXPECT_THROW(write_tokenizer(dir.path(), v), Error);
}

TEST(TokenizerWriter, WrittenFilesAreOnesTheReaderTakes) {
  const auto texts = read_json(kData + "bpe.json")["texts"].get<std::vector<std::string>>();
  TempDir dir;
  write_tokenizer(dir.path(), train_bpe(texts, 350));
  const Tokenizer t = Tokenizer::load(dir.path());
  EXPECT_EQ(t.size(), 350 + 22);
  EXPECT_EQ(t.token_id("<|endoftext|>"), 350);
  EXPECT_EQ(t.token_id("<|video_pad|>"), 363);
  EXPECT_EQ(t.token_id("<|file_sep|>"), 371);
  EXPECT_TRUE(t.is_special(363));
  EXPECT_FALSE(t.is_special(364));
  for (const char digit : std::string("0123456789")) EXPECT_EQ(t.encode(std::string(3, digit), Specials::kPlain).size(), 3u);
  const Json config = read_json(dir / "tokenizer_config.json"), reference = read_json(kData + "tiny/tokenizer_config.json");
  EXPECT_EQ(config["chat_template"], reference["chat_template"]);
  EXPECT_EQ(config["additional_special_tokens"], reference["additional_special_tokens"]);
  std::vector<std::string> keys, expected;
  for (const auto& [key, value] : config.items()) keys.push_back(key);
  for (const auto& [key, value] : reference.items()) expected.push_back(key);
  EXPECT_THAT(keys, ::testing::UnorderedElementsAreArray(expected));
  // The three older files say the same as tokenizer.json.
  TempDir three;
  for (const char* name : {"vocab.json", "merges.txt", "tokenizer_config.json"}) write_file_atomic(three / name, read_file(dir / name));
  const Tokenizer u = Tokenizer::load(three.path());
  for (const std::string& text : texts) EXPECT_EQ(u.encode(text, Specials::kParse), t.encode(text, Specials::kParse));
}

}  // namespace
}  // namespace beholder::hf
