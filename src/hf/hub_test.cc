#include "hf/hub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"

namespace beholder::hf {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

const std::string kCommit(40, 'a'), kOther(40, 'b');

class Hub : public ::testing::Test {
 protected:
  Hub() {
    for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HOME"}) {
      const char* value = std::getenv(name);
      saved_.emplace_back(name, value ? value : "");
      ::unsetenv(name);
    }
    ::setenv("HF_HUB_CACHE", cache_.path().c_str(), 1);
  }
  ~Hub() override {
    for (const auto& [name, value] : saved_) value.empty() ? ::unsetenv(name.c_str()) : ::setenv(name.c_str(), value.c_str(), 1);
  }
  // As huggingface_hub lays it out: the snapshot's files are links to blobs.
  void add(const std::string& commit, const std::string& ref) {
    write_file_atomic(root_ + "/blobs/1", "{}");
    fs::create_directories(root_ + "/snapshots/" + commit);
    fs::create_symlink("../../blobs/1", root_ + "/snapshots/" + commit + "/config.json");
    if (!ref.empty()) write_file_atomic(root_ + "/refs/" + ref, commit + "\n");
  }
  void expect(const std::string& model, Code code, const std::vector<std::string>& parts) {
    try {
      ADD_FAILURE() << resolve_model_dir(model);
    } catch (const Error& e) {
      EXPECT_EQ(code_name(e.code()), code_name(code)) << e.what();
      for (const std::string& part : parts) EXPECT_THAT(e.what(), HasSubstr(part));
    }
  }
  TempDir cache_;
  std::string root_ = cache_ / "models--Org--Name-2.5";
  std::vector<std::pair<std::string, std::string>> saved_;
};

TEST_F(Hub, RevisionsResolveToTheirSnapshot) {
  add(kCommit, "main");
  add(kOther, "refs/pr/3");
  EXPECT_EQ(resolve_model_dir("Org/Name-2.5"), root_ + "/snapshots/" + kCommit);
  EXPECT_EQ(resolve_model_dir("Org/Name-2.5@main"), root_ + "/snapshots/" + kCommit);
  EXPECT_EQ(resolve_model_dir("Org/Name-2.5@refs/pr/3"), root_ + "/snapshots/" + kOther);
  EXPECT_EQ(resolve_model_dir("Org/Name-2.5@" + kOther), root_ + "/snapshots/" + kOther);
}

TEST_F(Hub, AFolderWins) {
  add(kCommit, "main");
  TempDir here;
  EXPECT_EQ(resolve_model_dir(here.path()), here.path());
  const fs::path before = fs::current_path();
  fs::current_path(here.path());
  fs::create_directories("Org/Name-2.5");
  EXPECT_EQ(resolve_model_dir("Org/Name-2.5"), "Org/Name-2.5");
  fs::current_path(before);
}

TEST_F(Hub, ErrorsSayWhatWasTriedAndWhatToRun) {
  expect("Org/Name-2.5", Code::kNotFound, {"tried the folder Org/Name-2.5", root_, "run: hf download Org/Name-2.5)"});
  add(kCommit, "");
  // Never a snapshot that was not asked for.
  expect("Org/Name-2.5", Code::kNotFound, {"refs/main", "not in the cache", "hf download Org/Name-2.5)"});
  expect("Org/Name-2.5@v2", Code::kNotFound, {"refs/v2", "hf download Org/Name-2.5 --revision v2)"});
  write_file_atomic(root_ + "/refs/main", "../../../etc");
  expect("Org/Name-2.5", Code::kCorrupt, {"refs/main", "not hold a commit id"});
  write_file_atomic(root_ + "/refs/main", kOther);
  expect("Org/Name-2.5", Code::kNotFound, {"snapshots/" + kOther});
  fs::remove(root_ + "/snapshots/" + kCommit + "/config.json");
  expect("Org/Name-2.5@" + kCommit, Code::kNotFound, {"no config.json"});
}

TEST_F(Hub, AnIncompleteSnapshotNamesItsMissingFiles) {
  add(kCommit, "main");
  const std::string listing = root_ + "/trees/" + kCommit + ".json";
  write_file_atomic(
      listing,
      R"({"format_version":1,"files":{"config.json":{"size":2},"model-00001-of-00002.safetensors":{"size":5},"README.md":{"size":1}}})");
  expect("Org/Name-2.5", Code::kNotFound, {"missing: model-00001-of-00002.safetensors (run"});
  write_file_atomic(root_ + "/snapshots/" + kCommit + "/model-00001-of-00002.safetensors", "x");
  EXPECT_EQ(resolve_model_dir("Org/Name-2.5"), root_ + "/snapshots/" + kCommit);
  write_file_atomic(listing, R"({"format_version":2,"files":[]})");  // a later format: not ours to judge
  EXPECT_EQ(resolve_model_dir("Org/Name-2.5"), root_ + "/snapshots/" + kCommit);
}

TEST_F(Hub, PathsAreNotTakenForRepositories) {
  for (const char* model :
       {"/nowhere/ckpt", "./ckpt", "a/b/c", "name", "Org/", "/Name", "Org/../x", "Org/na--me", "Org/na me", "-Org/x", "Org/x.", ""})
    expect(model, Code::kNotFound, {"no such folder"});
  for (const char* model : {"Org/x@", "Org/x@../../y", "Org/x@/etc", "Org/x@a b"})
    expect(model, Code::kUsage, {"not a branch, tag or commit"});
  write_file_atomic(cache_ / "file", "x");
  expect(cache_ / "file", Code::kInvalidInput, {"is a file"});
}

TEST_F(Hub, TheCacheFollowsTheEnvironment) {
  EXPECT_EQ(hub_cache_dir(), cache_.path());
  ::unsetenv("HF_HUB_CACHE");
  ::setenv("HOME", "/home/me", 1);
  EXPECT_EQ(hub_cache_dir(), "/home/me/.cache/huggingface/hub");
  ::setenv("XDG_CACHE_HOME", "/xdg", 1);
  EXPECT_EQ(hub_cache_dir(), "/xdg/huggingface/hub");
  ::setenv("HF_HOME", "~/hf", 1);
  EXPECT_EQ(hub_cache_dir(), "/home/me/hf/hub");
  ::setenv("HUGGINGFACE_HUB_CACHE", "$HOME/a${XDG_CACHE_HOME}$NOT_SET_ANYWHERE$", 1);
  EXPECT_EQ(hub_cache_dir(), "/home/me/a/xdg$NOT_SET_ANYWHERE$");
  ::setenv("HF_HUB_CACHE", "/first", 1);
  EXPECT_EQ(hub_cache_dir(), "/first");
}

}  // namespace
}  // namespace beholder::hf
