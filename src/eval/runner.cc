#include "eval/runner.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <thread>

#include "core/container.h"
#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/interrupt.h"
#include "core/json.h"
#include "core/progress.h"

namespace beholder::eval {
namespace fs = std::filesystem;
namespace {

// A child process with its output in files, and at most `threads` threads (0: as many as it likes).
pid_t start(const std::string& program, const std::vector<std::string>& args, const std::string& out, const std::string& log, int threads) {
  std::vector<std::string> words = {program};
  words.insert(words.end(), args.begin(), args.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::vector<std::string> environment;
  for (char** e = environ; *e; ++e) environment.emplace_back(*e);
  if (threads > 0) environment.push_back(format("OMP_THREAD_LIMIT={}", threads));
  std::vector<char*> envp;
  for (std::string& e : environment) envp.push_back(e.data());
  envp.push_back(nullptr);
  const pid_t pid = ::fork();
  require_internal(pid >= 0, "fork");
  if (pid > 0) return pid;
  ::setpgid(0, 0);                     // a Ctrl-C on the terminal reaches the runner alone, which passes it on
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // a killed runner leaves no training behind
  const int in = ::open("/dev/null", O_RDONLY), output = ::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644),
            messages = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (in < 0 || output < 0 || messages < 0) ::_exit(126);
  ::dup2(in, 0);
  ::dup2(output, 1);
  ::dup2(messages, 2);
  ::execve(program.c_str(), argv.data(), envp.data());
  ::_exit(127);
}

// Of a file of lines, the last whole one among its last 64 KiB.
std::string last_line(const std::string& path) {
  constexpr std::streamoff kTail = 64 * 1024;
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  file.seekg(std::max<std::streamoff>(0, file.tellg() - kTail));
  std::string text(std::istreambuf_iterator<char>(file), {});
  text.resize(text.rfind('\n') + 1);
  if (text.empty()) return text;
  text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

// Of step.pieces.
std::int64_t pieces_done(const Step& step) {
  if (step.pieces == 0 || fs::exists(step.done)) return step.pieces;
  std::error_code none;
  if (fs::is_directory(step.progress, none))
    return std::min<std::int64_t>(step.pieces, std::distance(fs::directory_iterator(step.progress), fs::directory_iterator()));
  if (!fs::exists(step.progress, none)) return 0;
  const Json last = Json::parse(last_line(step.progress), nullptr, /*allow_exceptions=*/false);
  if (last.is_object() && last.contains("step") && last["step"].is_number_integer())
    return std::min(step.pieces, last["step"].get<std::int64_t>());
  const std::string text = read_file(step.progress);
  return std::min<std::int64_t>(step.pieces, std::count(text.begin(), text.end(), '\n'));
}

std::string last_words(const std::string& log) {
  std::ifstream file(log);
  std::string last;
  for (std::string line; std::getline(file, line);)
    if (!line.empty()) last = line;
  return last;
}

void make_again(const Step& step) {
  fs::remove(step.done);
  if (!step.made.empty()) fs::remove(step.made);
}

// Writes what the run is, or makes sure that the folder holds just that. Of what may change, steps with other flags than before are made
// again.
void claim(const Run& run) {
  Json commands = Json::array();
  for (const Step& step : run.steps) commands.push_back(step.args);
  const std::string path = run.dir + "/commands.json", settings = run.dir + "/settings.toml";
  if (fs::exists(path)) {
    const Json before = read_json(path);
    if (!before.is_array() || before.size() < run.fixed ||
        !std::equal(commands.begin(), commands.begin() + static_cast<std::ptrdiff_t>(run.fixed), before.begin()) ||
        (!run.settings.empty() && read_file(settings) != run.settings))
      throw Error(Code::kUsage, run.dir, "holds a run of other settings", "give the arm another name, or remove the folder");
    if (before == commands) return;
    for (std::size_t s = run.fixed; s < run.steps.size(); ++s)
      if (std::find(before.begin(), before.end(), commands[s]) == before.end()) make_again(run.steps[s]);
  } else if (!run.settings.empty()) {
    write_file_atomic(settings, run.settings);
  }
  write_file_atomic(path, commands.dump(1) + "\n");
}

class Runner {
 public:
  Runner(const std::vector<Run>& runs, const RunnerOptions& options)
      : runs_(runs), options_(options), slots_(static_cast<std::size_t>(options.jobs)), next_(runs.size()) {
    result_.failures.resize(runs_.size());
    for (const Run& run : runs_) claim(run);
    for (std::size_t r = 0; r < runs_.size(); ++r) skip_done(r);
  }

  RunnerResult run() {
    const auto all = [](const Step& step) { return step.pieces; };
    Progress progress(options_.label, work(all), options_.unit, work(pieces_done));
    bool told = false;
    while (true) {
      const bool stopping = interrupted();
      if (stopping && !told) {
        for (const auto& slot : slots_)
          if (slot) ::kill(slot->pid, SIGTERM);
        log_info("stopping: waiting for the running commands to write their checkpoints");
        told = true;
      }
      for (auto& slot : slots_) {
        if (slot) reap(slot);
        if (!slot && !stopping) fill(slot);
      }
      if (std::none_of(slots_.begin(), slots_.end(), [](const auto& s) { return s.has_value(); })) break;
      show(progress);
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
    result_.interrupted = interrupted();
    return std::move(result_);
  }

 private:
  struct Slot {
    std::size_t run = 0;
    pid_t pid = -1;
  };

  template <class Pieces>
  std::int64_t work(const Pieces& pieces) const {
    double sum = 0;
    for (const Run& run : runs_)
      for (const Step& step : run.steps) sum += step.cost * static_cast<double>(pieces(step));
    return std::llround(sum);
  }

  bool finished(std::size_t r) const { return next_[r] == runs_[r].steps.size(); }
  bool failed(std::size_t r) const { return !result_.failures[r].empty(); }
  void skip_done(std::size_t r) {
    while (!finished(r) && fs::exists(runs_[r].steps[next_[r]].done)) ++next_[r];
  }

  // Starts the next command that may run, of the first run that has one.
  void fill(std::optional<Slot>& slot) {
    for (std::size_t r = 0; r < runs_.size(); ++r) {
      const bool running = std::any_of(slots_.begin(), slots_.end(), [&](const auto& s) { return s && s->run == r; });
      if (finished(r) || failed(r) || running) continue;
      bool ready = true;
      for (const std::size_t before : runs_[r].after) {
        ready = ready && finished(before);
        if (failed(before)) result_.failures[r] = format("needs {}, which failed", runs_[before].name());
      }
      if (!ready || failed(r)) continue;
      const Step& step = runs_[r].steps[next_[r]];
      const int threads = options_.jobs == 1 ? 0 : std::max(1, usable_cores() / options_.jobs);
      slot = Slot{r, start(options_.program, step.args, step.done + ".tmp", runs_[r].dir + "/log.txt", threads)};
      return;
    }
  }

  void reap(std::optional<Slot>& slot) {
    int status = 0;
    if (::waitpid(slot->pid, &status, WNOHANG) != slot->pid) return;
    const std::size_t r = slot->run;
    const Run& run = runs_[r];
    const std::string done = run.steps[next_[r]].done, output = done + ".tmp";
    slot.reset();
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (code == 0 && fs::file_size(output) == 0) write_file_atomic(output, "{}\n");
    const Json json = code == 0 ? Json::parse(read_file(output), nullptr, /*allow_exceptions=*/false) : Json();
    if (code == 0 && json.is_object() && !json.value("interrupted", false)) {
      fs::rename(output, done);
      skip_done(r);
      return;
    }
    fs::remove(output);
    if (interrupted()) return;
    result_.failures[r] = format("ended with status {}: {} (all of it in {}/log.txt)", code, last_words(run.dir + "/log.txt"), run.dir);
    log_warning(format("{}: {}", run.name(), result_.failures[r]));
  }

  void show(Progress& progress) const {
    if (std::chrono::steady_clock::now() < next_show_) return;
    next_show_ = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    std::int64_t whole = 0;
    for (std::size_t r = 0; r < runs_.size(); ++r) whole += finished(r);
    std::string now;
    for (const auto& slot : slots_)
      if (slot) now += (now.empty() ? "" : " · ") + runs_[slot->run].name();
    progress.update(work(pieces_done), format("{} of {} runs done  {}", whole, runs_.size(), now));
  }

  const std::vector<Run>& runs_;
  RunnerOptions options_;
  std::vector<std::optional<Slot>> slots_;
  std::vector<std::size_t> next_;  // per run: its first step that is not done
  mutable std::chrono::steady_clock::time_point next_show_{};
  RunnerResult result_;
};

}  // namespace

std::string Run::name() const {
  return seed == 0 && settings.empty() ? arm : format("{}, seed {}", arm, seed);
}

RunnerResult run_all(const std::vector<Run>& runs, const RunnerOptions& options) {
  return Runner(runs, options).run();
}

}  // namespace beholder::eval
