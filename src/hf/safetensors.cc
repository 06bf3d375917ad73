#include "hf/safetensors.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <set>

#include "core/error.h"
#include "core/format.h"
#include "core/json.h"
#include "hf/sorted_json.h"

namespace beholder::hf {
namespace {

constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // the reference reader's limit
constexpr std::size_t kMaxTensors = 1'000'000;
constexpr std::size_t kMaxNameBytes = 1024;
constexpr std::size_t kMaxDims = 64;  // LibTorch's own limit

[[noreturn]] void broken(const std::string& path, std::string_view what) {
  throw Error(Code::kCorrupt, path, what, "the file is damaged or was not written as safetensors; fetch or write it again");
}

std::uint64_t header_length(const std::string& path, std::span<const std::byte> bytes) {
  if (bytes.size() < 8) broken(path, format("{} bytes is too short for the 8-byte header length", bytes.size()));
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  if (length > kMaxHeaderBytes) broken(path, format("a header of {} bytes is larger than the limit of {}", length, kMaxHeaderBytes));
  if (length > bytes.size() - 8) broken(path, format("the header claims {} bytes, {} are there", length, bytes.size() - 8));
  return length;
}

// The header may end in spaces, and in nothing else.
SortedJson parse_header(const std::string& path, std::string_view text) {
  if (text.empty() || text.front() != '{') broken(path, "the header does not begin with '{'");
  const std::size_t last = text.find_last_not_of(' ');
  if (text[last] != '}') broken(path, "the header does not end with '}' and spaces");
  return parse_sorted_json(text.substr(0, last + 1), path);
}

std::map<std::string, std::string> parse_metadata(const std::string& path, const SortedJson& value) {
  if (!value.is_object()) broken(path, "__metadata__ is not an object");
  std::map<std::string, std::string> metadata;
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) broken(path, format("__metadata__ \"{}\" is not a string", key));
    metadata[key] = text.get<std::string>();
  }
  return metadata;
}

std::uint64_t unsigned_of(const std::string& path, const std::string& name, const SortedJson& value, std::string_view what) {
  if (!value.is_number_unsigned())
    broken(path, format("tensor {}: {} is not an unsigned integer: {}", name, what,
                        value.dump(-1, ' ', false, SortedJson::error_handler_t::replace)));
  return value.get<std::uint64_t>();
}

// Bytes of a tensor; kCorrupt where the product does not fit.
std::uint64_t byte_size(const std::string& path, const TensorView& tensor) {
  constexpr auto kLimit = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  std::uint64_t size = static_cast<std::uint64_t>(dtype_size(tensor.dtype));
  bool empty = false;
  for (const std::int64_t extent : tensor.shape) empty |= extent == 0;
  if (empty) return 0;
  for (const std::int64_t extent : tensor.shape) {
    if (size > kLimit / static_cast<std::uint64_t>(extent)) broken(path, format("tensor {}: the size of its shape overflows", tensor.name));
    size *= static_cast<std::uint64_t>(extent);
  }
  return size;
}

std::vector<std::int64_t> parse_shape(const std::string& path, const std::string& name, const SortedJson& value) {
  if (!value.is_array()) broken(path, format("tensor {}: the shape is not a list", name));
  if (value.size() > kMaxDims) broken(path, format("tensor {}: {} dimensions, the limit is {}", name, value.size(), kMaxDims));
  std::vector<std::int64_t> shape;
  for (const SortedJson& extent : value) {
    const std::uint64_t n = unsigned_of(path, name, extent, "an extent of the shape");
    if (n > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) broken(path, format("tensor {}: extent {}", name, n));
    shape.push_back(static_cast<std::int64_t>(n));
  }
  return shape;
}

struct Placed {
  TensorView view;
  std::uint64_t begin = 0, end = 0;
};

Placed parse_entry(const std::string& path, const std::string& name, const SortedJson& value) {
  if (name.size() > kMaxNameBytes)
    broken(path, format("a tensor name of {} bytes is longer than the limit of {}", name.size(), kMaxNameBytes));
  const bool has_all = value.is_object() && value.contains("dtype") && value.contains("shape") && value.contains("data_offsets");
  if (!has_all || value.size() != 3) broken(path, format("tensor {}: an entry has exactly dtype, shape and data_offsets", name));
  if (!value["dtype"].is_string()) broken(path, format("tensor {}: the dtype is not a string", name));
  Placed placed;
  placed.view.name = name;
  placed.view.dtype = parse_dtype(value["dtype"].get<std::string>(), format("{}: tensor {}", path, name));
  placed.view.shape = parse_shape(path, name, value["shape"]);
  const SortedJson& offsets = value["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2) broken(path, format("tensor {}: data_offsets is not a pair", name));
  placed.begin = unsigned_of(path, name, offsets[0], "the begin offset");
  placed.end = unsigned_of(path, name, offsets[1], "the end offset");
  if (placed.end < placed.begin) broken(path, format("tensor {}: it ends at {} before it begins at {}", name, placed.end, placed.begin));
  const std::uint64_t need = byte_size(path, placed.view);
  if (placed.end - placed.begin != need)
    broken(path, format("tensor {}: {} of shape [{}] takes {} bytes, the offsets hold {}", name, dtype_name(placed.view.dtype),
                        fmt::join(placed.view.shape, ", "), need, placed.end - placed.begin));
  return placed;
}

// Tensors must tile the data: no hole (data hidden from readers), no overlap, nothing behind the last one.
void check_tiling(const std::string& path, const std::vector<Placed>& placed, std::uint64_t data_bytes) {
  std::uint64_t at = 0;
  for (const Placed& p : placed) {
    if (p.begin != at) broken(path, format("tensor {}: begins at {}, the one before it ends at {}", p.view.name, p.begin, at));
    at = p.end;
    if (at > data_bytes) broken(path, format("tensor {}: ends at {}, the file holds {} bytes of data", p.view.name, at, data_bytes));
  }
  if (at != data_bytes) broken(path, format("{} bytes follow the last tensor", data_bytes - at));
}

}  // namespace

std::int64_t TensorView::numel() const {
  std::int64_t n = 1;
  for (const std::int64_t extent : shape)
    if (extent == 0) return 0;
  for (const std::int64_t extent : shape) n *= extent;
  return n;
}

SafeTensors SafeTensors::open(const std::string& path) {
  SafeTensors out;
  out.file_ = MappedFile::open(path);
  struct stat info{};
  if (::stat(path.c_str(), &info) == 0) out.identity_ = {static_cast<std::uint64_t>(info.st_dev), static_cast<std::uint64_t>(info.st_ino)};
  const std::span<const std::byte> bytes = out.file_->bytes();
  const std::uint64_t length = header_length(path, bytes);
  const SortedJson header = parse_header(path, {reinterpret_cast<const char*>(bytes.data()) + 8, length});
  if (header.size() > kMaxTensors) broken(path, format("{} tensors, the limit is {}", header.size(), kMaxTensors));
  std::vector<Placed> placed;
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__")
      out.metadata_ = parse_metadata(path, value);
    else
      placed.push_back(parse_entry(path, name, value));
  }
  std::stable_sort(placed.begin(), placed.end(),
                   [](const Placed& a, const Placed& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  const std::span<const std::byte> data = bytes.subspan(8 + length);
  check_tiling(path, placed, data.size());
  for (Placed& p : placed) {
    p.view.bytes = data.subspan(p.begin, p.end - p.begin);
    out.by_name_[p.view.name] = out.tensors_.size();
    out.tensors_.push_back(std::move(p.view));
  }
  return out;
}

const TensorView* SafeTensors::find(std::string_view name) const {
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : &tensors_[it->second];
}

void SafeTensors::check_not_truncated() const {
  struct stat info{};
  if (::stat(file_->path().c_str(), &info) != 0) return;  // unlinked: the map keeps the old file whole
  const Identity now{static_cast<std::uint64_t>(info.st_dev), static_cast<std::uint64_t>(info.st_ino)};
  const bool same = now.device == identity_.device && now.inode == identity_.inode;
  if (same && static_cast<std::uint64_t>(info.st_size) < file_->bytes().size())
    throw Error(Code::kCorrupt, file_->path(), format("was cut from {} to {} bytes while it was open", file_->bytes().size(), info.st_size),
                "something else writes this file; restore it and start again");
}

void write_safetensors(const std::string& path, std::vector<TensorView> tensors, const std::map<std::string, std::string>& metadata) {
  std::sort(tensors.begin(), tensors.end(),
            [](const TensorView& a, const TensorView& b) { return a.dtype != b.dtype ? a.dtype > b.dtype : a.name < b.name; });
  std::set<std::string_view> names{"__metadata__"};
  std::string text = metadata.empty() ? "{" : "{\"__metadata__\":" + json_line(Json(metadata)) + ",";
  std::uint64_t at = 0;
  for (const TensorView& t : tensors) {
    if (!names.insert(t.name).second)
      throw Error(Code::kInvalidInput, path, format("the tensor name {} is reserved or used twice", t.name));
    if (t.bytes.size() != byte_size(path, t))
      throw Error(Code::kInvalidInput, path, format("tensor {}: {} bytes do not fit its shape", t.name, t.bytes.size()));
    const Json entry{{"dtype", dtype_name(t.dtype)}, {"shape", t.shape}, {"data_offsets", {at, at + t.bytes.size()}}};
    text += json_line(t.name) + ":" + json_line(entry) + ",";
    at += t.bytes.size();
  }
  if (text.back() == ',') text.pop_back();
  text += "}";
  text.append((8 - text.size() % 8) % 8, ' ');
  const std::uint64_t length = text.size();
  write_file_atomic(path, [&](const std::function<void(std::string_view)>& sink) {
    sink({reinterpret_cast<const char*>(&length), 8});
    sink(text);
    for (const TensorView& t : tensors) sink({reinterpret_cast<const char*>(t.bytes.data()), t.bytes.size()});
  });
}

}  // namespace beholder::hf
