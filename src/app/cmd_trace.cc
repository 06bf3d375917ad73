// beholder trace: every stage of the forward pass of a checkpoint, to be compared with the reference implementation.
#include <filesystem>

#include "app/command.h"
#include "core/error.h"
#include "core/format.h"
#include "core/json.h"
#include "core/progress.h"
#include "hf/hub.h"
#include "hf/peft.h"
#include "vlm/trace.h"

namespace beholder::app {
namespace fs = std::filesystem;
namespace {

class TraceCommand : public Command {
 public:
  std::string name() const override { return "trace"; }
  std::string summary() const override { return "dump every stage of a forward pass, to check a checkpoint against transformers"; }
  std::string examples() const override {
    return "Examples:\n  python tools/peers/oracle.py --make-cases cases --out made.json\n"
           "  beholder trace --model DIR --cases cases/cases.json --dump ours\n"
           "Each case becomes ours/NAME.safetensors with input_ids, position_ids, pixel_values, vision_image, logits, greedy_ids …:\n"
           "the names that tools/peers/oracle.py writes for the reference. docs/FORMATS.md describes a case.";
  }
  void fields(FieldList& f) override {
    f.add("model", model_, "checkpoint folder, or org/name in the hub cache");
    f.add("cases", cases_, "JSON file with a list of cases");
    f.add("dump", dump_, "folder for one .safetensors per case");
    f.add("layers", options_.layers, "also the hidden states of every layer and vision block");
    f.add_range("max_new_tokens", options_.max_new_tokens, 1, 4096, "greedy tokens, where a case does not say");
    f.add("dtype", dtype_, "fp32, bf16 or fp16");
    f.add("device", device_, "cpu or cuda");
    f.add("quantize", quantize_, "int8 or int4: the decoder's weights in so many bits");
  }

  int run(const std::vector<std::string>&) override {
    if (model_.empty() || cases_.empty() || dump_.empty())
      throw Error(Code::kUsage, "trace", "needs --model, --cases and --dump", "see: beholder trace --help");
    const std::string dir = hf::resolve_model_dir(named_model(model_));
    const Json cases = read_json(cases_);
    if (!cases.is_array()) throw Error(Code::kInvalidInput, cases_, "is not a list of cases", "docs/FORMATS.md describes one");
    const vlm::Model model =
        vlm::load_model(dir, {vlm::parse_dtype(dtype_), vlm::parse_device(device_), vlm::parse_quantisation(quantize_)});
    const hf::Tokenizer tokenizer = hf::Tokenizer::load(hf::base_model_dir(dir));
    const media::PatchConfig patches = media::read_patch_config(hf::base_model_dir(dir));
    fs::create_directories(dump_);
    Progress progress("trace", static_cast<std::int64_t>(cases.size()), "cases");
    Json summary = Json::array();
    for (const Json& one : cases) {
      const auto name = json_need<std::string>(one, "name", cases_);
      if (name.empty() || name.find('/') != name.npos)
        throw Error(Code::kInvalidInput, cases_, format("\"{}\" cannot be a file name", name), "use letters and digits");
      const auto tensors = vlm::trace_case(
          model, tokenizer, patches, one, fs::path(cases_).parent_path().empty() ? "." : fs::path(cases_).parent_path().string(), options_);
      std::vector<hf::TensorView> views;
      for (const auto& [key, value] : tensors) views.push_back(vlm::tensor_view(key, value));
      hf::write_safetensors(dump_ + "/" + name + ".safetensors", std::move(views));
      summary.push_back({{"name", name}, {"tokens", tensors.at("input_ids").size(1)}, {"file", dump_ + "/" + name + ".safetensors"}});
      progress.update(static_cast<std::int64_t>(summary.size()));
    }
    if (json)
      fmt::print("{}\n", json_line(summary));
    else
      fmt::print("{} cases written to {}\n", summary.size(), dump_);
    return 0;
  }

 private:
  std::string model_, cases_, dump_, dtype_ = "fp32", device_ = "cpu", quantize_ = "none";
  vlm::TraceOptions options_;
};

}  // namespace

CommandPtr make_trace_command() {
  return std::make_unique<TraceCommand>();
}

}  // namespace beholder::app
