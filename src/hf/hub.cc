#include "hf/hub.h"

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/json.h"
#include "hf/sorted_json.h"

namespace beholder::hf {
namespace {
namespace fs = std::filesystem;

std::string variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value ? value : "";
}

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// A leading ~, $NAME and ${NAME}, as a shell would; names that are not set stay as they are.
std::string expand(std::string path) {
  if (path == "~" || path.starts_with("~/")) path.replace(0, 1, variable("HOME"));
  std::string out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const bool braced = path[i] == '$' && i + 1 < path.size() && path[i + 1] == '{';
    const std::size_t begin = i + (braced ? 2 : 1);
    std::size_t end = begin;
    while (path[i] == '$' && end < path.size() && is_word(path[end])) ++end;
    const bool closed = end > begin && (!braced || (end < path.size() && path[end] == '}'));
    const std::string name = closed ? path.substr(begin, end - begin) : "";
    if (name.empty() || !std::getenv(name.c_str())) {
      out.push_back(path[i]);
      continue;
    }
    out += variable(name);
    i = end - (braced ? 0 : 1);
  }
  return out;
}

struct Repository {
  std::string name, revision;
};

// org/name[@revision] with the characters the Hub allows; anything else was meant as a path.
bool parse_repository(const std::string& model, Repository& out) {
  const std::size_t at = model.find('@');
  out.name = model.substr(0, at);
  out.revision = at == std::string::npos ? "main" : model.substr(at + 1);
  const std::size_t slash = out.name.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == out.name.size() || out.name.find('/', slash + 1) != std::string::npos)
    return false;
  for (const char c : out.name)
    if (!is_word(c) && c != '-' && c != '.' && c != '/') return false;
  const auto edge = [&](std::size_t i) { return is_word(out.name[i]); };
  if (!edge(0) || !edge(slash - 1) || !edge(slash + 1) || !edge(out.name.size() - 1)) return false;
  return out.name.find("--") == std::string::npos && out.name.find("..") == std::string::npos;
}

void check_revision(const std::string& model, const std::string& revision) {
  bool good = !revision.empty() && revision.size() <= 255 && revision[0] != '/' && revision.find("..") == std::string::npos;
  for (const char c : revision) good &= is_word(c) || c == '-' || c == '.' || c == '/';
  if (!good)
    throw Error(Code::kUsage, model, format("\"{}\" is not a branch, tag or commit", revision),
                "write org/name@main, or @ and a commit id");
}

std::string strip(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  return text;
}

bool is_needed(const std::string& file) {
  static const std::vector<std::string> kNames{"config.json",    "generation_config.json",      "preprocessor_config.json",
                                               "tokenizer.json", "tokenizer_config.json",       "vocab.json",
                                               "merges.txt",     "model.safetensors.index.json"};
  for (const std::string& name : kNames)
    if (file == name) return true;
  return file.starts_with("model") && file.ends_with(".safetensors") && file.find('/') == std::string::npos;
}

// Files that the cache's listing of the commit names, and that are not there. Newer caches have such a listing.
std::vector<std::string> missing_files(const std::string& repository, const std::string& commit) {
  const std::string path = repository + "/trees/" + commit + ".json";
  std::vector<std::string> missing;
  if (!fs::exists(path)) return missing;
  const SortedJson listing = parse_sorted_json(read_file(path, 1 << 28), path);
  if (!listing.is_object() || listing.value("format_version", SortedJson()) != 1 || !listing.contains("files")) return missing;
  for (const auto& [file, info] : listing["files"].items())
    if (is_needed(file) && !fs::exists(repository + "/snapshots/" + commit + "/" + file)) missing.push_back(file);
  return missing;
}

}  // namespace

std::string hub_cache_dir() {
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"})
    if (!variable(name).empty()) return expand(variable(name));
  if (!variable("HF_HOME").empty()) return expand(variable("HF_HOME")) + "/hub";
  const std::string cache = variable("XDG_CACHE_HOME").empty() ? "~/.cache" : variable("XDG_CACHE_HOME");
  return expand(cache) + "/huggingface/hub";
}

std::string resolve_model_dir(const std::string& model) {
  std::error_code ignored;
  if (fs::is_directory(model, ignored)) return model;
  Repository repository;
  if (fs::exists(model, ignored))
    throw Error(Code::kInvalidInput, model, "is a file, not a checkpoint's folder", "give the folder that holds it");
  if (!parse_repository(model, repository))
    throw Error(Code::kNotFound, model, "there is no such folder",
                "give a checkpoint's folder, or org/name of a model in the Hugging Face cache");
  check_revision(model, repository.revision);
  const bool is_main = repository.revision == "main";
  const std::string fetch = "run: hf download " + repository.name + (is_main ? "" : " --revision " + repository.revision);
  const std::size_t slash = repository.name.find('/');
  const std::string root = hub_cache_dir() + "/models--" + repository.name.substr(0, slash) + "--" + repository.name.substr(slash + 1);
  const std::string ref = root + "/refs/" + repository.revision;
  const std::string tried = format("tried the folder {}", model);
  if (!fs::is_directory(root, ignored))
    throw Error(Code::kNotFound, model, format("{} and the cache {}; neither is there", tried, root), fetch);
  const bool has_ref = fs::is_regular_file(ref, ignored);
  const std::string commit = has_ref ? strip(read_file(ref, 4096)) : repository.revision;
  const bool plain = !commit.empty() && commit.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
  if (!plain && has_ref) throw Error(Code::kCorrupt, ref, "does not hold a commit id", fetch);
  const std::string snapshot = root + "/snapshots/" + commit;
  if (!plain || !fs::is_directory(snapshot, ignored))
    throw Error(Code::kNotFound, model,
                format("{}, the reference {} and the snapshot {}; the revision is not in the cache", tried, ref, snapshot), fetch);
  const std::vector<std::string> missing = missing_files(root, commit);
  if (!missing.empty())
    throw Error(Code::kNotFound, snapshot, format("the snapshot is incomplete, these files are missing: {}", fmt::join(missing, ", ")),
                fetch);
  if (!fs::exists(snapshot + "/config.json", ignored) && !fs::exists(snapshot + "/adapter_config.json", ignored))
    throw Error(Code::kNotFound, snapshot, "the snapshot has no config.json", fetch);
  return snapshot;
}

}  // namespace beholder::hf
