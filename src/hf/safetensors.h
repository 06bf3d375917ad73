// The safetensors format: a memory-mapped reader that checks every rule of the specification before a tensor is handed
// out, and a writer. docs/FORMATS.md lists the rules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/file.h"

namespace beholder::hf {

enum class DType { kBool, kU8, kI8, kF8E5M2, kF8E4M3, kI16, kU16, kF16, kBF16, kI32, kU32, kF32, kF64, kI64, kU64 };
std::string_view dtype_name(DType dtype);  // "BF16"
std::int64_t dtype_size(DType dtype);      // bytes
// The reverse of dtype_name. kUnsupported (names the dtype and the supported ones).
DType parse_dtype(std::string_view name, std::string_view where);

struct TensorView {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;  // inside the map; alignment is not promised
  std::int64_t numel() const;
};

class SafeTensors {
 public:
  // kNotFound, or kCorrupt naming the broken rule and the tensor.
  static SafeTensors open(const std::string& path);
  const std::vector<TensorView>& tensors() const { return tensors_; }  // by offset
  const TensorView* find(std::string_view name) const;
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  const std::shared_ptr<const MappedFile>& file() const { return file_; }  // keeps the views' bytes alive
  // Reading a mapped page beyond a file that was cut short kills the process. Call before a long read: kCorrupt when the
  // file that was opened is shorter now. A file replaced by a rename does not matter; the map keeps the old one.
  void check_not_truncated() const;

 private:
  struct Identity {
    std::uint64_t device = 0, inode = 0;
  } identity_;
  std::shared_ptr<const MappedFile> file_;
  std::vector<TensorView> tensors_;
  std::map<std::string, std::size_t, std::less<>> by_name_;
  std::map<std::string, std::string> metadata_;
};

// Elements of a floating-point tensor that are NaN or infinite; 0 for integer tensors.
std::int64_t count_nonfinite(const TensorView& tensor);

// Writes atomically; tensors sorted by dtype (later in the enum, so larger, first), then name, and the header padded with
// spaces to 8 bytes: the reference writer's bytes. kInvalidInput for a name that is used twice or reserved, or for bytes
// that do not fit the shape.
void write_safetensors(const std::string& path, std::vector<TensorView> tensors,
                       const std::map<std::string, std::string>& metadata = {{"format", "pt"}});

// All tensors of a checkpoint folder: model.safetensors, or the shards of model.safetensors.index.json. A shard that is
// missing, a name outside the folder, or a tensor that the index promises and the named shard does not hold is an error.
class ShardedTensors {
 public:
  static ShardedTensors open(const std::string& dir);
  const std::vector<SafeTensors>& shards() const { return shards_; }
  // Every tensor with the map that holds it, sorted by name. Also those that a shard holds and the index does not list.
  struct Entry {
    TensorView view;
    std::shared_ptr<const MappedFile> file;
  };
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<SafeTensors> shards_;
  std::vector<Entry> entries_;
};

}  // namespace beholder::hf
