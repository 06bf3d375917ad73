// Around every trainer: the starting weights, the record of what is being run, and the finished model.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "core/config.h"
#include "judge/judge_model.h"
#include "train/run_config.h"
#include "vlm/model.h"

namespace beholder::train {

// The weights of the folder `dir`, checked to be finite: float32 where they are trained; under an adapter in the dtype of the
// computation, so that a map in that dtype stays one. kUsage for an adapter on an adapter.
vlm::Model load_starting_model(const RunConfig& config, const std::string& dir);

// The JSON lines that `data` stands for: itself, or what data/mixture.h makes of a public data set or a mixture, in
// <output_dir>/<name>. A resumed run finds them there.
std::string training_records(const RunConfig& config, const std::string& data, const std::string& name);

// {"data_sha256":…}, or {} without a path: records that changed since a checkpoint would make a resumed run another run.
Json data_identity(const std::string& path);

// run.json: the first session's record; later ones are listed under "resumed" with the step they began at.
Json write_run_record(const RunConfig& config, std::string_view command, const FieldList& fields, std::int64_t from_step);

// config.save_dtype, where "auto" is the dtype of the model the run started from.
at::ScalarType export_dtype(const RunConfig& config, const judge::JudgeSpec& spec);

// The folder <output_dir>/<name> with what `write` puts into it and with `files`, written beside and renamed, so that it is whole or not
// there. Returns the path.
std::string export_folder(const RunConfig& config, const std::string& name, const std::map<std::string, std::string>& files,
                          const std::function<void(const std::string& dir)>& write);

// A model folder <output_dir>/<name>, or with use_peft an adapter's, by export_folder.
// An adapter has float32 unless save_dtype says otherwise, and of `files` only its card. Returns the path.
std::string export_model(const RunConfig& config, const std::string& name, const vlm::Model& model,
                         const std::map<std::string, std::string>& files, at::ScalarType dtype);

}  // namespace beholder::train
