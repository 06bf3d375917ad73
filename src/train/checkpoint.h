// Checkpoints of a training run: folders step-<N> that are either whole and verified, or not there.
//
//   step-<N>/ model.safetensors      float32 master weights, published names
//             optimizer.safetensors  the optimiser's state
//             config.json, tokenizer… so that a checkpoint is itself a model folder; a LoRA run writes adapter_model.safetensors
//                                    and adapter_config.json in their place
//             state.json             step, the run's configuration and the trainer's own state
//             manifest.json          written last: name, size and sha256 of every other file
//   latest                           "step-<N>", for people and scripts; the loader does not trust it
//
// A checkpoint is written to step-<N>.tmp.<pid>, every file synced, then renamed and the parent synced, and only then are
// older ones deleted. A full disk or a power cut at any moment leaves the earlier checkpoints as they were.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "train/optim.h"

namespace beholder::train {

struct CheckpointContent {
  std::int64_t step = 0;       // finished updates
  Json config;                 // what the run was asked to do; a resumed run must ask for the same
  Json state;                  // whatever else the trainer needs to go on
  TensorMap model, optimizer;  // float32
  std::string model_file = "model.safetensors";
  std::map<std::string, std::string> files;  // further files (plain names) and their bytes
};

// Writes step-<N> under `dir`, then deletes all but the newest `keep_last` (0: keeps all). kResource when the disk is full.
// Returns the folder.
std::string save_checkpoint(const std::string& dir, const CheckpointContent& content, std::int64_t keep_last);

// The steps that have a folder, ascending, whole or not.
std::vector<std::int64_t> checkpoint_steps(const std::string& dir);

// Reads one checkpoint folder. kNotFound, or kCorrupt naming the file that the manifest does not vouch for. `files` stays empty.
CheckpointContent load_checkpoint(const std::string& path);

struct Found {
  std::string path;
  CheckpointContent content;
};
// The newest checkpoint of `dir` that verifies; nothing where there is none. `skipped` gets one sentence per newer folder
// that does not verify.
std::optional<Found> load_latest_checkpoint(const std::string& dir, std::vector<std::string>& skipped);

// Deletes what killed processes left behind (*.tmp.<pid>). Only the owner of the run's lock may call this.
void remove_unfinished(const std::string& dir);

// "sha256:…" of a configuration.
std::string config_hash(const Json& config);

}  // namespace beholder::train
