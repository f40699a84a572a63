#include "exif.hpp"

#include <gtest/gtest.h>

#include "exif_bytes.hpp"
#include "jpeg_header.hpp"
#include "mcunet/core/random.hpp"

namespace mcunet::datasets {
namespace {

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

TEST(Exif, TellsTheOrientation) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    for (const bool is_big_endian : {false, true}) {
      EXPECT_EQ(exif_orientation(bytes_of(exif_block(orientation, is_big_endian))), orientation);
    }
  }
}

TEST(Exif, TakesWhatMakesNoSenseAsUpright) {
  const std::string block = exif_block(6);
  EXPECT_EQ(exif_orientation(bytes_of(exif_block(0))), kUpright);
  EXPECT_EQ(exif_orientation(bytes_of(exif_block(9))), kUpright);
  for (std::size_t size = 0; size + 4 < block.size(); ++size) {
    const std::string cut = block.substr(0, size);  // in memory of its own, for a sanitizer
    EXPECT_EQ(exif_orientation(bytes_of(cut)), kUpright) << size;
  }
  RandomStream random(1);
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = block;
    damaged[random.index(static_cast<std::uint32_t>(damaged.size()))] = static_cast<char>(random());
    const int orientation = exif_orientation(bytes_of(damaged));
    EXPECT_TRUE(orientation >= 1 && orientation <= 8);
  }
}

std::string png_chunk(const std::string& name, const std::string& contents) {
  return big_endian_word(static_cast<std::uint32_t>(contents.size()), 4) + name + contents + "CRC.";
}

std::string riff_chunk(const std::string& name, const std::string& contents) {
  const std::string length = big_endian_word(static_cast<std::uint32_t>(contents.size()), 4);
  return name + std::string(length.rbegin(), length.rend()) + contents +
         std::string(contents.size() % 2, '\0');
}

TEST(Exif, IsFoundInPngAndWebp) {
  const std::string png = "\x89PNG\r\n\x1a\n" + png_chunk("IHDR", std::string(13, 'x'));
  EXPECT_EQ(orientation_of_file(bytes_of(png + png_chunk("eXIf", exif_block(8)))), 8);
  EXPECT_EQ(orientation_of_file(bytes_of(png)), kUpright);
  const std::string webp = "RIFF....WEBP" + riff_chunk("VP8X", "odd") + riff_chunk("VP8 ", "even");
  EXPECT_EQ(orientation_of_file(bytes_of(webp + riff_chunk("EXIF", exif_block(3, false)))), 3);
  EXPECT_EQ(orientation_of_file(bytes_of(webp + "EXIF\xFF\xFF\xFF\xFF" + exif_block(3))), kUpright);
  EXPECT_EQ(orientation_of_file({}), kUpright);
}

// A JPEG without an image: the walk through its markers is all that matters.
TEST(Exif, IsTheFirstOfAJpeg) {
  const std::string empty = "\xFF\xD8\xFF\xD9";
  EXPECT_EQ(read_jpeg_header(bytes_of(empty))->orientation, kUpright);
  EXPECT_EQ(read_jpeg_header(bytes_of(with_exif(empty, 6)))->orientation, 6);
  EXPECT_EQ(read_jpeg_header(bytes_of(with_exif(with_exif(empty, 6), 3)))->orientation, 3);
  // XMP has the same marker.
  const std::string xmp = "\xFF\xE1" + big_endian_word(8, 2) + "http:/";
  const std::string both = empty.substr(0, 2) + xmp + with_exif(empty, 7).substr(2);
  EXPECT_EQ(read_jpeg_header(bytes_of(both))->orientation, 7);
}

}  // namespace
}  // namespace mcunet::datasets
