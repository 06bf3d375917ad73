#include "train/reward_command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <optional>
#include <sstream>
#include <thread>

#include "core/error.h"
#include "core/format.h"

namespace beholder::train {
namespace {

constexpr std::string_view kFix = "it reads one JSON object a line and must write one number (or null) a line, in the same order";

// The command's process group, with pipes; killed when this goes out of scope before it has ended.
class Child {
 public:
  explicit Child(const std::string& command) {
    ::signal(SIGPIPE, SIG_IGN);  // a command that stops reading is no reason to die
    int in[2], out[2];
    require_internal(::pipe2(in, O_CLOEXEC) == 0 && ::pipe2(out, O_CLOEXEC) == 0, "pipes");
    const int problem = spawn(command, in[0], out[1]);
    ::close(in[0]);
    ::close(out[1]);
    to_ = in[1];
    from_ = out[0];
    ::fcntl(to_, F_SETFL, O_NONBLOCK);
    ::fcntl(from_, F_SETFL, O_NONBLOCK);
    require_internal(problem == 0, "a shell");
  }
  ~Child() {
    close_input();
    ::close(from_);
    if (pid_ > 0) ::kill(-pid_, SIGKILL), ::waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Writes `input` and reads until end of file. False when `deadline` came first.
  bool talk(std::string_view input, std::string& output, std::chrono::steady_clock::time_point deadline) {
    char buffer[1 << 14];
    for (bool open = true; open;) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
      if (left <= 0) return false;
      pollfd polled[2] = {{from_, POLLIN, 0}, {to_, POLLOUT, 0}};
      ::poll(polled, to_ >= 0 ? 2 : 1, static_cast<int>(std::min<long>(left, 1000)));
      if (to_ >= 0 && polled[1].revents != 0) {
        const ssize_t n = ::write(to_, input.data(), input.size());
        if (n > 0) input.remove_prefix(static_cast<std::size_t>(n));
        if (input.empty() || (n < 0 && errno != EAGAIN)) close_input();  // a command may stop reading early
      }
      if (polled[0].revents != 0) {
        const ssize_t n = ::read(from_, buffer, sizeof buffer);
        if (n > 0) output.append(buffer, static_cast<std::size_t>(n));
        open = n > 0 || (n < 0 && errno == EAGAIN);
      }
    }
    return true;
  }

  // Nothing when `deadline` came first: a command may close its output and go on.
  std::optional<int> exit_status(std::chrono::steady_clock::time_point deadline) {
    int status = 0;
    for (;;) {
      if (::waitpid(pid_, &status, WNOHANG) == pid_) break;
      if (std::chrono::steady_clock::now() >= deadline) return std::nullopt;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  // Not fork: after it, every page that training writes would be faulted in once more.
  int spawn(const std::string& command, int in, int out) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    sigset_t defaults;
    ::sigemptyset(&defaults);
    ::sigaddset(&defaults, SIGINT);
    ::sigaddset(&defaults, SIGPIPE);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawnattr_setpgroup(&attributes, 0);
    ::posix_spawnattr_setsigdefault(&attributes, &defaults);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
    const char* words[] = {"sh", "-c", command.c_str(), nullptr};
    const int problem = ::posix_spawn(&pid_, "/bin/sh", &files, &attributes, const_cast<char**>(words), environ);
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&files);
    return problem;
  }
  void close_input() {
    if (to_ >= 0) ::close(to_);
    to_ = -1;
  }
  pid_t pid_ = -1;
  int to_ = -1, from_ = -1;
};

double read_number(const std::string& line, const std::string& where) {
  const Json value = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (value.is_null()) return std::numeric_limits<double>::quiet_NaN();
  if (!value.is_number() || !std::isfinite(value.get<double>()))
    throw Error(Code::kInvalidInput, where, format("wrote \"{}\", which is not a number", line.substr(0, 80)), std::string(kFix));
  return value.get<double>();
}

}  // namespace

std::vector<double> RewardCommand::run(const std::vector<Json>& lines) const {
  const std::string where = format("reward_command \"{}\"", command_);
  std::string input, output;
  for (const Json& line : lines) input += json_line(line) + "\n";
  Child child(command_);
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(timeout_));
  const std::optional<int> status = child.talk(input, output, deadline) ? child.exit_status(deadline) : std::nullopt;
  if (!status)
    throw Error(Code::kInvalidInput, where, format("did not finish within {} s", timeout_),
                "make it faster, or raise reward_command_timeout");
  if (*status != 0)
    throw Error(Code::kInvalidInput, where, format("ended with status {}", *status), "run it by hand on one line of completions.jsonl");
  std::vector<double> values;
  std::istringstream stream(output);
  for (std::string line; std::getline(stream, line);)
    if (!line.empty()) values.push_back(read_number(line, where));
  if (values.size() != lines.size())
    throw Error(Code::kInvalidInput, where, format("wrote {} numbers for {} completions", values.size(), lines.size()), std::string(kFix));
  return values;
}

}  // namespace beholder::train
