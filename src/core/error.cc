#include "core/error.h"

#include <algorithm>
#include <new>

#include "core/format.h"

namespace beholder {
namespace {

std::string sentence(std::string_view where, std::string_view what, std::string_view fix) {
  std::string text = where.empty() ? std::string(what) : format("{}: {}", where, what);
  if (!fix.empty()) text += format(" ({})", fix);
  return text;
}

}  // namespace

Error::Error(Code code, std::string_view where, std::string_view what, std::string_view fix)
    : std::runtime_error(sentence(where, what, fix)), code_(code), where_(where), problem_(what), fix_(fix) {}

int Error::exit_status() const {
  switch (code_) {
    case Code::kUsage:
      return 2;
    case Code::kInvalidInput:
    case Code::kNotFound:
    case Code::kCorrupt:
      return 3;
    case Code::kUnsupported:
      return 4;
    case Code::kResource:
      return 5;
    case Code::kInterrupted:
      return 130;
    case Code::kInternal:
      return 70;
  }
  return 70;
}

std::string_view code_name(Code code) {
  switch (code) {
    case Code::kUsage:
      return "usage";
    case Code::kInvalidInput:
      return "invalid_input";
    case Code::kNotFound:
      return "not_found";
    case Code::kCorrupt:
      return "corrupt";
    case Code::kUnsupported:
      return "unsupported";
    case Code::kResource:
      return "resource";
    case Code::kInterrupted:
      return "interrupted";
    case Code::kInternal:
      return "internal";
  }
  return "internal";
}

void require_internal(bool condition, std::string_view what) {
  if (!condition) throw Error(Code::kInternal, "beholder", what, "this is a bug; please report it with the command line");
}

bool is_out_of_memory(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error)) return true;
  const std::string_view text = error.what();
  constexpr std::string_view kWordings[] = {"out of memory", "can't allocate memory", "Cannot allocate memory"};  // CUDA, LibTorch, ENOMEM
  return std::ranges::any_of(kWordings, [&](std::string_view wording) { return text.find(wording) != text.npos; });
}

}  // namespace beholder
