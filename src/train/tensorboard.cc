#include "train/tensorboard.h"

#include <unistd.h>

#include <array>
#include <bit>
#include <cstring>
#include <optional>

#include "core/format.h"

namespace beholder::train {
namespace {

static_assert(std::endian::native == std::endian::little, "event files are little endian");

constexpr std::array<std::uint32_t, 256> crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c >> 1) ^ ((c & 1) ? 0x82F63B78u : 0u);
    table[i] = c;
  }
  return table;
}
constexpr auto kCrcTable = crc_table();

template <class T>
std::string bytes_of(T value) {
  std::string out(sizeof value, '\0');
  std::memcpy(out.data(), &value, sizeof value);
  return out;
}

template <class T>
T read_at(std::string_view bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

std::uint32_t masked_crc(std::string_view bytes) {
  const std::uint32_t c = crc32c(bytes);
  return ((c >> 15) | (c << 17)) + 0xA282EAD8u;
}

std::string frame(std::string_view data) {
  const std::string length = bytes_of(static_cast<std::uint64_t>(data.size()));
  return length + bytes_of(masked_crc(length)) + std::string(data) + bytes_of(masked_crc(data));
}

// ---- protobuf: key = field << 3 | wire type (0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes).
std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7f) | 0x80);
  return out += static_cast<char>(value);
}
std::string key(int field, int wire) {
  return varint(static_cast<std::uint64_t>(field << 3 | wire));
}
std::string text(int field, std::string_view value) {
  return key(field, 2) + varint(value.size()) + std::string(value);
}

std::optional<std::uint64_t> read_varint(std::string_view bytes, std::size_t& at) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64 && at < bytes.size(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes[at++]);
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if (!(byte & 0x80)) return value;
  }
  return std::nullopt;
}

// Field 2 of an event; 0 when it is absent, nothing when the bytes are not an event.
std::optional<std::int64_t> event_step(std::string_view data) {
  std::int64_t step = 0;
  for (std::size_t at = 0; at < data.size();) {
    const auto tag = read_varint(data, at);
    if (!tag) return std::nullopt;
    std::uint64_t skip = 0;
    if ((*tag & 7) == 0) {
      const auto value = read_varint(data, at);
      if (!value) return std::nullopt;
      if (*tag >> 3 == 2) step = static_cast<std::int64_t>(*value);
    } else if ((*tag & 7) == 2) {
      const auto length = read_varint(data, at);
      if (!length) return std::nullopt;
      skip = *length;
    } else if ((*tag & 7) == 1 || (*tag & 7) == 5) {
      skip = (*tag & 7) == 1 ? 8 : 4;
    } else {
      return std::nullopt;
    }
    if (skip > data.size() - at) return std::nullopt;
    at += skip;
  }
  return step;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t c = ~0u;
  for (const unsigned char byte : bytes) c = kCrcTable[(c ^ byte) & 0xff] ^ (c >> 8);
  return ~c;
}

std::string version_record(double wall_time) {
  return frame(key(1, 1) + bytes_of(wall_time) + text(3, "brain.Event:2"));
}

std::string scalar_record(double wall_time, std::int64_t step, std::string_view tag, float value) {
  const std::string entry = text(1, tag) + key(2, 5) + bytes_of(value);
  return frame(key(1, 1) + bytes_of(wall_time) + key(2, 0) + varint(static_cast<std::uint64_t>(step)) + text(5, text(1, entry)));
}

std::size_t events_prefix(std::string_view file, std::int64_t last_step) {
  std::size_t at = 0;
  while (file.size() - at >= 16) {
    const auto length = read_at<std::uint64_t>(file, at);
    if (length > file.size() - at - 16 || read_at<std::uint32_t>(file, at + 8) != masked_crc(file.substr(at, 8))) break;
    const std::string_view data = file.substr(at + 12, length);
    if (read_at<std::uint32_t>(file, at + 12 + length) != masked_crc(data)) break;
    const auto step = event_step(data);
    if (!step || *step > last_step) break;
    at += 16 + length;
  }
  return at;
}

std::string events_file_name(double wall_time) {
  char host[256] = "localhost";
  if (::gethostname(host, sizeof host - 1) != 0) std::strcpy(host, "localhost");
  return format("events.out.tfevents.{:010}.{}.{}.0", static_cast<std::int64_t>(wall_time), host, ::getpid());
}

}  // namespace beholder::train
