#include "hf/safetensors.h"
#include "hf/testing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "core/error.h"
#include "core/format.h"
#include "core/json.h"
#include "core/rng.h"

namespace beholder::hf {
namespace {

using ::testing::HasSubstr;

std::string length_prefix(std::uint64_t n) {
  return std::string(reinterpret_cast<const char*>(&n), 8);
}
std::string file_bytes(const std::string& header, const std::string& data) {
  return length_prefix(header.size()) + header + data;
}

std::string hex(std::span<const std::byte> bytes) {
  std::string out;
  for (const std::byte b : bytes) out += format("{:02x}", static_cast<int>(b));
  return out;
}

// Writes the bytes as a file and opens it; returns the error, or "" when it opens.
struct Outcome {
  bool opened = false;
  Code code = Code::kInternal;
  std::string text;
};

Outcome open_bytes(const std::string& bytes) {
  TempDir dir;
  std::ofstream(dir / "x.safetensors", std::ios::binary) << bytes;
  try {
    SafeTensors::open(dir / "x.safetensors");
    return {true, Code::kInternal, ""};
  } catch (const Error& e) {
    return {false, e.code(), e.what()};
  }
}

void expect_refused(const std::string& bytes, Code code, const std::string& part) {
  const Outcome o = open_bytes(bytes);
  EXPECT_FALSE(o.opened) << "accepted; expected: " << part;
  EXPECT_EQ(code_name(o.code), code_name(code)) << o.text;
  EXPECT_THAT(o.text, HasSubstr(part));
}

void expect_corrupt(const std::string& header, const std::string& data, const std::string& part) {
  expect_refused(file_bytes(header, data), Code::kCorrupt, part);
}

const std::string kFour(4, '\0');

TEST(SafeTensorsOracle, ReadsEveryDtypeOfTheReferenceWriter) {
  const SafeTensors file = SafeTensors::open(kData + "mixed.safetensors");
  const Json expected = read_json(kData + "mixed.json")["tensors"];
  EXPECT_EQ(file.tensors().size(), expected.size());
  for (const auto& [name, row] : expected.items()) {
    const TensorView* t = file.find(name);
    ASSERT_TRUE(t) << name;
    EXPECT_EQ(t->shape, row["shape"].get<std::vector<std::int64_t>>()) << name;
    EXPECT_EQ(hex(t->bytes), row["hex"].get<std::string>()) << name;
    EXPECT_EQ(t->numel() * dtype_size(t->dtype), static_cast<std::int64_t>(t->bytes.size()));
  }
  EXPECT_EQ(file.metadata().at("format"), "pt");
  EXPECT_EQ(file.find("scalar")->shape.size(), 0u);
  EXPECT_EQ(file.find("empty")->bytes.size(), 0u);
  EXPECT_EQ(file.find("absent"), nullptr);
}

TEST(SafeTensorsOracle, WriterGivesTheReferenceWritersBytes) {
  const SafeTensors file = SafeTensors::open(kData + "mixed.safetensors");
  TempDir dir;
  std::vector<TensorView> tensors = file.tensors();
  std::reverse(tensors.begin(), tensors.end());
  write_safetensors(dir / "copy.safetensors", tensors, file.metadata());
  EXPECT_EQ(read_file(dir / "copy.safetensors"), read_file(kData + "mixed.safetensors"));
}

// The rules are numbered as in docs/FORMATS.md.
TEST(SafeTensorsRule, Rule1LengthOfTheHeader) {
  expect_refused("", Code::kCorrupt, "too short");
  expect_refused("\x02\0\0\0\0\0\0", Code::kCorrupt, "too short");
  expect_refused(length_prefix(3) + "{}", Code::kCorrupt, "claims 3 bytes, 2 are there");
  expect_refused(length_prefix(100'000'001) + "{}", Code::kCorrupt, "larger than the limit");
  expect_refused(length_prefix(~std::uint64_t{0}) + "{}", Code::kCorrupt, "larger than the limit");
  expect_refused(length_prefix(~std::uint64_t{0} - 7) + "{}", Code::kCorrupt, "larger than the limit");
  EXPECT_TRUE(open_bytes(file_bytes("{}", "")).opened);
}

TEST(SafeTensorsRule, Rule2HeaderIsOneJsonObjectPaddedWithSpaces) {
  expect_corrupt("", "", "does not begin with '{'");
  expect_corrupt(" {}", "", "does not begin with '{'");
  expect_corrupt("[]", "", "does not begin with '{'");
  expect_corrupt("{}\n", "", "does not end with '}'");
  expect_corrupt(std::string("{}\0", 3), "", "does not end with '}'");
  expect_corrupt("{} {}", "", "not valid JSON");
  expect_corrupt("{\"a\xff\":1}", "", "not valid JSON");
  expect_corrupt("{\"a\":1,}", "", "not valid JSON");
  EXPECT_TRUE(open_bytes(file_bytes("{}      ", "")).opened);
}

TEST(SafeTensorsRule, Rule3NoDuplicateKeysAndMetadataOfStrings) {
  const std::string entry = R"("a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]})";
  expect_corrupt("{" + entry + "," + entry + "}", kFour, "\"a\" stands twice");
  expect_corrupt(R"({"a":{"dtype":"U8","dtype":"I8","shape":[4],"data_offsets":[0,4]}})", kFour, "\"dtype\" stands twice");
  expect_corrupt(R"({"__metadata__":{"n":1}})", "", "\"n\" is not a string");
  expect_corrupt(R"({"__metadata__":[]})", "", "not an object");
  EXPECT_TRUE(open_bytes(file_bytes(R"({"__metadata__":{"n":"1"}})", "")).opened);
}

TEST(SafeTensorsRule, Rule4EntriesAreExact) {
  expect_corrupt(R"({"a":{"dtype":"U8","shape":[4]}})", kFour, "exactly dtype, shape and data_offsets");
  expect_corrupt(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"extra":1}})", kFour, "exactly");
  expect_corrupt(R"({"a":7})", kFour, "exactly");
  expect_corrupt(R"({"a":{"dtype":3,"shape":[4],"data_offsets":[0,4]}})", kFour, "dtype is not a string");
  expect_corrupt(R"({"a":{"dtype":"U8","shape":4,"data_offsets":[0,4]}})", kFour, "shape is not a list");
  for (const char* extent : {"4.0", "-4", "4e0", "\"4\"", "null", "18446744073709551616", "18446744073709551615"})
    expect_corrupt(format(R"({{"a":{{"dtype":"U8","shape":[{}],"data_offsets":[0,4]}}}})", extent), kFour, "extent");
  for (const char* offset : {"-0", "0.0", "0e0", "false", "\"0\""})
    expect_corrupt(format(R"({{"a":{{"dtype":"U8","shape":[4],"data_offsets":[{},4]}}}})", offset), kFour, "begin offset");
  expect_corrupt(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4,4]}})", kFour, "not a pair");
  EXPECT_TRUE(open_bytes(file_bytes(R"({"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})", kFour)).opened);
  EXPECT_TRUE(open_bytes(file_bytes(R"({"a":{"dtype":"F32","shape":[9,0],"data_offsets":[0,0]}})", "")).opened);
}

TEST(SafeTensorsRule, Rule5OtherDtypesAreUnsupported) {
  for (const char* dtype : {"F4", "F6_E2M3", "F6_E3M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "C64", "f32", "X"})
    expect_refused(file_bytes(format(R"({{"w.q":{{"dtype":"{}","shape":[4],"data_offsets":[0,4]}}}})", dtype), kFour), Code::kUnsupported,
                   format("tensor w.q: dtype {} is not supported", dtype));
}

TEST(SafeTensorsRule, Rule6SizesMatchAndDoNotOverflow) {
  expect_corrupt(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", kFour, "takes 8 bytes, the offsets hold 4");
  expect_corrupt(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", "", "overflows");
  expect_corrupt(R"({"a":{"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4]}})", kFour, "overflows");
  std::string dims = "1";
  for (int i = 0; i < 64; ++i) dims += ",1";
  expect_corrupt(R"({"a":{"dtype":"U8","shape":[)" + dims + R"(],"data_offsets":[0,1]}})", "x", "65 dimensions");
}

TEST(SafeTensorsRule, Rule7TensorsTileTheData) {
  const auto two = [](int b0, int e0, int b1, int e1) {
    return format(
        R"({{"a":{{"dtype":"U8","shape":[{}],"data_offsets":[{},{}]}},"b":{{"dtype":"U8","shape":[{}],"data_offsets":[{},{}]}}}})",
        std::max(0, e0 - b0), b0, e0, std::max(0, e1 - b1), b1, e1);
  };
  EXPECT_TRUE(open_bytes(file_bytes(two(2, 4, 0, 2), kFour)).opened);
  expect_corrupt(two(0, 3, 2, 4), kFour, "begins at 2, the one before it ends at 3");
  expect_corrupt(two(0, 4, 0, 4), kFour, "begins at 0, the one before it ends at 4");
  expect_corrupt(two(0, 1, 2, 4), kFour, "begins at 2, the one before it ends at 1");
  expect_corrupt(two(1, 2, 2, 4), kFour, "begins at 1, the one before it ends at 0");
  expect_corrupt(two(0, 2, 2, 1), kFour, "ends at 1 before it begins at 2");
  expect_corrupt(two(0, 2, 2, 5), kFour, "ends at 5, the file holds 4 bytes");
  expect_corrupt(two(0, 2, 2, 3), kFour, "1 bytes follow the last tensor");
  expect_corrupt("{}", "PK", "2 bytes follow");
}

TEST(SafeTensorsRule, Rule8CapsAndTruncationUnderTheMap) {
  expect_corrupt("{\"" + std::string(1025, 'n') + R"(":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", kFour, "longer than the limit");
  std::string deep = R"({"a":)" + std::string(100000, '[') + std::string(100000, ']') + "}";
  expect_corrupt(deep, "", "nested deeper");

  TempDir dir;
  const std::string path = dir / "x.safetensors";
  write_file_atomic(path, file_bytes(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", "abcd"));
  const SafeTensors file = SafeTensors::open(path);
  file.check_not_truncated();
  write_file_atomic(path, "short");  // a rename: the map keeps the old file
  file.check_not_truncated();
  EXPECT_EQ(hex(file.find("a")->bytes), "61626364");
  const SafeTensors copy = [&] {
    write_file_atomic(path, file_bytes(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", "abcd"));
    return SafeTensors::open(path);
  }();
  std::filesystem::resize_file(path, 12);
  EXPECT_THROW(copy.check_not_truncated(), Error);
}

TEST(SafeTensors, MissingFileIsNotFound) {
  try {
    SafeTensors::open("/nowhere/x.safetensors");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::kNotFound);
  }
}

TEST(SafeTensors, ManyTensorsOpenInLinearTime) {
  std::string header = "{";
  const int n = 60000;  // a header that is searched from its start for each key would take minutes
  for (int i = 0; i < n; ++i) header += format(R"("t{}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}},)", i);
  header.back() = '}';
  EXPECT_TRUE(open_bytes(file_bytes(header, "")).opened);
}

// Random damage either opens (a flip in the data, say) or throws one of the documented codes; it never crashes.
TEST(SafeTensorsInvariant, DamageNeverCrashes) {
  const std::string good = read_file(kData + "mixed.safetensors");
  int refused = 0;
  const auto check = [&](const std::string& bytes) {
    const Outcome o = open_bytes(bytes);
    refused += !o.opened;
    EXPECT_TRUE(o.opened || o.code == Code::kCorrupt || o.code == Code::kUnsupported) << o.text;
  };
  int cuts = 0;
  for (std::size_t cut = 0; cut < good.size(); cut += 7, ++cuts) check(good.substr(0, cut));
  EXPECT_EQ(refused, cuts) << "a truncated file was accepted";
  for (int i = 0; i < 1500; ++i) {
    Rng rng(1, 0, static_cast<std::uint64_t>(i));
    std::string bytes = good;
    for (std::uint64_t n = 1 + rng.below(6); n > 0; --n) bytes[rng.below(bytes.size())] = static_cast<char>(rng.below(256));
    check(bytes);
  }
  EXPECT_GT(refused, cuts + 500);
}

TEST(SafeTensors, WriterRefusesWhatItsReaderWould) {
  TempDir dir;
  const std::string bytes(4, 'x');
  const auto view = [&](const char* name, std::vector<std::int64_t> shape) {
    return TensorView{name, DType::kU8, std::move(shape), std::as_bytes(std::span(bytes))};
  };
  for (const std::vector<TensorView>& bad :
       {std::vector{view("a", {5})}, std::vector{view("a", {4}), view("a", {2, 2})}, std::vector{view("__metadata__", {4})}}) {
    try {
      write_safetensors(dir / "x", bad);
      ADD_FAILURE() << bad[0].name;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Code::kInvalidInput);
    }
    EXPECT_FALSE(std::filesystem::exists(dir / "x"));
  }
  write_safetensors(dir / "x", {});
  EXPECT_TRUE(SafeTensors::open(dir / "x").tensors().empty());
}

template <class T>
std::int64_t nonfinite(DType dtype, std::vector<T> values) {
  return count_nonfinite({"t", dtype, {static_cast<std::int64_t>(values.size())}, std::as_bytes(std::span(values))});
}

TEST(SafeTensors, CountsNonfiniteValues) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(nonfinite<float>(DType::kF32, {1, -inf, nan, 3e38f}), 2);
  EXPECT_EQ(nonfinite<double>(DType::kF64, {1, inf, 1e308}), 1);
  EXPECT_EQ(nonfinite<std::uint16_t>(DType::kBF16, {0x7F80, 0xFFC0, 0x7F7F, 0x3F80}), 2);
  EXPECT_EQ(nonfinite<std::uint16_t>(DType::kF16, {0x7C00, 0x7E00, 0x7BFF}), 2);
  EXPECT_EQ(nonfinite<std::uint8_t>(DType::kF8E5M2, {0x7C, 0x7B}), 1);
  EXPECT_EQ(nonfinite<std::uint8_t>(DType::kF8E4M3, {0x7F, 0xFF, 0x7E}), 2);
  EXPECT_EQ(nonfinite<std::int32_t>(DType::kI32, {-1, 0x7F800000}), 0);
}

// ---- folders

struct ShardFolder {
  TempDir dir;
  const std::string bytes = "abcdefgh";
  TensorView view(const char* name, std::size_t n) const {
    return {name, DType::kU8, {static_cast<std::int64_t>(n)}, std::as_bytes(std::span(bytes)).first(n)};
  }
  void index(const std::string& weight_map) {
    write_file_atomic(dir / "model.safetensors.index.json", R"({"metadata":{},"weight_map":)" + weight_map + "}");
  }
  void two_shards() {
    write_safetensors(dir / "model-00001-of-00002.safetensors", {view("b", 2)});
    write_safetensors(dir / "model-00002-of-00002.safetensors", {view("a", 3), view("c", 1)});
    index(R"({"b":"model-00001-of-00002.safetensors","a":"model-00002-of-00002.safetensors","c":"model-00002-of-00002.safetensors"})");
  }
  void expect(Code code, const std::string& part) const {
    try {
      ShardedTensors::open(dir.path());
      ADD_FAILURE() << "opened; expected " << part;
    } catch (const Error& e) {
      EXPECT_EQ(code_name(e.code()), code_name(code)) << e.what();
      EXPECT_THAT(e.what(), HasSubstr(part));
    }
  }
};

TEST(ShardedTensors, ReadsShardsSortedByName) {
  ShardFolder f;
  f.two_shards();
  const ShardedTensors all = ShardedTensors::open(f.dir.path());
  ASSERT_EQ(all.entries().size(), 3u);
  EXPECT_EQ(all.shards().size(), 2u);
  EXPECT_EQ(all.entries()[0].view.name, "a");
  EXPECT_EQ(all.entries()[2].view.name, "c");
  EXPECT_EQ(hex(all.entries()[1].view.bytes), "6162");
}

TEST(ShardedTensors, ReadsASingleFile) {
  ShardFolder f;
  write_safetensors(f.dir / "model.safetensors", {f.view("x", 1)});
  EXPECT_EQ(ShardedTensors::open(f.dir.path()).entries().size(), 1u);
}

TEST(ShardedTensors, RefusesBrokenFolders) {
  ShardFolder empty;
  empty.expect(Code::kNotFound, "no model.safetensors");
  write_file_atomic(empty.dir / "pytorch_model.bin", "x");
  empty.expect(Code::kUnsupported, "pickle");
  ShardFolder f;
  f.two_shards();
  std::filesystem::remove(f.dir / "model-00002-of-00002.safetensors");
  f.expect(Code::kNotFound, "model-00002-of-00002.safetensors: this shard");
  f.two_shards();
  f.index(R"({"b":"model-00001-of-00002.safetensors","zz":"model-00001-of-00002.safetensors"})");
  f.expect(Code::kCorrupt, "tensor zz is not in model-00001");
  f.index(R"({"b":"model-00002-of-00002.safetensors","a":"model-00001-of-00002.safetensors"})");
  f.expect(Code::kCorrupt, "where the index places it");
  f.index("{}");
  f.expect(Code::kCorrupt, "no weight_map");
  f.index("[]");
  f.expect(Code::kCorrupt, "no weight_map");
  f.index(R"({"b":3})");
  f.expect(Code::kCorrupt, "not a string");
  write_safetensors(f.dir / "model-00001-of-00002.safetensors", {f.view("a", 2)});
  f.index(R"({"a":"model-00001-of-00002.safetensors","c":"model-00002-of-00002.safetensors"})");
  f.expect(Code::kCorrupt, "tensor a stands in");
}

TEST(ShardedTensors, ShardNamesStayInTheFolder) {
  ShardFolder f;
  for (const char* name : {"../x.safetensors", "/etc/x.safetensors", "..", "", "a/b.safetensors", "a\\\\b.safetensors", "C:x.safetensors",
                           ".hidden.safetensors", "x.bin", "x\\u0000.safetensors"}) {
    f.index(format(R"({{"a":"{}"}})", name));
    f.expect(Code::kCorrupt, "is not the name of a .safetensors file");
  }
}

}  // namespace
}  // namespace beholder::hf
