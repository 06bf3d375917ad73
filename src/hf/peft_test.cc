#include "hf/peft.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "core/error.h"
#include "core/file.h"
#include "core/json.h"

namespace beholder::hf {
namespace {

using ::testing::HasSubstr;

// An adapter on "base", a folder beside its files.
struct AdapterFolder {
  TempDir dir;
  Json config = parse_json(adapter_config_text({.base_model = "base", .r = 2, .lora_alpha = 4, .target_modules = {"q_proj"}}), "test");
  std::vector<std::string> tensors{"base_model.model.m.q_proj.lora_A.weight", "base_model.model.m.q_proj.lora_B.weight"};

  void write() const {
    const std::vector<float> data(8);
    std::vector<TensorView> views;
    for (const std::string& name : tensors) views.push_back({name, DType::kF32, {2, 4}, std::as_bytes(std::span(data))});
    write_safetensors(dir / kAdapterWeights, std::move(views));
    write_file_atomic(dir / kAdapterConfig, config.dump());
  }
};

void expect_refused(const AdapterFolder& folder, Code code, const std::string& part) {
  try {
    read_adapter(folder.dir.path());
    ADD_FAILURE() << "accepted; expected: " << part;
  } catch (const Error& e) {
    EXPECT_EQ(code_name(e.code()), code_name(code)) << e.what();
    EXPECT_THAT(e.what(), HasSubstr(part));
    EXPECT_THAT(e.what(), HasSubstr(folder.dir.path()));
  }
}

TEST(Peft, ReadsWhatItWrites) {
  AdapterFolder folder;
  folder.write();
  const Adapter adapter = read_adapter(folder.dir.path());
  EXPECT_EQ(adapter.config.base_model, "base");
  EXPECT_EQ(adapter.config.r, 2);
  EXPECT_EQ(adapter.config.scale(), 2.0);
  ASSERT_EQ(adapter.pairs.size(), 1U);
  EXPECT_EQ(adapter.pairs[0].module, "m.q_proj");
  EXPECT_THAT(adapter.pairs[0].a.name, HasSubstr("lora_A"));
  EXPECT_THAT(adapter.pairs[0].b.name, HasSubstr("lora_B"));
}

TEST(Peft, RefusesWhatIsNotPlainLora) {
  const std::vector<std::pair<const char*, Json>> settings{{"peft_type", "IA3"},
                                                           {"bias", "all"},
                                                           {"use_dora", true},
                                                           {"use_rslora", true},
                                                           {"lora_bias", true},
                                                           {"fan_in_fan_out", true},
                                                           {"rank_pattern", {{"q_proj", 8}}},
                                                           {"alpha_pattern", {{"q_proj", 8}}},
                                                           {"modules_to_save", {"lm_head"}},
                                                           {"trainable_token_indices", {1, 2}},
                                                           {"layer_replication", {{0, 1}}},
                                                           {"init_lora_weights", "pissa_niter_4"}};
  for (const auto& [key, value] : settings) {
    AdapterFolder folder;
    folder.config[key] = value;
    folder.write();
    expect_refused(folder, Code::kUnsupported, key);
  }
}

TEST(Peft, RefusesABrokenConfiguration) {
  for (const auto& [key, value] :
       std::vector<std::pair<const char*, Json>>{{"r", 0}, {"r", "16"}, {"lora_alpha", -1}, {"base_model_name_or_path", nullptr}}) {
    AdapterFolder folder;
    folder.config[key] = value;
    folder.write();
    expect_refused(folder, Code::kCorrupt, key);
  }
}

TEST(Peft, NamesTheTensorThatDoesNotBelong) {
  AdapterFolder stranger;
  stranger.tensors.push_back("base_model.model.m.embed.lora_embedding_A");
  stranger.write();
  expect_refused(stranger, Code::kUnsupported, "m.embed.lora_embedding_A");
  AdapterFolder prefix;
  prefix.tensors[0] = "m.q_proj.lora_A.weight";
  prefix.write();
  expect_refused(prefix, Code::kUnsupported, "tensor m.q_proj.lora_A.weight");
}

TEST(Peft, NamesTheMissingHalf) {
  for (const std::size_t missing : {0, 1}) {
    AdapterFolder folder;
    const std::string name = folder.tensors[missing];
    folder.tensors.erase(folder.tensors.begin() + static_cast<std::ptrdiff_t>(missing));
    folder.write();
    expect_refused(folder, Code::kCorrupt, name + " is missing");
  }
  AdapterFolder empty;
  empty.tensors.clear();
  empty.write();
  expect_refused(empty, Code::kCorrupt, "holds no tensors");
}

TEST(Peft, FindsTheBaseBesideTheAdapter) {
  AdapterFolder folder;
  folder.write();
  std::filesystem::create_directory(folder.dir / "base");
  EXPECT_EQ(base_model_dir(folder.dir.path()), folder.dir / "base");
  EXPECT_EQ(base_model_dir(folder.dir / "base"), folder.dir / "base") << "a model without an adapter is its own base";
  write_file_atomic(folder.dir / "base/adapter_config.json", "{}");
  EXPECT_THROW(base_model_dir(folder.dir.path()), Error) << "an adapter on an adapter";
}

TEST(Peft, AMissingBaseSaysWhatToEdit) {
  AdapterFolder folder;
  folder.config["base_model_name_or_path"] = "/no/such/base";
  folder.write();
  try {
    base_model_dir(folder.dir.path());
    ADD_FAILURE() << "found a base that is not there";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::kNotFound);
    EXPECT_THAT(e.what(), HasSubstr(folder.dir / "adapter_config.json"));
    EXPECT_THAT(e.what(), HasSubstr("/no/such/base"));
    EXPECT_THAT(e.what(), HasSubstr("set base_model_name_or_path"));
  }
}

TEST(Peft, KeepsARevisionApart) {
  const Json json =
      parse_json(adapter_config_text({.base_model = "org/name@abc", .r = 1, .lora_alpha = 1.5, .target_modules = {}}), "test");
  EXPECT_EQ(json["base_model_name_or_path"], "org/name");
  EXPECT_EQ(json["revision"], "abc");
  EXPECT_EQ(json["lora_alpha"], 1.5);
  AdapterFolder folder;
  folder.config = json;
  folder.write();
  EXPECT_EQ(read_adapter(folder.dir.path()).config.base_model, "org/name@abc");
}

}  // namespace
}  // namespace beholder::hf
