#include "hf/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/json.h"
#include "core/rng.h"
#include "hf/utf8.h"

namespace beholder::hf {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Ids = std::vector<std::int64_t>;

const std::string kData = BEHOLDER_SOURCE_DIR "/tests/data/hf/";

const Tokenizer& tiny() {
  static const Tokenizer tokenizer = Tokenizer::load(kData + "tiny");
  return tokenizer;
}

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

Code code_of(const std::function<void()>& act, std::string* text = nullptr) {
  try {
    act();
  } catch (const Error& e) {
    if (text) *text = e.what();
    return e.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return Code::kInternal;
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
  EXPECT_THAT(wrong, testing::Each(0));
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

// ---- files

struct Files {
  TempDir dir;
  Json json = read_json(kData + "tiny/tokenizer.json");
  Tokenizer load() const {
    std::ofstream(dir / "tokenizer.json") << json.dump();
    return Tokenizer::load(dir.path());
  }
  void expect(Code code, const std::string& part) const {
    std::string what;
    EXPECT_EQ(code_name(code_of([&] { load(); }, &what)), code_name(code)) << what;
    EXPECT_THAT(what, HasSubstr(part));
  }
};

TEST(TokenizerFiles, MergesAsStringsOrPairs) {
  Files f;
  const Ids expected = tiny().encode("The second image.", Specials::kPlain);
  const bool strings = f.json["model"]["merges"][0].is_string();
  for (Json& merge : f.json["model"]["merges"]) {
    if (strings) {
      const auto text = merge.get<std::string>();
      merge = Json::array({text.substr(0, text.find(' ')), text.substr(text.find(' ') + 1)});
    } else {
      merge = merge[0].get<std::string>() + " " + merge[1].get<std::string>();
    }
  }
  EXPECT_EQ(f.load().encode("The second image.", Specials::kPlain), expected);
}

TEST(TokenizerFiles, AddedTokenFlags) {
  Files f;
  const auto id = static_cast<std::int64_t>(982);
  const auto add = [&](std::int64_t at, const char* content, bool lstrip, bool rstrip, bool normalized) {
    f.json["added_tokens"].push_back({{"id", at},
                                      {"content", content},
                                      {"single_word", false},
                                      {"lstrip", lstrip},
                                      {"rstrip", rstrip},
                                      {"normalized", normalized},
                                      {"special", false}});
  };
  add(id, "<L>", true, false, false);
  add(id + 1, "<R>", false, true, false);
  add(id + 2, "e\u0301!", false, false, true);
  add(id + 3, "<LONG>", false, false, false);
  add(id + 4, "<LO", false, false, false);
  const Tokenizer t = f.load();
  const auto enc = [&](const char* text) { return t.encode(text, Specials::kParse); };
  const std::int64_t a = *t.token_id("a");
  EXPECT_THAT(enc("a \n<L>a"), ElementsAre(a, id, a));
  EXPECT_THAT(enc("a<R> \u3000a"), ElementsAre(a, id + 1, a));
  EXPECT_THAT(enc("a<R> <L>a"), ElementsAre(a, id + 1, id, a));
  EXPECT_THAT(enc("ae\u0301!a"), ElementsAre(a, id + 2, a)) << "found after composition";
  EXPECT_THAT(enc("a\u00e9!a"), ElementsAre(a, id + 2, a));
  EXPECT_THAT(enc("<LONG><LOa"), ElementsAre(id + 3, id + 4, a)) << "the longest token wins";
  f.json["added_tokens"].back()["single_word"] = true;
  f.expect(Code::kUnsupported, "single_word");
}

TEST(TokenizerFiles, HolesAndClashesAreCorrupt) {
  {
    Files f;
    f.json["added_tokens"].erase(3);
    std::filesystem::remove(f.dir / "tokenizer_config.json");
    f.expect(Code::kCorrupt, "no token has the id 963");
  }
  {
    Files f;
    f.json["model"]["vocab"]["zzzz"] = 5;
    f.expect(Code::kCorrupt, "two tokens have the id 5");
  }
  {
    Files f;
    f.json["added_tokens"][0]["id"] = 5;
    f.expect(Code::kCorrupt, "two tokens have the id 5");
  }
  {
    Files f;
    f.json["added_tokens"][0]["id"] = 961;
    f.expect(Code::kCorrupt, "clash");
  }
  {
    Files f;
    f.json["added_tokens"][0]["content"] = "<|im_end|>";
    f.expect(Code::kCorrupt, "clash");
  }
  {
    Files f;
    f.json["added_tokens"][0]["content"] = "a";
    f.expect(Code::kCorrupt, "has two ids");
  }
  {
    Files f;
    f.json["added_tokens"][0]["id"] = 1 << 24;
    f.expect(Code::kCorrupt, "not a number from 0");
  }
  {
    Files f;
    f.json["model"]["vocab"]["zzzz"] = -1;
    f.expect(Code::kCorrupt, "not a number from 0");
  }
  {
    Files f;
    f.json["model"]["vocab"]["zzzz"] = 9.5;
    f.expect(Code::kCorrupt, "not a number from 0");
  }
  {
    Files f;
    f.json["model"]["vocab"] = Json::object();
    f.expect(Code::kCorrupt, "no vocabulary");
  }
  {
    Files f;
    f.json["model"]["merges"].push_back({"zz", "qqq"});
    f.expect(Code::kCorrupt, "which the vocabulary lacks");
  }
  {
    Files f;
    f.json["model"]["merges"].push_back("a b c");
    f.expect(Code::kCorrupt, "not two tokens");
  }
  {
    Files f;
    f.json["model"]["merges"].push_back(3);
    f.expect(Code::kCorrupt, "neither");
  }
}

TEST(TokenizerFiles, AMissingByteIsCorrupt) {
  Files f;
  Json& vocab = f.json["model"]["vocab"];
  const std::int64_t id = vocab["!"];
  vocab.erase("!");
  vocab["no such byte"] = id;
  f.json["model"]["merges"] = Json::array();
  f.expect(Code::kCorrupt, "no token for the byte 0x21");
}

TEST(TokenizerFiles, OtherTokenizersAreUnsupported) {
  {
    Files f;
    f.json["model"]["type"] = "Unigram";
    f.expect(Code::kUnsupported, "Unigram");
  }
  {
    Files f;
    f.json["normalizer"] = {{"type", "Lowercase"}};
    f.expect(Code::kUnsupported, "Lowercase");
  }
  {
    Files f;
    f.json["pre_tokenizer"] = {{"type", "Metaspace"}};
    f.expect(Code::kUnsupported, "Metaspace");
  }
  {
    Files f;
    f.json["pre_tokenizer"]["pretokenizers"][0]["behavior"] = "Removed";
    f.expect(Code::kUnsupported, "isolate");
  }
  {
    Files f;
    f.json["pre_tokenizer"] = nullptr;
    f.expect(Code::kUnsupported, "Split followed by ByteLevel");
  }
  {
    Files f;
    f.json["decoder"] = nullptr;
    f.expect(Code::kUnsupported, "decoder");
  }
  {
    Files f;
    f.json["post_processor"] = {{"type", "TemplateProcessing"}};
    f.expect(Code::kUnsupported, "TemplateProcessing");
  }
  {
    Files f;
    f.json["model"]["dropout"] = 0.1;
    f.expect(Code::kUnsupported, "dropout");
  }
  {
    Files f;
    f.json["model"]["end_of_word_suffix"] = "</w>";
    f.expect(Code::kUnsupported, "suffixes");
  }
  {
    Files f;
    f.json["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = "(a";
    f.expect(Code::kCorrupt, "does not compile");
  }
  Files f;
  f.json["normalizer"] = nullptr;
  EXPECT_EQ(f.load().decode(f.load().encode("e\u0301", Specials::kParse)), "e\u0301") << "without NFC, text stays as it is";
}

TEST(TokenizerFiles, ACostlyPatternIsRefusedNotRunForever) {
  Files f;
  f.json["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = "(a+)+(a+)+(a+)+[bc]";
  const Tokenizer t = f.load();
  EXPECT_EQ(code_of([&] { (void)t.encode(std::string(3000, 'a'), Specials::kPlain); }), Code::kUnsupported);
}

TEST(TokenizerFiles, MissingFilesSayWhatIsNeeded) {
  TempDir dir;
  std::string what;
  EXPECT_EQ(code_of([&] { Tokenizer::load(dir.path()); }, &what), Code::kNotFound);
  EXPECT_THAT(what, HasSubstr("no tokenizer.json, and no vocab.json with merges.txt"));
}

TEST(TokenizerFilesInvariant, DamageNeverCrashes) {
  const std::string good = read_file(kData + "tiny/tokenizer.json");
  int refused = 0;
  for (std::uint64_t i = 0; i < 250; ++i) {
    Rng rng(5, i);
    std::string bytes = good.substr(0, rng.chance(0.2) ? rng.below(good.size()) : good.size());
    for (std::uint64_t n = 1 + rng.below(4); n > 0 && !bytes.empty(); --n)
      bytes[rng.below(bytes.size())] = static_cast<char>(rng.below(256));
    TempDir dir;
    std::ofstream(dir / "tokenizer.json", std::ios::binary) << bytes;
    try {
      (void)Tokenizer::load(dir.path()).encode("The second image 12.", Specials::kParse);
    } catch (const Error& e) {
      ++refused;
      EXPECT_TRUE(e.code() == Code::kCorrupt || e.code() == Code::kUnsupported || e.code() == Code::kInvalidInput) << e.what();
    }
  }
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace beholder::hf
