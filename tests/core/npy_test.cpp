#include "mcunet/core/npy.hpp"

#include <gtest/gtest.h>

#include "core/error_text.hpp"

namespace mcunet {
namespace {

TEST(NpyText, ComesBack) {
  for (const char* type : {"i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"}) {
    const NpyArray array{type, {2, 3}, std::string(std::size_t(6 * (type[1] - '0')), 'x')};
    const NpyArray back = parse_npy(npy_text(array));
    EXPECT_EQ(back.type, type);
    EXPECT_EQ(back.shape, array.shape);
    EXPECT_EQ(back.bytes, array.bytes);
  }
}

TEST(NpyText, OfOtherElementsIsRefused) {
  const auto error_for = [](const std::string& descr) {
    std::string header =
        "{'descr': " + descr + ", 'fortran_order': False, 'shape': (1,), }                 \n";
    std::string text("\x93NUMPY\x01\x00", 8);
    text += static_cast<char>(header.size());
    text += '\0';
    return error_of([&] { parse_npy(text + header + "12345678"); });
  };
  EXPECT_EQ(error_for("'<f8'"), "(no error)");
  EXPECT_EQ(error_for("'>f8'"), "must be little-endian, holds '>f8'");
  for (const char* descr : {"'|S8'", "'<U2'", "'<c8'", "'<M8'", "'|O'", "8", "''", "'<i3'", "'i"}) {
    EXPECT_EQ(error_for(descr), std::string("holds ") + descr + ", no plain numbers");
  }
}

}  // namespace
}  // namespace mcunet
