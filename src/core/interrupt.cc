#include "core/interrupt.h"

#include <unistd.h>

#include <csignal>

#include "core/error.h"

namespace beholder {
namespace {
volatile std::sig_atomic_t g_stop = 0;

void on_signal(int) {
  if (g_stop) ::_exit(130);
  g_stop = 1;
}
}  // namespace

void install_interrupt_handler() {
  struct sigaction action{};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

bool interrupted() {
  return g_stop != 0;
}

void check_interrupt(std::string_view how_to_resume) {
  if (interrupted()) throw Error(Code::kInterrupted, "", "stopped on request", how_to_resume);
}

void set_interrupted(bool value) {
  g_stop = value ? 1 : 0;
}

}  // namespace beholder
