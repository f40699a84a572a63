#include "mcunet/datasets/media_files.hpp"

#include <gtest/gtest.h>

namespace mcunet::datasets {
namespace {

TEST(MediaFiles, AreToldByTheirNames) {
  for (const char* name :
       {"a.jpg", "a.JPEG", "b/c.png", "a.b.webp", "a.tif", "a.TIFF", "a.bmp", "a.ppm", "a.pgm"}) {
    EXPECT_TRUE(has_extension(name, image_extensions())) << name;
    EXPECT_FALSE(has_extension(name, sound_extensions())) << name;
  }
  for (const char* name : {"a.wav", "a.WAV", "a.flac", "a.Ogg"}) {
    EXPECT_TRUE(has_extension(name, sound_extensions())) << name;
    EXPECT_FALSE(has_extension(name, image_extensions())) << name;
  }
  for (const char* name : {"a.gif", "a.heic", "jpg", "a", "", "a.jpg/b", "a.bin", "a.npy"}) {
    EXPECT_FALSE(has_extension(name, image_extensions())) << name;
    EXPECT_FALSE(has_extension(name, sound_extensions())) << name;
  }
}

}  // namespace
}  // namespace mcunet::datasets
