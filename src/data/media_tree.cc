#include "data/media_tree.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <set>

#include "core/file.h"
#include "core/format.h"
#include "core/progress.h"
#include "media/media_info.h"

namespace beholder::data {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kMaxPromptFile = 1 << 20;

bool is_media_file(const std::string& path) {
  if (media::is_image_path(path) || media::is_video_path(path)) return true;
  std::array<char, 512> head{};
  std::ifstream in(path, std::ios::binary);
  in.read(head.data(), head.size());
  return media::looks_like_media(std::as_bytes(std::span(head.data(), static_cast<std::size_t>(in.gcount()))));
}

// Text without a byte order mark and the white space around it; empty where there is no such file.
std::string prompt_in(const std::string& path) {
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return {};
  std::string text = read_file(path, kMaxPromptFile);
  if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  return begin == text.npos ? std::string() : text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

bool is_folder(const std::string& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

std::string sidecar_of(const std::string& path) {
  return fs::path(path).replace_extension(".txt").string();
}

std::string real_path(const std::string& path) {
  std::error_code ignored;
  return fs::weakly_canonical(path, ignored).string();
}

std::vector<std::string> sorted_names(const std::string& folder, std::error_code& error) {
  std::vector<std::string> names;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    names.push_back(it->path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

// A tree is walked twice, to count and to read.
void warn_once(const std::string& text) {
  static std::set<std::string> said;
  if (said.insert(text).second) log_warning(text);
}

}  // namespace

MediaTree::MediaTree(std::vector<std::string> operands) : operands_(std::move(operands)) {
  for (std::string& operand : operands_) {
    std::error_code ignored;
    if (!fs::exists(operand, ignored)) throw Error(Code::kNotFound, operand, "there is no such file or folder", "check the path");
    operand = fs::path(operand).lexically_normal().string();
    if (operand.size() > 1 && operand.ends_with('/')) operand.pop_back();
  }
}

// What prompt.txt in the folder says; where there is none, what was said above.
MediaTree::FolderPrompt MediaTree::prompt_of(const std::string& folder, const FolderPrompt& above) {
  try {
    std::string own = prompt_in((fs::path(folder) / kFolderPrompt).string());
    return own.empty() ? above : FolderPrompt{std::move(own), {}};
  } catch (const Error& e) {
    return {{}, e.what()};
  }
}

void MediaTree::enter(const std::string& path, const FolderPrompt& above) {
  const std::string real = real_path(path);
  for (const Folder& outer : stack_)
    if (outer.real == real) return;  // a link to a folder that leads here
  std::error_code error;
  std::vector<std::string> names = sorted_names(path, error);
  if (error) {
    warn_once(format("{}: {} (its media are left out; make the folder readable)", path, error.message()));
    ++notes_.counts["unreadable folders"];
    return;
  }
  stack_.push_back({path, real, std::move(names), 0, prompt_of(path, above)});
}

std::optional<Line> MediaTree::next() {
  Line line;
  while (true) {
    while (!stack_.empty() && stack_.back().at == stack_.back().names.size()) stack_.pop_back();
    if (!stack_.empty()) {
      Folder& folder = stack_.back();
      if (visit(folder, folder.names[folder.at++], line)) return line;
    } else if (operand_ == operands_.size()) {
      return std::nullopt;
    } else if (const std::string& operand = operands_[operand_++]; is_folder(operand)) {
      enter(operand, {});
    } else {
      read_file_line(operand, prompt_of(fs::path(operand).parent_path().string(), {}), line);
      return line;
    }
  }
}

// True where the entry is a medium. `folder` is not valid afterwards: a folder inside it was entered.
bool MediaTree::visit(Folder& folder, const std::string& name, Line& line) {
  if (name.starts_with('.')) return false;
  const std::string path = (fs::path(folder.path) / name).string();
  if (is_folder(path)) {
    enter(path, FolderPrompt(folder.prompt));
    return false;
  }
  if (fs::path(name).extension() == ".txt") return false;
  if (!is_media_file(path)) {
    ++notes_.counts["other files"];
    return false;
  }
  read_file_line(path, folder.prompt, line);
  return true;
}

Error MediaTree::no_prompt(const std::string& path) {
  return {Code::kInvalidInput, path, "it has no prompt",
          format("write it to {} beside it or to {} in its folder, or give --prompt", fs::path(sidecar_of(path)).filename().string(),
                 kFolderPrompt)};
}

void MediaTree::read_file_line(const std::string& path, const FolderPrompt& of_folder, Line& line) {
  line.number = ++position_;
  Record record;
  record.id = path;
  record.media.emplace_back().path = path;
  std::string problem;
  try {
    record.prompt = prompt_in(sidecar_of(path));
    if (record.prompt.empty()) problem = of_folder.problem;
  } catch (const Error& e) {
    problem = e.what();
  }
  if (!problem.empty()) {
    line.error = format("{}: its prompt cannot be read: {}", path, problem);
    return;
  }
  if (record.prompt.empty()) record.prompt = of_folder.text;
  line.record = std::move(record);
}

}  // namespace beholder::data
