#include "train/run_setup.h"

#include <filesystem>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/sha256.h"
#include "data/mixture.h"
#include "hf/peft.h"
#include "train/run_dir.h"
#include "train/trained.h"
#include "vlm/lora.h"

namespace beholder::train {
namespace fs = std::filesystem;

vlm::Model load_starting_model(const RunConfig& c, const std::string& dir) {
  if (c.use_peft && hf::is_adapter(dir))
    throw Error(Code::kUsage, "use_peft", format("{} is itself an adapter", dir),
                format("start from its base {}, or train the merged weights without use_peft", hf::base_model_dir(dir)));
  const at::ScalarType dtype = c.use_peft && c.bf16 ? at::kBFloat16 : at::kFloat;
  vlm::Model model = vlm::load_model(dir, {.dtype = dtype, .device = vlm::parse_device(c.device)});
  vlm::check_finite(model);
  return model;
}

std::string training_records(const RunConfig& c, const std::string& data, const std::string& name) {
  data::ConvertOptions options;
  options.path = data;
  options.out = c.output_dir + "/" + name;
  options.seed = static_cast<std::uint64_t>(c.seed);
  options.dataset.mapping.seed = options.seed;
  return data::prepare_training_records(options);
}

Json data_identity(const std::string& path) {
  if (path.empty()) return Json::object();
  return {{"data_sha256", sha256_hex(MappedFile::open(path)->bytes())}};
}

Json write_run_record(const RunConfig& c, std::string_view command, const FieldList& fields, std::int64_t from_step) {
  const std::string path = c.output_dir + "/run.json";
  Json record = run_record(command, fields_to_json(fields), c.seed);
  if (from_step > 0 && fs::exists(path)) {
    Json session = {{"from_step", from_step}, {"versions", record["versions"]}, {"machine", record["machine"]}};
    record = read_json(path);
    record["config"] = fields_to_json(fields);  // differs at most in how often things are written
    record["resumed"].push_back(std::move(session));
  }
  write_file_atomic(path, record.dump(1) + "\n");
  return record;
}

at::ScalarType export_dtype(const RunConfig& c, const judge::JudgeSpec& spec) {
  return vlm::parse_dtype(c.save_dtype != "auto" ? c.save_dtype : spec.config.dtype == "float64" ? "float32" : spec.config.dtype);
}

std::string export_folder(const RunConfig& c, const std::string& name, const std::map<std::string, std::string>& files,
                          const std::function<void(const std::string&)>& write) {
  const std::string dir = c.output_dir + "/" + name, temporary = dir + ".tmp";
  fs::remove_all(temporary);
  fs::create_directories(temporary);
  write(temporary);
  for (const auto& [file, bytes] : files) write_file_atomic(temporary + "/" + file, bytes);
  fs::remove_all(dir);
  fs::rename(temporary, dir);
  return dir;
}

std::string export_model(const RunConfig& c, const std::string& name, const vlm::Model& model,
                         const std::map<std::string, std::string>& files, at::ScalarType dtype) {
  std::map<std::string, std::string> kept = files;
  if (c.use_peft) std::erase_if(kept, [](const auto& file) { return file.first != "README.md"; });
  return export_folder(c, name, kept, [&](const std::string& dir) {
    if (c.use_peft)
      vlm::save_adapter(model, adapter_of(c), dir, c.save_dtype == "auto" ? at::kFloat : dtype);
    else
      vlm::save_model(model, dir, dtype);
  });
}

}  // namespace beholder::train
