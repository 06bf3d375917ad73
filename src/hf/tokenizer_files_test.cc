#include "hf/tokenizer_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "core/error.h"
#include "core/file.h"
#include "core/json.h"
#include "core/rng.h"
#include "hf/testing.h"
#include "hf/tokenizer.h"

namespace beholder::hf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Ids = std::vector<std::int64_t>;

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

TEST(TokenizerFiles, AControlTokenThatTheVocabularyAlsoHasIsNeverMerged) {
  Files f;
  f.json["model"]["vocab"]["zq"] = 982;
  f.json["model"]["merges"].push_back({"z", "q"});
  f.json["model"]["ignore_merges"] = true;
  EXPECT_THAT(f.load().encode("zq", Specials::kPlain), ElementsAre(982));
  f.json["model"]["merges"].erase(f.json["model"]["merges"].size() - 1);
  Json token = f.json["added_tokens"][0];
  token["id"] = 982;
  token["content"] = "zq";
  f.json["added_tokens"].push_back(token);
  EXPECT_THAT(f.load().encode("zq", Specials::kParse), ElementsAre(982));
  EXPECT_EQ(f.load().encode("zq", Specials::kPlain).size(), 2u);
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
