// beholder tokenize: text to token ids and back.
#include <algorithm>
#include <iostream>

#include "app/command.h"
#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/json.h"
#include "hf/hub.h"
#include "hf/peft.h"
#include "hf/tokenizer.h"

namespace beholder::app {
namespace {

class TokenizeCommand : public Command {
 public:
  std::string name() const override { return "tokenize"; }
  std::string summary() const override { return "text to token ids, and back"; }
  std::string operands() const override {
    return "text files, each one text; without any, JSON strings (or {\"ids\"} with --decode), one a line, on stdin";
  }
  std::string examples() const override {
    return "Examples:\n  echo '\"a red circle\"' | beholder tokenize\n  beholder tokenize --model DIR a.txt b.txt\n"
           "  echo '{\"ids\":[64,220]}' | beholder tokenize --decode";
  }
  void fields(FieldList& f) override {
    f.add("model", model_, "checkpoint folder, or org/name in the hub cache; empty: the embedded judge");
    f.add("plain", plain_, "special tokens in the text are text, as in prompts");
    f.add("decode", decode_, "ids to text");
  }

  int run(const std::vector<std::string>& operands) override {
    const hf::Tokenizer tokenizer = hf::Tokenizer::load(hf::base_model_dir(hf::resolve_model_dir(named_model(model_))));
    if (!operands.empty()) {
      for (const std::string& path : operands) print(tokenizer, decode_ ? read_json(path) : Json(read_file(path)), path);
      return 0;
    }
    std::string line;
    for (int number = 1; std::getline(std::cin, line); ++number)
      if (!line.empty()) print(tokenizer, parse_json(line, format("stdin:{}", number)), format("stdin:{}", number));
    return 0;
  }

 private:
  void print(const hf::Tokenizer& tokenizer, const Json& value, const std::string& where) const {
    Json out;
    try {
      if (decode_)
        out["text"] = tokenizer.decode(ids_of(value));
      else
        out["ids"] = tokenizer.encode(text_of(value), plain_ ? hf::Specials::kPlain : hf::Specials::kParse);
    } catch (const Error& e) {
      throw Error(e.code(), where, e.problem(), e.fix());
    }
    fmt::print("{}\n", json_line(out));
  }

  static std::string text_of(const Json& value) {
    if (!value.is_string()) throw Error(Code::kInvalidInput, "", "is not a JSON string", "give one text in quotes per line, or file names");
    return value.get<std::string>();
  }

  static std::vector<std::int64_t> ids_of(const Json& value) {
    const Json& list = value.is_object() && value.contains("ids") ? value["ids"] : value;
    if (!list.is_array() || !std::all_of(list.begin(), list.end(), [](const Json& id) { return id.is_number_integer(); }))
      throw Error(Code::kInvalidInput, "", "holds no list of token ids", "give {\"ids\":[64,220]} or [64,220], whole numbers");
    return list.get<std::vector<std::int64_t>>();
  }

  std::string model_;
  bool plain_ = false, decode_ = false;
};

}  // namespace

CommandPtr make_tokenize_command() {
  return std::make_unique<TokenizeCommand>();
}

}  // namespace beholder::app
