#include "mcunet/engine/codegen/model_names.hpp"

#include <algorithm>
#include <array>

#include "mcunet/core/error.hpp"

namespace mcunet::engine {
namespace {

// As many characters as C11 promises to tell external names apart by.
constexpr std::size_t kMostCharacters = 31;

constexpr std::array<std::string_view, 37> kKeywords = {
    "asm",     "auto",     "break",  "case",     "char",   "class",    "const",    "continue",
    "default", "do",       "double", "else",     "enum",   "extern",   "float",    "for",
    "goto",    "if",       "inline", "int",      "long",   "register", "restrict", "return",
    "short",   "signed",   "sizeof", "static",   "struct", "switch",   "typedef",  "typeof",
    "union",   "unsigned", "void",   "volatile", "while"};

// Their file P.h would be found in place of the C library's or the compiler's.
constexpr std::array<std::string_view, 32> kSystemHeaders = {
    "alloca",   "arm_acle",    "assert", "complex",   "ctype",   "errno",  "fenv",   "float",
    "inttypes", "iso646",      "limits", "locale",    "malloc",  "math",   "memory", "setjmp",
    "signal",   "stdalign",    "stdarg", "stdatomic", "stdbool", "stddef", "stdint", "stdio",
    "stdlib",   "stdnoreturn", "string", "tgmath",    "threads", "time",   "uchar",  "wchar"};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_word(std::string_view text) {
  return !text.empty() && is_letter(text[0]) && std::all_of(text.begin(), text.end(), [](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '_';
  });
}

std::string in_capitals(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

// What is wrong with a prefix; empty if nothing is.
std::string fault_of(const std::string& prefix) {
  if (!is_word(prefix)) return "is not made of letters, digits and _ with a letter first";
  if (prefix.size() > kMostCharacters) {
    return "has more than " + std::to_string(kMostCharacters) + " characters";
  }
  if (std::find(kKeywords.begin(), kKeywords.end(), prefix) != kKeywords.end()) {
    return "is a keyword of C";
  }
  // Macros are in capitals, and file systems may not tell them apart.
  const std::string capitals = in_capitals(prefix);
  for (const std::string_view header : kSystemHeaders) {
    if (in_capitals(std::string(header)) == capitals) return "is a header of the C library";
  }
  if (capitals == "MCUNET" || capitals.starts_with("MCUNET_")) return "is the kernels' prefix";
  return "";
}

}  // namespace

ModelNames::ModelNames(std::string prefix) : prefix_(std::move(prefix)) {
  const std::string fault = fault_of(prefix_);
  if (!fault.empty()) throw Error("{:?} {}; choose another prefix", prefix_, fault);
}

std::string ModelNames::macro_prefix() const { return in_capitals(prefix_); }

std::string ModelNames::part(std::string_view what) const {
  return is_default() ? std::string(what) : prefix_ + "_" + std::string(what);
}

std::map<std::string, std::string, std::less<>> ModelNames::template_texts() const {
  return {{"model", prefix_},
          {"MODEL", macro_prefix()},
          {"weights", part("weights")},
          {"features", part("features")},
          {"FEATURES", in_capitals(part("features"))},
          {"frame", part("frame")},
          {"FRAME", in_capitals(part("frame"))},
          {"series", part("series")},
          {"SERIES", in_capitals(part("series"))},
          {"detections", part("detections")},
          {"DETECTIONS", in_capitals(part("detections"))}};
}

}  // namespace mcunet::engine
