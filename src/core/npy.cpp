#include "mcunet/core/npy.hpp"

#include <fmt/ranges.h>

#include <charconv>

#include "mcunet/core/error.hpp"

// The format: "\x93NUMPY", version, length of the header (little-endian: 2 bytes in version 1, 4
// after), the header as a Python dictionary, the values.
namespace mcunet {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::int64_t kMaxElements = std::int64_t{1} << 32;

std::size_t little_endian(std::string_view bytes) {
  std::size_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return value;
}

// What stands behind a key of the header, up to the end of it; empty if there is no such key.
std::string_view value_of(std::string_view header, std::string_view key) {
  const std::size_t found = header.find(key);
  if (found == std::string_view::npos) return {};
  const std::size_t begin = header.find_first_not_of(" :", found + key.size());
  return begin == std::string_view::npos ? std::string_view{} : header.substr(begin);
}

// "(3, 4,)" to {3, 4}; throws a text.
std::vector<std::int64_t> parse_shape(std::string_view text) {
  if (!text.starts_with('(') || text.find(')') == std::string_view::npos) {
    throw Error("its header has no shape");
  }
  text = text.substr(1, text.find(')') - 1);
  std::vector<std::int64_t> shape;
  std::int64_t elements = 1;
  for (;;) {
    const std::size_t begin = text.find_first_not_of(" ,");
    if (begin == std::string_view::npos) return shape;
    text.remove_prefix(begin);
    std::int64_t size = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
    if (error != std::errc{} || size < 0 || (elements > 0 && size > kMaxElements / elements)) {
      throw Error("its shape is ({})", text);
    }
    elements *= size;
    shape.push_back(size);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  }
}

// "'<f4', …" to "f4".
std::string parse_type(std::string_view text) {
  const std::string_view quoted = text.substr(0, text.find(','));
  const auto fail = [&] { throw Error("holds {}, no plain numbers", quoted); };
  if (quoted.size() < 4 || quoted.front() != '\'' || quoted.back() != '\'') fail();
  std::string_view type = quoted.substr(1, quoted.size() - 2);
  if (type.front() == '>') throw Error("must be little-endian, holds {}", quoted);
  if (type.front() == '<' || type.front() == '|' || type.front() == '=') type.remove_prefix(1);
  const bool is_number = type == "i1" || type == "i2" || type == "i4" || type == "i8" ||
                         type == "u1" || type == "u2" || type == "u4" || type == "u8" ||
                         type == "f2" || type == "f4" || type == "f8" || type == "b1";
  if (!is_number) fail();
  return std::string(type);
}

}  // namespace

NpyArray parse_npy(std::string_view contents) {
  if (!contents.starts_with(kMagic) || contents.size() < 12) throw Error("is no .npy file");
  const std::size_t length_bytes = contents[6] == 1 ? 2 : 4;
  const std::size_t length = little_endian(contents.substr(8, length_bytes));
  contents.remove_prefix(8 + length_bytes);
  if (length > contents.size()) throw Error("ends within its header");
  const std::string_view header = contents.substr(0, length);
  contents.remove_prefix(length);
  NpyArray array;
  array.type = parse_type(value_of(header, "'descr'"));
  const std::string_view order = value_of(header, "'fortran_order'");
  array.is_column_major = order.starts_with("True");
  if (!array.is_column_major && !order.starts_with("False")) throw Error("its header has no order");
  array.shape = parse_shape(value_of(header, "'shape'"));
  std::int64_t bytes = array.type.back() - '0';
  for (const std::int64_t size : array.shape) bytes *= size;
  if (static_cast<std::int64_t>(contents.size()) != bytes) {
    throw Error("has {} bytes of values, its shape needs {}", contents.size(), bytes);
  }
  array.bytes = contents;
  return array;
}

std::string npy_text(const NpyArray& array) {
  const char order = array.type.back() == '1' ? '|' : '<';
  std::string header =
      fmt::format("{{'descr': '{}{}', 'fortran_order': {}, 'shape': ({},), }}", order, array.type,
                  array.is_column_major ? "True" : "False", fmt::join(array.shape, ", "));
  constexpr std::size_t kPrefix = 10;  // magic, version, length
  constexpr std::size_t kAlignment = 64;
  header.append(kAlignment - 1 - (kPrefix + header.size()) % kAlignment, ' ');
  header += '\n';
  std::string contents(kMagic);
  contents +=
      {1, 0, static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};
  return contents + header + array.bytes;
}

}  // namespace mcunet
