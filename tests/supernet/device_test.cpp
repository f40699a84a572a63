#include "mcunet/supernet/device.hpp"

#include <ATen/Context.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error_text.hpp"

namespace mcunet::supernet {
namespace {

TEST(SelectDevice, TakesWhatIsThere) {
  EXPECT_EQ(select_device("cpu"), c10::Device(c10::kCPU));
  EXPECT_EQ(select_device("auto").is_cuda(), at::globalContext().hasCUDA());
}

TEST(SelectDevice, RefusesWhatIsNot) {
  EXPECT_THAT(error_of([] { select_device("cuda:99"); }),
              testing::StartsWith("device: cuda:99 is not there: libtorch finds "));
  for (const char* name : {"", "gpu", "cuda:", "cuda:x", "cuda:-1", "CPU"}) {
    EXPECT_EQ(error_of([&] { select_device(name); }),
              fmt::format("device: must be cpu, cuda, cuda:INDEX or auto, is {}", name));
  }
}

}  // namespace
}  // namespace mcunet::supernet
