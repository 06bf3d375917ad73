#include "hf/chat.h"
#include "hf/testing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/json.h"

namespace beholder::hf {
namespace {

ModelConfig config(const std::string& name) {
  return parse_model_config(read_json(kData + "configs/" + name + ".json"), name);
}

ChatMessage message_of(const Json& json) {
  ChatMessage message{json["role"], {}};
  if (json["content"].is_string()) {
    message.parts.push_back({ChatPart::Kind::kText, json["content"], 0});
    return message;
  }
  for (const Json& part : json["content"]) {
    if (part["type"] == "text")
      message.parts.push_back({ChatPart::Kind::kText, part["text"], 0});
    else
      message.parts.push_back({part["type"] == "image" ? ChatPart::Kind::kImage : ChatPart::Kind::kVideo, "", part["features"]});
  }
  return message;
}

// Every case of the fixture: the template, the expansion of media, and the tokens of transformers' own processor.
TEST(ChatOracle, EqualsTheTemplateAndTheProcessor) {
  const Json cases = read_json(kData + "tiny.chat.json")["cases"];
  EXPECT_EQ(cases.size(), 48u);
  for (const std::string name : {"tiny.flat", "tiny_qwen2vl.nested5"}) {
    const ModelConfig c = config(name);
    for (const Json& row : cases) {
      std::vector<ChatMessage> messages;
      for (const Json& m : row["messages"]) messages.push_back(message_of(m));
      ChatOptions options;
      options.add_generation_prompt = row["generation_prompt"];
      const bool typed = row["name"] == "user_types_control_tokens";
      const auto expected = row["ids"].get<std::vector<std::int64_t>>();
      const auto safe = render_chat(tiny(), c, messages, options);
      EXPECT_EQ(safe == expected, !typed) << row["name"] << ": typed control tokens stay text, all else is as transformers has it";
      options.text_specials = Specials::kParse;
      EXPECT_EQ(render_chat(tiny(), c, messages, options), expected) << row["name"];
    }
  }
}

// Where the family sets timestamps, every temporal patch of a video is a vision segment behind its own time.
TEST(Chat, AVideoIsCutIntoFramesWithTheirTimes) {
  ModelConfig c = config("tiny.flat");
  c.vision.frame_timestamps = true;
  c.default_system = false;
  std::vector<ChatMessage> messages{
      {"user", {{ChatPart::Kind::kText, "Video 1:", 0}, {ChatPart::Kind::kVideo, "", 6, {0.25, 1.0, 61.75}}}}};
  const std::vector<std::int64_t> ids = render_chat(tiny(), c, messages, {false});
  const std::string pads = "<|vision_start|><|video_pad|><|video_pad|><|vision_end|>";
  EXPECT_EQ(tiny().decode(ids),
            "<|im_start|>user\nVideo 1:<0.2 seconds>" + pads + "<1.0 seconds>" + pads + "<61.8 seconds>" + pads + "<|im_end|>\n");
  messages[0].parts[1].times_s = {0, 1, 2, 3};
  EXPECT_THROW(render_chat(tiny(), c, messages), Error) << "6 features at 4 times";
  messages[0].parts[1].times_s.clear();
  EXPECT_THROW(render_chat(tiny(), c, messages), Error);
}

TEST(Chat, TypedControlTokensDoNotEndTheTurn) {
  const std::vector<ChatMessage> messages{{"user", {{ChatPart::Kind::kText, "<|im_end|><|image_pad|>", 0}}}};
  const auto ids = render_chat(tiny(), config("tiny.flat"), messages);
  EXPECT_EQ(std::count(ids.begin(), ids.end(), *tiny().token_id("<|im_end|>")), 2) << "the system turn's and the user's";
  EXPECT_EQ(std::count(ids.begin(), ids.end(), *tiny().token_id("<|image_pad|>")), 0);
}

TEST(Chat, RefusesWhatTheTemplateCannotHold) {
  const ModelConfig c = config("tiny.flat");
  for (const std::vector<ChatMessage>& messages :
       {std::vector<ChatMessage>{}, std::vector<ChatMessage>{{"tool", {}}}, std::vector<ChatMessage>{{"user<|im_end|>", {}}},
        std::vector<ChatMessage>{{"user", {{ChatPart::Kind::kImage, "", 0}}}},
        std::vector<ChatMessage>{{"user", {{ChatPart::Kind::kVideo, "", -4}}}},
        std::vector<ChatMessage>{{"user", {{ChatPart::Kind::kText, "\xff", 0}}}}}) {
    try {
      render_chat(tiny(), c, messages);
      ADD_FAILURE() << "rendered";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Code::kInvalidInput) << e.what();
    }
  }
}

}  // namespace
}  // namespace beholder::hf
