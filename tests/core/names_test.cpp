#include "mcunet/core/names.hpp"

#include <gmock/gmock.h>

#include "core/error_text.hpp"

namespace mcunet {
namespace {

TEST(PlainName, IsWhatNeedsNoEscaping) {
  for (const char* name :
       {"stm32f746", "a", "_x_", "STM32F746G-DISCO (rev. B)", "rp2040+flash", "0.35x of 144"}) {
    EXPECT_TRUE(is_plain_name(name)) << name;
  }
  EXPECT_TRUE(is_plain_name(std::string(100, 'x')));
}

TEST(PlainName, IsNothingElse) {
  for (const char* name :
       {"",     " ",    "a ",  " a",   ".",   "..",  "../x", "a/b", "a\\", "a\nb", "a\tb", "*/ x",
        "x\"y", "$(x)", "`x`", "x#y",  "x;y", "x&y", "<b>",  "-x",  "x:",  "x%y",  "?\?/", "{x}",
        "[x]",  "x'y",  "é",   "\xff", "x|y", "~x",  "@x",   "=x",  "x,y", "x\x7f"}) {
    EXPECT_FALSE(is_plain_name(name)) << name;
  }
  EXPECT_FALSE(is_plain_name(std::string(101, 'x')));
  EXPECT_FALSE(is_plain_name(std::string_view("a\0b", 3)));
}

TEST(NameField, SaysWhatANameIs) {
  std::string name;
  const auto read = [&](const std::string& text) {
    read_fields(parse_config(text, "x.yaml"), {name_field("name", name)});
  };
  read("name: good name");
  EXPECT_EQ(name, "good name");
  EXPECT_EQ(error_of([&] { read("\nname: a/b"); }),
            "x.yaml:2: name: must be a name of at most 100 letters, digits, spaces and _ - . + "
            "( ), that begins and ends with a letter or digit, is \"a/b\"");
  EXPECT_LT(error_of([&] { read("name: " + std::string(10'000, 'x')); }).size(), 500u);
}

TEST(OnOneLine, HasNoControlCharacters) {
  EXPECT_EQ(on_one_line("a\nb\tc\x7f\x1b[2Jé"), "a b c  [2Jé");
}

TEST(Utf8Text, IsCheckedAsUnicodeDefinesIt) {
  for (const char* text : {"", "abc\n", "é", "€", "😀", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_utf8_text(text)) << text;
  }
  // Continuations alone, cut characters, overlong forms, surrogates, beyond U+10FFFF.
  for (const char* text : {"\x80", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc0\x80", "\xc1\xbf",
                           "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                           "\xf5\x80\x80\x80", "\xff", "a\xe2\x28\xa1"}) {
    EXPECT_FALSE(is_utf8_text(text));
  }
  EXPECT_FALSE(is_utf8_text(std::string_view("a\0b", 3)));
}

TEST(Escaped, IsOneLineOfUtf8) {
  for (const char* text : {"", "a b", "é€😀", "</script>\"'&", "\\x1b", "-rf"}) {
    EXPECT_EQ(escaped(text), text);
  }
  EXPECT_EQ(escaped("a\nb\t\x1b[2J\x7f"), "a\\x0ab\\x09\\x1b[2J\\x7f");
  EXPECT_EQ(escaped("caf\xe9"), "caf\\xe9");
  EXPECT_EQ(escaped("\xc2\x9b"
                    "31m"),
            "\\xc2\\x9b"
            "31m");  // CSI in one character
  EXPECT_EQ(escaped(std::string_view("a\0b", 3)), "a\\x00b");
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  EXPECT_TRUE(is_utf8_text(escaped(all)));
}

}  // namespace
}  // namespace mcunet
