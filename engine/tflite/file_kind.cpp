#include "tflite/file_kind.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace mcunet::engine {
namespace {

using namespace std::string_view_literals;

struct Kind {
  std::string_view first_bytes;
  std::string_view description;
};

constexpr std::array kKinds = {
    Kind{"version https://git-lfs.github.com/spec/"sv,
         "is a pointer of Git LFS, not the model itself: fetch that with `git lfs pull`"},
    Kind{"\x89HDF\r\n\x1a\n"sv,
         "is an HDF5 file, as Keras saves models: "
         "convert it with TFLiteConverter, quantized to int8"},
    Kind{"PK\x03\x04"sv,
         "is a zip archive, as Keras and PyTorch save models: "
         "unpack it, or convert the model in it to .tflite, quantized to int8"},
    Kind{"\x1f\x8b"sv, "is compressed with gzip: unpack it first"},
    Kind{"BZh"sv, "is compressed with bzip2: unpack it first"},
    Kind{"\xfd"
         "7zXZ"sv,
         "is compressed with xz: unpack it first"},
    Kind{"\x80\x02"sv, "is a Python pickle: export the model in it to .tflite, quantized to int8"},
    Kind{"\x80\x04"sv, "is a Python pickle: export the model in it to .tflite, quantized to int8"},
    Kind{"\x7f"
         "ELF"sv,
         "is a compiled program: give the .tflite that it was made with"},
    Kind{"\x93NUMPY"sv, "is a NumPy array, no model"},
};

bool starts_with_word(std::string_view text, std::string_view word) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n\xef\xbb\xbf");
  return begin != std::string_view::npos && text.substr(begin).starts_with(word);
}

// A field of a protocol buffer: its number, and that bytes follow.
constexpr char delimited(int field) { return static_cast<char>(field << 3 | 2); }

bool is_printable(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](unsigned char c) { return c >= ' ' && c < 0x7f; });
}

// ModelProto: the version of its format as field 1, the producer's name as field 2 or the graph as
// field 7.
bool is_onnx(std::string_view text) {
  if (text.size() < 4 || text[0] != '\x08' || text[1] < 1 || text[1] > 32) return false;
  return text[2] == delimited(7) ||
         (text[2] == delimited(2) &&
          is_printable(text.substr(4, static_cast<unsigned char>(text[3]))));
}

// SavedModel: its version, which is 1, as field 1, then a MetaGraphDef as field 2.
bool is_saved_model(std::string_view text) {
  return text.size() > 4 && text.starts_with("\x08\x01") && text[2] == delimited(2);
}

// GraphDef: nodes as field 1, of which the name is field 1.
bool is_frozen_graph(std::string_view text) {
  if (text.size() < 4 || text[0] != delimited(1)) return false;
  std::size_t at = 1;
  while (at < 6 && at < text.size() && (text[at] & '\x80') != 0) ++at;
  if (at + 2 >= text.size() || text[at + 1] != delimited(1)) return false;
  return is_printable(text.substr(at + 3, static_cast<unsigned char>(text[at + 2])));
}

}  // namespace

std::string describe_foreign_file(std::span<const std::byte> contents) {
  const std::string_view text(reinterpret_cast<const char*>(contents.data()), contents.size());
  if (text.empty()) return "is empty";
  for (const Kind& kind : kKinds) {
    if (text.starts_with(kind.first_bytes)) return std::string(kind.description);
  }
  if (starts_with_word(text, "<!DOCTYPE") || starts_with_word(text, "<!doctype") ||
      starts_with_word(text, "<html")) {
    return "is a web page, not the model: download the raw file";
  }
  for (const std::string_view word :
       {"#include", "const unsigned", "unsigned char", "alignas", "//", "/*"}) {
    if (starts_with_word(text, word)) {
      return "is C source: give the .tflite that the array in it was made from";
    }
  }
  if (is_onnx(text)) return "is an ONNX model: convert it to .tflite, quantized to int8";
  if (is_saved_model(text) || is_frozen_graph(text)) {
    return "is a TensorFlow graph: convert it with TFLiteConverter, quantized to int8";
  }
  return "is not a TensorFlow Lite model";
}

}  // namespace mcunet::engine
