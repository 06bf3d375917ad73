// beholder generate: pictures or short videos for prompts.
#include <filesystem>

#include "app/command.h"
#include "app/generate_folder.h"
#include "app/prompt_list.h"
#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/interrupt.h"
#include "core/progress.h"
#include "core/sha256.h"
#include "gen/sampler.h"
#include "media/encode.h"

namespace beholder::app {
namespace {

// The embedded generator, beside the embedded judge.
std::string embedded_generator_dir(bool video) {
  return std::filesystem::path(embedded_model_dir()).parent_path() / (video ? "generator-video" : "generator");
}

class GenerateCommand : public Command {
 public:
  std::string name() const override { return "generate"; }
  std::string summary() const override { return "make pictures or short videos for prompts"; }
  std::string examples() const override {
    return "Examples:\n"
           "  beholder generate --prompt \"a red circle left of a blue square\" --num 8 --out samples\n"
           "  beholder generate --model runs/mpo/final --prompts prompts.txt --num 4 --guidance 3 --out aligned\n"
           "  beholder generate --video --prompt \"three green stars\" --format mp4 --out clips\n"
           "Sample k of a prompt has seed SEED + k; the same prompt, seed and settings give the same file, whatever else is made with it.\n"
           "Look at OUT/contact_sheet.png; OUT/samples.jsonl feeds score and checklist, OUT/candidates.jsonl feeds rank.\n"
           "The same command again makes what is missing.";
  }
  void fields(FieldList& f) override {
    f.group("What");
    f.add("model", model_, "generator's folder; empty: the embedded one");
    f.add("video", video_, "with the embedded generators: the one of videos");
    f.add("prompt", prompt_, "what to show");
    f.add("prompts", prompts_, "file of prompts: one a line, or JSON lines with \"prompt\"");
    f.add_range("num", num_, 1, 1e6, "samples per prompt");
    f.add("seed", seed_, "of the first sample of a prompt");
    f.group("How");
    f.add_range("steps", options_.steps, 1, 1000, "of the sampler");
    f.add_range("guidance", options_.guidance, 0, 100, "how much the prompt counts; 1: as learned");
    f.add_choice("sampler", sampler_, {"heun", "euler"}, "heun looks twice a step and needs fewer steps");
    f.add("device", device_, "cpu, cuda or cuda:N");
    f.group("Where");
    f.add("out", out_, "folder to write to; new, empty, or made by the same settings");
    f.add_choice("format", format_, {"auto", "png", "webp", "mp4"}, "auto: png for pictures, animated webp for videos");
  }

  int run(const std::vector<std::string>&) override {
    const PromptList list = prompts();
    if (out_.empty()) throw Error(Code::kUsage, "--out", "no folder was named", "give --out DIR");
    if (model_.empty()) model_ = embedded_generator_dir(video_);
    options_.heun = sampler_ == "heun";
    const gen::Generator generator = gen::load_generator(model_, vlm::parse_device(device_));
    choose_format(generator.model.config);
    GenerateFolder folder(out_, asked());
    bad_ = list.bad;
    make(generator, usable(generator, list.prompts), folder);
    Json summary = {{"made", made_}, {"kept", kept_}, {"prompts", used_}, {"bad_prompts", bad_}, {"repeated_prompts", list.repeated}};
    const gen::GeneratorConfig& c = generator.model.config;
    summary.update(folder.finish(static_cast<int>(std::min<std::int64_t>(num_, 8)), static_cast<int>(c.num_frames),
                                 static_cast<int>(std::max<std::int64_t>(c.image_size, 64))));
    if (json)
      fmt::print("{}\n", json_line(summary));
    else
      fmt::print("{} samples of {} prompts ({} made now, {} already there{})\n  records  {}\n  look at  {}\n", made_ + kept_, used_, made_,
                 kept_, bad_ > 0 ? format(", {} prompts left out", bad_) : "", summary["samples"].get<std::string>(),
                 summary["contact_sheet"].get<std::string>());
    return 0;
  }

 private:
  PromptList prompts() const {
    if (prompt_.empty() == prompts_.empty())
      throw Error(Code::kUsage, "--prompt", prompt_.empty() ? "nothing was asked for" : "and --prompts are both given",
                  "give --prompt TEXT or --prompts FILE");
    if (!prompts_.empty()) return read_prompts(prompts_);
    PromptList list;
    list.prompts.push_back(prompt_);
    return list;
  }

  void choose_format(const gen::GeneratorConfig& config) {
    if (format_ == "auto") format_ = config.is_video() ? "webp" : "png";
    if (config.is_video() == (format_ == "png"))
      throw Error(Code::kUsage, "--format", format("{} cannot hold a {}", format_, config.is_video() ? "video" : "picture"),
                  config.is_video() ? "use webp or mp4" : "use png");
  }

  // What decides the bytes of a sample besides prompt and seed.
  Json asked() const {
    return {{"made_by", "beholder generate"},
            {"model_sha256", sha256_hex(MappedFile::open(model_ + "/model.safetensors")->bytes())},
            {"steps", options_.steps},
            {"guidance", options_.guidance},
            {"sampler", sampler_},
            {"format", format_}};
  }

  // Prompts that the generator can read; others are warned of, unless none is left.
  std::vector<std::string> usable(const gen::Generator& generator, const std::vector<std::string>& prompts) {
    std::vector<std::string> good;
    Warnings warnings;
    for (const std::string& prompt : prompts) try {
        gen::tokenize_prompts(generator.tokenizer, generator.model, {&prompt, 1});
        good.push_back(prompt);
      } catch (const Error& error) {
        if (prompts.size() == 1) throw;
        ++bad_;
        warnings.add(format("left out {}", error.what()));
      }
    if (good.empty()) throw Error(Code::kInvalidInput, prompts_, "the generator can read none of its prompts", "see the warnings above");
    return good;
  }

  void make(const gen::Generator& generator, const std::vector<std::string>& prompts, GenerateFolder& folder) {
    used_ = std::ssize(prompts);
    Progress progress("generate", used_ * num_, generator.model.config.is_video() ? "videos" : "pictures");
    for (const std::string& prompt : prompts)
      for (std::int64_t k = 0; k < num_; ++k) {
        check_interrupt("run the same command again to go on");
        if (folder.add(prompt, seed_ + k, format_)) {
          const auto frames = gen::sample(generator.model, generator.tokenizer, prompt, static_cast<std::uint64_t>(seed_ + k), options_);
          folder.write(encode(frames, generator.model.config.fps));
          ++made_;
        } else {
          ++kept_;
        }
        progress.update(made_ + kept_);
      }
  }

  std::string encode(const std::vector<media::Image>& frames, double fps) const {
    if (format_ == "png") return media::encode_png(frames.front());
    return format_ == "webp" ? media::encode_webp_animation(frames, fps) : media::encode_mp4(frames, fps);
  }

  std::string model_, prompt_, prompts_, sampler_ = "heun", device_ = "cpu", out_, format_ = "auto";
  bool video_ = false;
  std::int64_t num_ = 1, seed_ = 0, made_ = 0, kept_ = 0, bad_ = 0, used_ = 0;
  gen::SampleOptions options_;
};

}  // namespace

CommandPtr make_generate_command() {
  return std::make_unique<GenerateCommand>();
}

}  // namespace beholder::app
