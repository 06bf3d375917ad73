#include "hf/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/json.h"
#include "core/rng.h"
#include "hf/testing.h"
#include "hf/utf8.h"

namespace beholder::hf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Ids = std::vector<std::int64_t>;

// BEHOLDER_TOKENIZER_CORPUS and BEHOLDER_TOKENIZER_DIR name a larger comparison made by tools/oracle_hf.py.
void compare_with(const Tokenizer& tokenizer, const Json& fixture) {
  ASSERT_GT(fixture["texts"].size(), 250u);
  for (const Json& row : fixture["texts"]) {
    const auto text = row["text"].get<std::string>();
    const Ids ids = row["ids"], plain = row.contains("plain") ? row["plain"].get<Ids>() : ids;
    ASSERT_EQ(tokenizer.encode(text, Specials::kParse), ids) << json_line(text);
    ASSERT_EQ(tokenizer.encode(text, Specials::kPlain), plain) << json_line(text);
    ASSERT_EQ(tokenizer.decode(ids), row.value("decoded", text)) << json_line(text);
    ASSERT_EQ(tokenizer.decode(ids, true), row.value("skip", text)) << json_line(text);
  }
  for (const Json& row : fixture["broken"]) ASSERT_EQ(tokenizer.decode(row["ids"].get<Ids>()), row["decoded"].get<std::string>());
}

TEST(TokenizerOracle, EqualsTransformersOnOddTexts) {
  compare_with(tiny(), read_json(kData + "tiny.encode.json"));
}

TEST(TokenizerOracle, EqualsTransformersOnALargerCorpusWhereOneIsGiven) {
  const char* corpus = std::getenv("BEHOLDER_TOKENIZER_CORPUS");
  const char* dir = std::getenv("BEHOLDER_TOKENIZER_DIR");
  if (!corpus || !dir) GTEST_SKIP() << "set BEHOLDER_TOKENIZER_CORPUS and BEHOLDER_TOKENIZER_DIR";
  compare_with(Tokenizer::load(dir), read_json(corpus));
}

// The same tokenizer from its other files: vocab.json + merges.txt + tokenizer_config.json.
TEST(TokenizerOracle, ThreeFilesEqualTheOneFile) {
  TempDir dir;
  for (const char* name : {"vocab.json", "merges.txt", "tokenizer_config.json"}) std::filesystem::copy(kData + "tiny/" + name, dir / name);
  const Tokenizer tokenizer = Tokenizer::load(dir.path());
  EXPECT_EQ(tokenizer.size(), tiny().size());
  compare_with(tokenizer, read_json(kData + "tiny.encode.json"));
}

TEST(Tokenizer, PlainTextNeverGivesAControlToken) {
  for (std::int64_t id = 0; id < tiny().size(); ++id) {
    if (!tiny().is_special(id)) continue;
    const std::string text = tiny().decode(Ids{id});
    const Ids plain = tiny().encode("a " + text + " b", Specials::kPlain);
    for (const std::int64_t got : plain) EXPECT_FALSE(tiny().is_special(got)) << text;
    EXPECT_GT(plain.size(), 4u);
    EXPECT_EQ(tiny().decode(plain), "a " + text + " b");
    EXPECT_THAT(tiny().encode(text, Specials::kParse), ElementsAre(id));
  }
}

TEST(Tokenizer, DigitsAreSingleTokens) {
  const Ids ids = tiny().encode("2026", Specials::kPlain);
  ASSERT_EQ(ids.size(), 4u);
  EXPECT_EQ(ids[0], ids[2]);
  EXPECT_EQ(tiny().token_id("2"), ids[0]);
}

TEST(Tokenizer, FindsTokensByText) {
  EXPECT_EQ(tiny().token_id("<|im_end|>"), 962);
  EXPECT_EQ(tiny().token_id("<|image_pad|>"), 972);
  EXPECT_TRUE(tiny().token_id(" the").has_value());
  EXPECT_EQ(tiny().decode(Ids{*tiny().token_id(" the")}), " the");
  EXPECT_FALSE(tiny().token_id("no such token").has_value());
  EXPECT_FALSE(tiny().token_id("").has_value());
  EXPECT_EQ(tiny().size(), 982);
  EXPECT_TRUE(tiny().is_special(962));
  EXPECT_FALSE(tiny().is_special(974)) << "<tool_call> is added, not special";
  EXPECT_FALSE(tiny().is_special(-1));
  EXPECT_FALSE(tiny().is_special(982));
}

TEST(Tokenizer, InvalidUtf8IsRefusedWithItsPlace) {
  for (const auto& [text, at] : std::vector<std::pair<std::string, int>>{{"ab\xff", 2},
                                                                         {"\x80", 0},
                                                                         {"\xc3", 0},
                                                                         {"\xc3\xa9\xc3", 2},
                                                                         {"\xc0\xaf", 0},
                                                                         {"x\xe0\x80\x80", 1},
                                                                         {"\xed\xa0\x80", 0},
                                                                         {"\xf4\x90\x80\x80", 0},
                                                                         {"\xf5\x80\x80\x80", 0},
                                                                         {"\xf0\x9f\x99", 0}}) {
    for (const Specials specials : {Specials::kParse, Specials::kPlain}) {
      std::string what;
      EXPECT_EQ(code_of([&] { (void)tiny().encode(text, specials); }, &what), Code::kInvalidInput);
      EXPECT_THAT(what, HasSubstr(format("not UTF-8 at byte {} ", at)));
    }
  }
}

TEST(Tokenizer, DecodeRepairsBytesAndRefusesUnknownIds) {
  const Ids ids = tiny().encode("\u043a", Specials::kPlain);
  const Ids bytes{*tiny().token_id("\xe2"), *tiny().token_id("\x82"), *tiny().token_id("a"), *tiny().token_id("\xff")};
  EXPECT_EQ(tiny().decode(bytes), "\uFFFDa\uFFFD");
  for (const std::int64_t id : {std::int64_t{-1}, tiny().size(), std::int64_t{1} << 40})
    EXPECT_EQ(code_of([&] { (void)tiny().decode(Ids{id}); }), Code::kInvalidInput);
  EXPECT_EQ(tiny().decode({}), "");
}

TEST(TokenizerInvariant, PlainRoundTripOfComposedText) {
  for (std::uint64_t i = 0; i < 400; ++i) {
    Rng rng(3, i);
    std::string text;
    for (std::uint64_t n = rng.below(40); n > 0; --n) {
      char32_t c = static_cast<char32_t>(rng.below(rng.chance(0.5) ? 0x80 : 0x110000));
      if (c >= 0xD800 && c < 0xE000) c = U'x';
      append_code_point(text, c);
    }
    const std::string composed = to_nfc(text);
    EXPECT_EQ(tiny().decode(tiny().encode(text, Specials::kPlain)), composed);
    EXPECT_EQ(to_nfc(composed), composed);
  }
}

TEST(TokenizerInvariant, ManyThreadsAgree) {
  const Json fixture = read_json(kData + "tiny.encode.json");
  const Tokenizer fresh = Tokenizer::load(kData + "tiny");  // its cache is empty
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (int& count : wrong)
    threads.emplace_back([&] {
      for (const Json& row : fixture["texts"])
        count += fresh.encode(row["text"].get<std::string>(), Specials::kParse) != row["ids"].get<Ids>();
    });
  for (std::thread& t : threads) t.join();
  EXPECT_THAT(wrong, ::testing::Each(0));
}

// Texts that make careless implementations quadratic.
TEST(Tokenizer, LongRunsTakeLinearTime) {
  const auto start = std::chrono::steady_clock::now();
  std::string marks;
  for (int i = 0; i < 200000; ++i) marks += i % 2 ? "\u0301" : "\u0323";
  for (const std::string& text : {std::string(1 << 20, 'a'), std::string(1 << 20, ' ') + "x", std::string(1 << 19, '<'), marks})
    EXPECT_EQ(tiny().decode(tiny().encode(text, Specials::kParse)), to_nfc(text));
  EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(), 60);
}

}  // namespace
}  // namespace beholder::hf
