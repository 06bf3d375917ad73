// Where a model is on this machine: a folder, or a repository in the Hugging Face cache that other tools filled. Nothing is
// ever downloaded.
#pragma once

#include <string>

namespace beholder::hf {

// The cache's root: $HF_HUB_CACHE, else $HUGGINGFACE_HUB_CACHE, else $HF_HOME/hub, where HF_HOME is by default
// $XDG_CACHE_HOME/huggingface or ~/.cache/huggingface. A leading ~ and $VARIABLES are expanded.
std::string hub_cache_dir();

// `model` is a folder, which wins, or org/name or org/name@revision (a branch, tag or commit; "main" by default) in the cache.
// Returns the folder with config.json (an adapter's: with adapter_config.json). kNotFound says what was tried and the one line that fetches
// the model; also when the cache's own listing shows that files of the checkpoint are missing.
std::string resolve_model_dir(const std::string& model);

}  // namespace beholder::hf
