#include "mcunet/deploy/npy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"
#include "mcunet/core/files.hpp"

namespace mcunet::deploy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// As numpy.save writes it.
std::string npy(std::string header, const std::string& values) {
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  std::string text("\x93NUMPY\x01\x00", 8);
  text += static_cast<char>(header.size());
  text += '\0';
  return text + header + values;
}

std::string parse_error(const std::string& contents) {
  return error_of([&] { parse_npy(contents, "x.npy"); });
}

TEST(Npy, ReadsWhatNumpyWrites) {
  const TensorValues array =
      parse_npy(npy("{'descr': '|i1', 'fortran_order': False, 'shape': (2, 3), }",
                    "\x01\x02\x03\xff\xfe\xfd"),
                "x.npy");
  EXPECT_THAT(array.shape, ElementsAre(2, 3));
  EXPECT_THAT(array.bytes, ElementsAre(1, 2, 3, -1, -2, -3));
}

TEST(Npy, RoundTrip) {
  const TemporaryFolder folder;
  const std::vector<std::int8_t> values = {1, -128, 127, 0};
  const std::vector<std::int64_t> shape = {4, 1};
  write_npy(folder / "x.npy", {.shape = shape, .bytes = values});
  const std::string contents = read_file(folder / "x.npy");
  EXPECT_EQ((contents.size() - values.size()) % 64, 0u);
  const TensorValues array = parse_npy(contents, "x.npy");
  EXPECT_EQ(array.shape, shape);
  EXPECT_EQ(array.bytes, values);
}

TEST(Npy, KeepsTheType) {
  const TemporaryFolder folder;
  for (const auto type :
       {engine::DataType::kInt8, engine::DataType::kUint8, engine::DataType::kFloat32}) {
    const auto bytes = static_cast<std::size_t>(engine::bytes_of_elements(2, type));
    write_npy(folder / "x.npy",
              {.type = type, .shape = {2}, .bytes = std::vector<std::int8_t>(bytes, 1)});
    const TensorValues array = parse_npy(read_file(folder / "x.npy"), "x.npy");
    EXPECT_EQ(array.type, type);
    EXPECT_EQ(array.bytes.size(), bytes);
  }
}

TEST(Npy, AScalarHasOneValue) {
  EXPECT_THAT(
      parse_npy(npy("{'descr': '|i1', 'fortran_order': False, 'shape': (), }", "x"), "x").bytes,
      ElementsAre('x'));
}

TEST(Npy, RefusesOtherArrays) {
  EXPECT_EQ(
      parse_error(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", "12345678")),
      "x.npy: must hold int8, uint8 or float32, holds 'f8'");
  EXPECT_EQ(parse_error(npy("{'descr': '>i2', 'fortran_order': False, 'shape': (1,), }", "12")),
            "x.npy: must be little-endian, holds '>i2'");
  EXPECT_EQ(parse_error(npy("{'descr': '|i1', 'fortran_order': True, 'shape': (1,), }", "1")),
            "x.npy: must be in C order, is in Fortran's");
}

TEST(Npy, RefusesDamagedFiles) {
  const std::string good = npy("{'descr': '|i1', 'fortran_order': False, 'shape': (2, 1), }", "12");
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_NE(parse_error(good.substr(0, size)), "(no error)") << size;
  }
  EXPECT_EQ(parse_error(good + "3"), "x.npy: has 3 bytes of values, its shape needs 2");
  EXPECT_THAT(parse_error(npy("{'descr': '|i1', 'fortran_order': False, 'shape': (-1,), }", "12")),
              HasSubstr("its shape is"));
  EXPECT_THAT(
      parse_error(npy(
          "{'descr': '|i1', 'fortran_order': False, 'shape': (99999999999, 99999999999), }", "12")),
      HasSubstr("its shape is"));
  EXPECT_THAT(parse_error(npy("{'descr': '|i1', 'fortran_order': False}", "12")),
              HasSubstr("its header has no shape"));
}

}  // namespace
}  // namespace mcunet::deploy
