#ifdef BEHOLDER_ARROW

#include "data/arrow_value.h"

#include <arrow/api.h>

#include "core/error.h"

namespace beholder::data {
namespace {

template <class ArrayType>
Json number(const arrow::Array& array, std::int64_t row) {
  return static_cast<const ArrayType&>(array).Value(row);
}

template <class ArrayType>
Json text(const arrow::Array& array, std::int64_t row) {
  return std::string(static_cast<const ArrayType&>(array).GetView(row));
}

template <class ArrayType>
Json bytes(const arrow::Array& array, std::int64_t row) {
  const std::string_view view = static_cast<const ArrayType&>(array).GetView(row);
  return Json::binary(std::vector<std::uint8_t>(view.begin(), view.end()));
}

template <class ArrayType>
Json list(const arrow::Array& array, std::int64_t row) {
  const auto& lists = static_cast<const ArrayType&>(array);
  Json out = Json::array();
  const std::int64_t begin = lists.value_offset(row);
  for (std::int64_t i = 0; i < lists.value_length(row); ++i) out.push_back(arrow_value(*lists.values(), begin + i));
  return out;
}

Json object(const arrow::Array& array, std::int64_t row) {
  const auto& structs = static_cast<const arrow::StructArray&>(array);
  Json out = Json::object();
  for (int f = 0; f < structs.num_fields(); ++f) out[structs.struct_type()->field(f)->name()] = arrow_value(*structs.field(f), row);
  return out;
}

Json other(const arrow::Array& array, std::int64_t row) {
  const auto scalar = array.GetScalar(row);
  return scalar.ok() ? (*scalar)->ToString() : std::string();
}

}  // namespace

Json arrow_value(const arrow::Array& array, std::int64_t row) {
  if (array.IsNull(row)) return nullptr;
  switch (array.type_id()) {
    case arrow::Type::BOOL:
      return number<arrow::BooleanArray>(array, row);
    case arrow::Type::INT8:
      return number<arrow::Int8Array>(array, row);
    case arrow::Type::INT16:
      return number<arrow::Int16Array>(array, row);
    case arrow::Type::INT32:
      return number<arrow::Int32Array>(array, row);
    case arrow::Type::INT64:
      return number<arrow::Int64Array>(array, row);
    case arrow::Type::UINT8:
      return number<arrow::UInt8Array>(array, row);
    case arrow::Type::UINT16:
      return number<arrow::UInt16Array>(array, row);
    case arrow::Type::UINT32:
      return number<arrow::UInt32Array>(array, row);
    case arrow::Type::UINT64:
      return number<arrow::UInt64Array>(array, row);
    case arrow::Type::FLOAT:
      return number<arrow::FloatArray>(array, row);
    case arrow::Type::DOUBLE:
      return number<arrow::DoubleArray>(array, row);
    case arrow::Type::STRING:
      return text<arrow::StringArray>(array, row);
    case arrow::Type::LARGE_STRING:
      return text<arrow::LargeStringArray>(array, row);
    case arrow::Type::STRING_VIEW:
      return text<arrow::StringViewArray>(array, row);
    case arrow::Type::BINARY:
      return bytes<arrow::BinaryArray>(array, row);
    case arrow::Type::LARGE_BINARY:
      return bytes<arrow::LargeBinaryArray>(array, row);
    case arrow::Type::BINARY_VIEW:
      return bytes<arrow::BinaryViewArray>(array, row);
    case arrow::Type::FIXED_SIZE_BINARY:
      return bytes<arrow::FixedSizeBinaryArray>(array, row);
    case arrow::Type::LIST:
      return list<arrow::ListArray>(array, row);
    case arrow::Type::LARGE_LIST:
      return list<arrow::LargeListArray>(array, row);
    case arrow::Type::FIXED_SIZE_LIST:
      return list<arrow::FixedSizeListArray>(array, row);
    case arrow::Type::STRUCT:
      return object(array, row);
    case arrow::Type::DICTIONARY: {
      const auto& dictionary = static_cast<const arrow::DictionaryArray&>(array);
      return arrow_value(*dictionary.dictionary(), dictionary.GetValueIndex(row));
    }
    default:
      return other(array, row);
  }
}

}  // namespace beholder::data

#endif
