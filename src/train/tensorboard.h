// TensorBoard event files: length-framed, checksummed protobuf records. Scalars only; no protobuf library is needed.
//
//   record = u64 length | u32 masked crc32c(length) | data | u32 masked crc32c(data)      (little endian)
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace beholder::train {

// CRC-32C (Castagnoli), as in iSCSI; crc32c("123456789") = 0xE3069283.
std::uint32_t crc32c(std::string_view bytes);

// One framed record. The first record of a file must be the version's.
std::string version_record(double wall_time);
std::string scalar_record(double wall_time, std::int64_t step, std::string_view tag, float value);

// Bytes of the longest prefix of `file` that is whole records with right checksums and no step above `last_step`.
// That is where a file is cut when a run goes on from an earlier step.
std::size_t events_prefix(std::string_view file, std::int64_t last_step);

// "events.out.tfevents.<unix time>.<host>.<pid>.0"
std::string events_file_name(double wall_time);

}  // namespace beholder::train
