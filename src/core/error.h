// The one error type. Thrown anywhere; caught in two places only (main and the server's handler), which map the code
// to an exit status or an HTTP status. Expected outcomes (an unparsable answer, a tie, a corrupt item of a batch) are
// values, not errors.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace beholder {

enum class Code {
  kUsage,         // the command line or a config file is wrong
  kInvalidInput,  // data the user gave cannot be used as it is
  kNotFound,      // a file or model is not there
  kCorrupt,       // a file breaks its own format
  kUnsupported,   // valid, but not something this build or program can do
  kResource,      // out of memory, disk or device
  kInterrupted,   // Ctrl-C or SIGTERM
  kInternal,      // a bug of ours
};

// What went wrong, where, and how to mend it. `what()` reads "where: what (fix)".
class Error : public std::runtime_error {
 public:
  Error(Code code, std::string_view where, std::string_view what, std::string_view fix = {});

  Code code() const { return code_; }
  const std::string& where() const { return where_; }
  const std::string& problem() const { return problem_; }
  const std::string& fix() const { return fix_; }

  // 2 usage; 3 bad input or data; 4 weights or configuration do not fit; 5 memory, disk or device; 70 internal; 130 interrupted.
  int exit_status() const;

 private:
  Code code_;
  std::string where_, problem_, fix_;
};

// The word used in logs and JSON for a code, e.g. "invalid_input".
std::string_view code_name(Code code);

// True for a failed allocation of the host or of a device, LibTorch's included.
bool is_out_of_memory(const std::exception& error);

// Throws kInternal with the place in the source: for conditions that no input can cause.
void require_internal(bool condition, std::string_view what);

}  // namespace beholder
