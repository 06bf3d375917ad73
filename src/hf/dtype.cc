#include <array>
#include <bit>
#include <cstring>

#include "core/error.h"
#include "core/format.h"
#include "hf/safetensors.h"

namespace beholder::hf {
namespace {

struct Row {
  std::string_view name;
  std::int64_t size;
};

// In the order of DType.
constexpr std::array<Row, 15> kRows = {{{"BOOL", 1},
                                        {"U8", 1},
                                        {"I8", 1},
                                        {"F8_E5M2", 1},
                                        {"F8_E4M3", 1},
                                        {"I16", 2},
                                        {"U16", 2},
                                        {"F16", 2},
                                        {"BF16", 2},
                                        {"I32", 4},
                                        {"U32", 4},
                                        {"F32", 4},
                                        {"F64", 8},
                                        {"I64", 8},
                                        {"U64", 8}}};

// Counts elements whose bits under `mask` all stand: exponents of IEEE-like formats are all ones for NaN and infinity.
template <class T>
std::int64_t count_masked(std::span<const std::byte> bytes, T mask) {
  std::int64_t found = 0;
  for (std::size_t at = 0; at + sizeof(T) <= bytes.size(); at += sizeof(T)) {
    T bits;
    std::memcpy(&bits, bytes.data() + at, sizeof(T));
    found += (bits & mask) == mask;
  }
  return found;
}

}  // namespace

std::string_view dtype_name(DType dtype) {
  return kRows.at(static_cast<std::size_t>(dtype)).name;
}
std::int64_t dtype_size(DType dtype) {
  return kRows.at(static_cast<std::size_t>(dtype)).size;
}

DType parse_dtype(std::string_view name, std::string_view where) {
  for (std::size_t i = 0; i < kRows.size(); ++i)
    if (kRows[i].name == name) return static_cast<DType>(i);
  throw Error(Code::kUnsupported, where, format("dtype {} is not supported", name),
              "supported: BOOL, U8, I8, F8_E5M2, F8_E4M3, I16, U16, F16, BF16, I32, U32, F32, F64, I64, U64");
}

std::int64_t count_nonfinite(const TensorView& tensor) {
  static_assert(std::endian::native == std::endian::little, "safetensors are little-endian and are read in place");
  switch (tensor.dtype) {
    case DType::kF8E5M2:
      return count_masked<std::uint8_t>(tensor.bytes, 0x7C);
    case DType::kF8E4M3:
      return count_masked<std::uint8_t>(tensor.bytes, 0x7F);  // no infinity; one NaN per sign
    case DType::kF16:
      return count_masked<std::uint16_t>(tensor.bytes, 0x7C00);
    case DType::kBF16:
      return count_masked<std::uint16_t>(tensor.bytes, 0x7F80);
    case DType::kF32:
      return count_masked<std::uint32_t>(tensor.bytes, 0x7F800000);
    case DType::kF64:
      return count_masked<std::uint64_t>(tensor.bytes, 0x7FF0000000000000);
    default:
      return 0;
  }
}

}  // namespace beholder::hf
