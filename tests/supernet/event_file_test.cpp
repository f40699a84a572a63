#include "event_file.hpp"

#include <gtest/gtest.h>

#include <charconv>

namespace mcunet::supernet {
namespace {

std::string to_hex(const std::string& bytes) {
  std::string hex;
  for (const char c : bytes) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return hex;
}

// The bytes that the classes of the tensorboard package serialize to.
TEST(EventFile, StartsAsTensorBoardExpects) {
  EXPECT_EQ(to_hex(event_file_start(1234.5)),
            "1800000000000000a37f4b220900000000004a93401a0d627261696e2e4576656e743a3265b8d3fb");
}

TEST(EventFile, ScalarsAsTensorBoardReadsThem) {
  const std::vector<Scalar> scalars = {{"train/loss", 1.75}, {"train/top1", 0.5}};
  EXPECT_EQ(to_hex(scalars_event(1235.25, 300, scalars)),
            "34000000000000005e33175c"
            "0900000000004d934010ac022a260a110a0a747261696e2f6c6f7373150000e03f"
            "0a110a0a747261696e2f746f7031150000003f"
            "61f6eacc");
}

}  // namespace
}  // namespace mcunet::supernet
