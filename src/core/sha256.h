// SHA-256 as lower-case hex (nettle): content hashes of decoded pixels, manifests of checkpoints.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace beholder {
std::string sha256_hex(std::span<const std::byte> bytes);
std::string sha256_hex(std::string_view bytes);
}  // namespace beholder
