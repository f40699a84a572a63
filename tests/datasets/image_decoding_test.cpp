#include "image_decoding.hpp"

#include <cstdio>  // which jpeglib.h lacks
#include <cstdlib>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
// clang-format off
#include <jpeglib.h>
// clang-format on

#include "core/temporary_folder.hpp"
#include "exif_bytes.hpp"
#include "mcunet/core/files.hpp"
#include "shared_data.hpp"

namespace mcunet::datasets {
namespace {

// Red grows to the right, green downwards; smooth, so that any way of scaling gives the same.
cv::Mat gradient(int height, int width) {
  cv::Mat image(height, width, CV_8UC3);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      image.at<cv::Vec3b>(y, x) = cv::Vec3b(40, static_cast<std::uint8_t>(255 * y / height),
                                            static_cast<std::uint8_t>(255 * x / width));
    }
  }
  return image;
}

std::filesystem::path write_image(const TemporaryFolder& folder, const std::string& name,
                                  const cv::Mat& image) {
  const std::filesystem::path file = folder / name;
  cv::imwrite(file.string(), image, {cv::IMWRITE_JPEG_QUALITY, 98});
  return file;
}

TEST(ImageDecoding, ReducesAsFarAsTheCropAllows) {
  const TemporaryFolder folder;
  const auto file = write_image(folder, "a.jpg", gradient(375, 501));
  const auto encoded = EncodedImage::read(file);
  ASSERT_TRUE(encoded);
  EXPECT_EQ(encoded->size(), cv::Size(501, 375));
  const std::tuple<double, int, int> cases[] = {
      {370, 185, 2}, {370, 186, 1}, {370, 92, 4}, {370, 40, 8}};
  for (const auto& [side, target, reduction] : cases) {
    cv::Rect2d crop(4, 2, side, side);
    const cv::Mat image = encoded->decode(3, {target, target}, crop);
    EXPECT_EQ(crop.size(), cv::Size2d(side / reduction, side / reduction));
    EXPECT_GE(crop.width, target);
    EXPECT_EQ(cv::Rect2d({0, 0}, cv::Size2d(image.size())) & crop, crop);
    EXPECT_LE(image.cols, side / reduction + 2);  // and no more than that
    EXPECT_LE(image.rows, side / reduction + 2);
  }
}

TEST(ImageDecoding, GivesTheSamePictureWhateverTheReduction) {
  const TemporaryFolder folder;
  const cv::Mat original = gradient(600, 800);
  const auto file = write_image(folder, "a.jpg", original);
  for (int side : {16, 33, 64, 100, 224}) {
    const auto pixels = read_image_file(file, {{side, side, 3}, ImageFit::kStretch});
    ASSERT_TRUE(pixels);
    cv::Mat expected;
    cv::resize(original, expected, {side, side}, 0, 0, cv::INTER_AREA);
    cv::cvtColor(expected, expected, cv::COLOR_BGR2RGB);
    const cv::Mat read(side, side, CV_8UC3, const_cast<std::uint8_t*>(pixels->data()));
    EXPECT_LE(cv::norm(read, expected, cv::NORM_INF), 8) << side;
    EXPECT_LE(cv::norm(read, expected, cv::NORM_L1) / (side * side * 3), 1.5) << side;
  }
}

TEST(ImageDecoding, CropsTheCentreForEvaluation) {
  // Shorter side to 256, then the middle 224: 32 of 448 lost at each side.
  const cv::Rect2d crop = evaluation_crop({1024, 512}, {{224, 224}, ImageFit::kCrop});
  EXPECT_EQ(crop, cv::Rect2d(288, 32, 448, 448));
  EXPECT_EQ(evaluation_crop({100, 50}, {{80, 80}, ImageFit::kStretch}), cv::Rect2d(0, 0, 100, 50));
}

TEST(ImageDecoding, ReadsGrayAsColourAndColourAsGray) {
  const TemporaryFolder folder;
  cv::Mat gray(64, 64, CV_8UC1, cv::Scalar(100));
  const auto gray_file = write_image(folder, "gray.jpg", gray);
  const auto colour_file =
      write_image(folder, "colour.png", cv::Mat(64, 64, CV_8UC3, cv::Scalar(0, 0, 255)));
  const auto pixels = read_image_file(gray_file, {{8, 8, 3}, ImageFit::kStretch});
  ASSERT_TRUE(pixels);
  EXPECT_THAT(*pixels, testing::Each(testing::AllOf(testing::Ge(98), testing::Le(102))));
  const auto red = read_image_file(colour_file, {{8, 8, 1}, ImageFit::kStretch});
  ASSERT_TRUE(red);
  EXPECT_EQ(red->size(), 64u);
  EXPECT_THAT(*red, testing::Each(76));  // 0.299 * 255
  const auto rgb = read_image_file(colour_file, {{1, 1, 3}, ImageFit::kStretch});
  ASSERT_TRUE(rgb);
  EXPECT_THAT(*rgb, testing::ElementsAre(255, 0, 0));
}

// 32-bit as PNG's chunks have it.
std::uint32_t crc_of(const std::string& bytes) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const char byte : bytes) {
    crc ^= static_cast<std::uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
  }
  return ~crc;
}

std::string png_with_exif(const std::string& png, int orientation) {
  constexpr std::size_t kEndOfHeader = 8 + 25;
  const std::string block = exif_block(orientation);
  return png.substr(0, kEndOfHeader) +
         big_endian_word(static_cast<std::uint32_t>(block.size()), 4) + "eXIf" + block +
         big_endian_word(crc_of("eXIf" + block), 4) + png.substr(kEndOfHeader);
}

// Gray, uncompressed, of 8 or 16 bits.
std::string encode_tiff(const cv::Mat& image, int orientation) {
  const auto bytes = static_cast<std::uint32_t>(image.total() * image.elemSize());
  const auto entry = [](std::uint32_t tag, std::uint32_t value) {
    return big_endian_word(tag, 2) + big_endian_word(4, 2) + big_endian_word(1, 4) +
           big_endian_word(value, 4);
  };
  const auto short_entry = [](std::uint32_t tag, std::uint32_t value) {
    return big_endian_word(tag, 2) + big_endian_word(3, 2) + big_endian_word(1, 4) +
           big_endian_word(value, 2) + big_endian_word(0, 2);
  };
  constexpr std::uint32_t kEntries = 10;
  constexpr std::uint32_t kDirectoryEnd = 8 + 2 + 12 * kEntries + 4;
  std::string file =
      "MM" + big_endian_word(42, 2) + big_endian_word(8, 4) + big_endian_word(kEntries, 2);
  file += entry(256, static_cast<std::uint32_t>(image.cols));
  file += entry(257, static_cast<std::uint32_t>(image.rows));
  file += short_entry(258, static_cast<std::uint32_t>(8 * image.elemSize()));
  file += short_entry(259, 1) + short_entry(262, 1) + entry(273, kDirectoryEnd);
  file += short_entry(274, static_cast<std::uint32_t>(orientation)) + short_entry(277, 1);
  file += entry(278, static_cast<std::uint32_t>(image.rows)) + entry(279, bytes);
  file += big_endian_word(0, 4);
  for (int y = 0; y < image.rows; ++y) {
    for (int x = 0; x < image.cols; ++x) {
      file += image.elemSize() == 1 ? big_endian_word(image.at<std::uint8_t>(y, x), 1)
                                    : big_endian_word(image.at<std::uint16_t>(y, x), 2);
    }
  }
  return file;
}

// The pixels as a camera stores them that was held such that EXIF says `orientation`.
cv::Mat stored_as(const cv::Mat& upright, int orientation) {
  cv::Mat stored = upright.clone();
  const bool is_exchanged = orientation > 4;
  const int mirror = is_exchanged ? orientation - 4 : orientation;
  if (mirror == 2) cv::flip(stored, stored, 1);
  if (mirror == 3) cv::flip(stored, stored, -1);
  if (mirror == 4) cv::flip(stored, stored, 0);
  return is_exchanged ? cv::Mat(stored.t()) : stored;
}

double largest_difference(const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b) {
  EXPECT_EQ(a.size(), b.size());
  int largest = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    largest = std::max(largest, std::abs(a[i] - b[i]));
  }
  return largest;
}

// JPEG's own loss differs a little between an image and the same one turned.
TEST(ImageDecoding, TurnsJpegsUpright) {
  const TemporaryFolder folder;
  const cv::Mat upright = gradient(400, 600);
  const auto as_it_is = write_image(folder, "1.jpg", upright);
  for (const ImagePreprocessing& way : {ImagePreprocessing{{40, 40, 3}, ImageFit::kCrop},
                                        {{250, 250, 3}, ImageFit::kCrop},
                                        {{64, 64, 3}, ImageFit::kStretch},
                                        {{30, 90, 1}, ImageFit::kStretch}}) {
    const auto expected = read_image_file(as_it_is, way);
    ASSERT_TRUE(expected);
    for (int orientation = 1; orientation <= 8; ++orientation) {
      SCOPED_TRACE(orientation);
      const auto plain = write_image(folder, "stored.jpg", stored_as(upright, orientation));
      const auto file = folder.write("turned.jpg", with_exif(read_file(plain), orientation));
      const auto pixels = read_image_file(file, way);
      ASSERT_TRUE(pixels);
      EXPECT_LE(largest_difference(*pixels, *expected), 6);
      const auto ignored = read_image_file(plain, way);
      if (orientation > 1) {
        EXPECT_GT(largest_difference(*ignored, *expected), 60) << "the test tells nothing";
      }
    }
  }
}

TEST(ImageDecoding, CropsOfTurnedJpegsLieWhereTheyShould) {
  const TemporaryFolder folder;
  const cv::Mat upright = gradient(400, 600);
  const cv::Rect part(301, 42, 120, 90);
  cv::Mat expected;
  cv::resize(upright(part), expected, {60, 45}, 0, 0, cv::INTER_AREA);
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const auto plain = write_image(folder, "stored.jpg", stored_as(upright, orientation));
    const auto encoded =
        EncodedImage::read(folder.write("a.jpg", with_exif(read_file(plain), orientation)));
    ASSERT_TRUE(encoded);
    EXPECT_EQ(encoded->size(), upright.size());
    cv::Rect2d crop = part;
    const cv::Mat image = encoded->decode(3, {60, 45}, crop);
    const cv::Mat small = resize_crop(image, crop, {60, 45});
    EXPECT_LE(cv::norm(small, expected, cv::NORM_INF), 6) << orientation;
  }
}

TEST(ImageDecoding, TurnsOtherFormatsUpright) {
  const TemporaryFolder folder;
  cv::Mat upright(20, 30, CV_8UC1);
  cv::randu(upright, 0, 255);
  const ImagePreprocessing whole{{20, 30, 1}, ImageFit::kStretch};
  const std::vector<std::uint8_t> expected(upright.begin<std::uint8_t>(),
                                           upright.end<std::uint8_t>());
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const cv::Mat stored = stored_as(upright, orientation);
    const std::string png = read_file(write_image(folder, "stored.png", stored));
    EXPECT_EQ(read_image_file(folder.write("a.png", png_with_exif(png, orientation)), whole),
              expected)
        << "PNG " << orientation;
    EXPECT_EQ(read_image_file(folder.write("a.tif", encode_tiff(stored, orientation)), whole),
              expected)
        << "TIFF " << orientation;
  }
}

TEST(ImageDecoding, TakesAnImageOfTheInputsSizeAsItIs) {
  const TemporaryFolder folder;
  cv::Mat noise(32, 32, CV_8UC1);
  cv::randu(noise, 0, 255);
  const std::vector<std::uint8_t> all(noise.begin<std::uint8_t>(), noise.end<std::uint8_t>());
  const auto file = write_image(folder, "a.png", noise);
  EXPECT_EQ(read_image_file(file, {{32, 32, 1}, ImageFit::kCrop}), all);
  EXPECT_EQ(evaluation_crop({32, 32}, {{32, 32, 3}}), cv::Rect2d(0, 0, 32, 32));
  EXPECT_EQ(evaluation_crop({32, 32}, {{28, 28, 3}}), cv::Rect2d(2, 2, 28, 28));
  EXPECT_EQ(evaluation_crop({32, 32}, {{64, 64, 3}}), cv::Rect2d(2, 2, 28, 28));
  EXPECT_EQ(evaluation_crop({32, 64}, {{32, 32, 3}}), cv::Rect2d(2, 18, 28, 28));
}

// Values of so many bits in a file of 16, on all paths: what they become in 8.
TEST(ImageDecoding, ReadsTheBitsThatAreThere) {
  const TemporaryFolder folder;
  for (const auto& [largest, bits, shift] : {std::tuple{65535, std::optional<int>(), 8},
                                             {4095, {}, 4},
                                             {1023, {}, 4},
                                             {65535, 12, 4},
                                             {4095, 16, 8},
                                             {1023, 10, 2},
                                             {255, 8, 0}}) {
    SCOPED_TRACE(fmt::format("up to {}, {} bits said", largest, bits.value_or(0)));
    cv::Mat image(16, 16, CV_16UC1);
    std::vector<std::uint8_t> expected;
    for (int i = 0; i < 256; ++i) {
      const int value = largest * i / 255;
      image.at<std::uint16_t>(i / 16, i % 16) = static_cast<std::uint16_t>(value);
      expected.push_back(static_cast<std::uint8_t>(std::min(value >> shift, 255)));
    }
    const ImagePreprocessing whole{{16, 16, 1}, ImageFit::kCrop, 0.875, bits};
    for (const char* name : {"a.png", "a.pgm", "b.tif"}) {
      const auto file = name[0] == 'a' ? write_image(folder, name, image)
                                       : folder.write(name, encode_tiff(image, 1));
      EXPECT_EQ(read_image_file(file, whole), expected) << name;
    }
    cv::Mat colours;
    cv::merge(std::vector<cv::Mat>{image, image, image}, colours);
    const auto rgb = read_image_file(write_image(folder, "colours.png", colours),
                                     {{16, 16, 3}, ImageFit::kCrop, 0.875, bits});
    ASSERT_TRUE(rgb);
    for (std::size_t i = 0; i < rgb->size(); ++i) ASSERT_EQ((*rgb)[i], expected[i / 3]);
  }
}

// As a printer's: four inks, here of cyan alone, which a file holds inverted.
std::string encode_cyan_ink(int side) {
  jpeg_compress_struct jpeg{};
  jpeg_error_mgr errors;
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &bytes, &size);
  jpeg.image_width = static_cast<JDIMENSION>(side);
  jpeg.image_height = static_cast<JDIMENSION>(side);
  jpeg.input_components = 4;
  jpeg.in_color_space = JCS_CMYK;
  jpeg_set_defaults(&jpeg);
  jpeg_start_compress(&jpeg, TRUE);
  std::vector<unsigned char> row;
  for (int x = 0; x < side; ++x) row.insert(row.end(), {0, 255, 255, 255});
  JSAMPROW line = row.data();
  for (int y = 0; y < side; ++y) jpeg_write_scanlines(&jpeg, &line, 1);
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  std::string file(reinterpret_cast<const char*>(bytes), size);
  std::free(bytes);
  return file;
}

TEST(ImageDecoding, ReadsThePrintersColours) {
  const TemporaryFolder folder;
  const auto file = folder.write("ink.jpg", encode_cyan_ink(64));
  const auto pixels = read_image_file(file, {{1, 1, 3}, ImageFit::kCrop});
  ASSERT_TRUE(pixels);
  EXPECT_LT((*pixels)[0], 10);
  EXPECT_GT((*pixels)[1], 245);
  EXPECT_GT((*pixels)[2], 245);
}

TEST(ImageDecoding, FindsTruncatedFiles) {
  const TemporaryFolder folder;
  cv::Mat noise(120, 160, CV_8UC3);
  cv::randu(noise, 0, 255);
  for (const char* name : {"a.jpg", "a.png", "a.bmp"}) {
    const std::string whole = read_file(write_image(folder, name, noise));
    ASSERT_TRUE(read_image_file(folder / name, {{32, 32, 3}, ImageFit::kStretch})) << name;
    for (double share : {0.0, 0.01, 0.3, 0.9, 0.999}) {
      const auto size = static_cast<std::size_t>(share * static_cast<double>(whole.size()));
      const auto file = folder.write(std::string("cut_") + name, whole.substr(0, size));
      EXPECT_FALSE(read_image_file(file, {{32, 32, 3}, ImageFit::kStretch}))
          << name << " " << share;
    }
  }
  EXPECT_FALSE(read_image_file(folder / "absent.jpg", {{32, 32, 3}, ImageFit::kStretch}));
  EXPECT_FALSE(read_image_file(folder.write("text.jpg", "not an image at all"),
                               {{32, 32, 3}, ImageFit::kStretch}));
}

TEST(ImageDecoding, SurvivesDamagedBytes) {
  const TemporaryFolder folder;
  cv::Mat noise(60, 80, CV_8UC3);
  cv::randu(noise, 0, 255);
  for (const char* name : {"a.jpg", "a.png"}) {
    const std::string whole = read_file(write_image(folder, name, noise));
    RandomStream random(3);
    for (int i = 0; i < 300; ++i) {
      std::string damaged = whole;
      const std::uint32_t reach = i % 2 == 0 ? 200 : static_cast<std::uint32_t>(whole.size());
      for (int j = 0; j < 3; ++j)
        damaged[random.index(reach)] = static_cast<char>(random.index(256));
      const auto pixels =
          read_image_file(folder.write("damaged", damaged), {{24, 24, 3}, ImageFit::kCrop});
      if (pixels) {
        EXPECT_EQ(pixels->size(), 24u * 24 * 3);
      }
    }
  }
}

TEST(ImageDecoding, ReadsTheImagenetSample) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  int files = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(data / "imagenet_sample")) {
    if (entry.path().extension() != ".JPEG") continue;
    ++files;
    EXPECT_TRUE(read_image_file(entry.path(), {{128, 128, 3}, ImageFit::kCrop})) << entry.path();
    EXPECT_TRUE(read_image_file(entry.path(), {{20, 20, 1}, ImageFit::kStretch})) << entry.path();
  }
  EXPECT_EQ(files, 100);
}

}  // namespace
}  // namespace mcunet::datasets
