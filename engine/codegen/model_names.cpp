#include "mcunet/engine/codegen/model_names.hpp"

#include <algorithm>
#include <array>

#include "mcunet/core/error.hpp"

namespace mcunet::engine {
namespace {

// As many characters as C11 promises to tell external names apart by.
constexpr std::size_t kMostCharacters = 31;

constexpr std::array<std::string_view, 37> kKeywords = {
    "asm",      "auto",   "break",    "case",   "char",     "const",    "continue", "default",
    "do",       "double", "else",     "enum",   "extern",   "float",    "for",      "goto",
    "if",       "inline", "int",      "long",   "register", "restrict", "return",   "short",
    "signed",   "sizeof", "static",   "struct", "switch",   "typedef",  "typeof",   "union",
    "unsigned", "void",   "volatile", "while",  "class"};

// Their file P.h would be found in place of the C library's or the compiler's.
constexpr std::array<std::string_view, 32> kSystemHeaders = {
    "alloca",   "arm_acle",    "assert", "complex",   "ctype",   "errno",  "fenv",   "float",
    "inttypes", "iso646",      "limits", "locale",    "malloc",  "math",   "memory", "setjmp",
    "signal",   "stdalign",    "stdarg", "stdatomic", "stdbool", "stddef", "stdint", "stdio",
    "stdlib",   "stdnoreturn", "string", "tgmath",    "threads", "time",   "uchar",  "wchar"};

// Generated code and its firmware have input_bytes, output_bytes and print_output of their own.
constexpr std::array<std::string_view, 3> kOwnNames = {"input", "output", "print"};

template <std::size_t kCount>
bool contains(const std::array<std::string_view, kCount>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

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
  if (contains(kKeywords, prefix)) return "is a keyword of C";
  if (contains(kSystemHeaders, prefix)) return "is a header of the C library";
  if (prefix == "mcunet" || prefix.starts_with("mcunet_")) return "is the kernels' prefix";
  if (contains(kOwnNames, prefix)) return "is in use by the generated code";
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
          {"FEATURES", in_capitals(part("features"))}};
}

}  // namespace mcunet::engine
