#include "mcunet/supernet/tensor_file.hpp"

#include <ATen/Functions.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"
#include "mcunet/core/files.hpp"
#include "supernet/tiny_training.hpp"

namespace mcunet::supernet {
namespace {

using testing::IsEmpty;
using testing::StartsWith;

TensorDictionary make_tensors() {
  return {
      {"weight", at::arange(24, at::kFloat).reshape({2, 3, 2, 2})},
      {"channels.last",
       at::arange(24, at::kFloat).reshape({2, 3, 2, 2}).contiguous(at::MemoryFormat::ChannelsLast)},
      {"half", at::arange(3).to(at::kBFloat16)},
      {"count", at::tensor({7}, at::kLong)},
      {"scalar", at::scalar_tensor(2.5)},
      {"empty", at::zeros({0, 3})}};
}

TEST(TensorFile, GoesAround) {
  const TensorDictionary tensors = make_tensors();
  const TensorDictionary read = from_archive(to_archive(tensors), "memory");
  EXPECT_THAT(differing(tensors, read), IsEmpty());
  EXPECT_EQ(read.at("half").scalar_type(), at::kBFloat16);
  EXPECT_EQ(read.at("channels.last").strides(), tensors.at("channels.last").strides());
}

TEST(TensorFile, SlicesDoNotDragTheirStorageAlong) {
  const at::Tensor large = at::ones({100'000});
  const std::string bytes = to_archive({{"slice", large.slice(0, 5, 15)}});
  EXPECT_LT(bytes.size(), 5000u);
  EXPECT_TRUE(from_archive(bytes, "memory").at("slice").equal(at::ones({10})));
}

TEST(TensorFile, GradientsAreLeftBehind) {
  const at::Tensor parameter = at::ones({3}).set_requires_grad(true);
  EXPECT_FALSE(from_archive(to_archive({{"p", parameter}}), "memory").at("p").requires_grad());
}

TEST(TensorFile, RefusesWhatIsNoTensorFile) {
  const std::string good = to_archive(make_tensors());
  for (const std::string& bytes :
       {std::string(), std::string("hello"), good.substr(0, good.size() / 2), good.substr(100)}) {
    EXPECT_THAT(error_of([&] { from_archive(bytes, "x.pt"); }),
                StartsWith("x.pt: is no tensor file: "));
  }
  EXPECT_EQ(error_of([] { read_tensor_file("/nowhere/x.pt"); }),
            "/nowhere/x.pt: cannot be read: No such file or directory");
}

class TensorFileInPython : public testing::Test {
 protected:
  // $MCUNET_PYTHON, else python3.
  static std::string python() {
    const char* chosen = std::getenv("MCUNET_PYTHON");
    return chosen != nullptr ? chosen : "python3";
  }
  void SetUp() override {
    if (std::system((python() + " -c 'import torch' 2>/dev/null").c_str()) != 0) {
      GTEST_SKIP() << python() << " has no torch: set MCUNET_PYTHON to one that has";
    }
  }
  int run(const std::string& script) const {
    const auto file = folder_.write("script.py", script);
    return std::system(
        fmt::format("cd {} && {} script.py", folder_.path().string(), python()).c_str());
  }

  TemporaryFolder folder_;
};

TEST_F(TensorFileInPython, ReadsOurs) {
  write_tensor_file(folder_ / "ours.pt", make_tensors());
  EXPECT_EQ(
      run("import torch\n"
          "t = torch.load('ours.pt', weights_only=True)\n"
          "assert type(t) is dict and sorted(t) == ['channels.last', 'count', 'empty', 'half',"
          " 'scalar', 'weight'], t\n"
          "x = torch.arange(24.).reshape(2, 3, 2, 2)\n"
          "assert torch.equal(t['weight'], x) and torch.equal(t['channels.last'], x)\n"
          "assert t['channels.last'].is_contiguous(memory_format=torch.channels_last)\n"
          "assert t['half'].dtype == torch.bfloat16 and t['half'].tolist() == [0, 1, 2]\n"
          "assert t['count'].dtype == torch.int64 and t['count'].tolist() == [7]\n"
          "assert t['scalar'].item() == 2.5 and t['empty'].shape == (0, 3)\n"),
      0);
}

TEST_F(TensorFileInPython, WritesWhatWeRead) {
  ASSERT_EQ(run("import torch\n"
                "m = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))\n"
                "for p in m.parameters(): torch.nn.init.constant_(p, 0.5)\n"
                "torch.save(m.state_dict(), 'theirs.pt')\n"
                "s = torch.optim.SGD(m.parameters(), lr=0.1, momentum=0.9)\n"
                "m(torch.ones(2, 3, 4, 4)).sum().backward()\n"
                "s.step()\n"
                "c = {'epoch': 3, 'best_acc': 61.5, 'optimizer': s.state_dict(),"
                " 'state_dict': m.state_dict()}\n"
                "torch.save(c, 'checkpoint.pt')\n"
                "torch.save(c, 'stream.pt', _use_new_zipfile_serialization=False)\n"
                "torch.save([1, 2], 'list.pt')\n"),
            0);
  const TensorDictionary theirs = read_tensor_file(folder_ / "theirs.pt");
  EXPECT_TRUE(theirs.at("0.weight").equal(at::full({4, 3, 3, 3}, 0.5)));
  EXPECT_EQ(theirs.at("1.num_batches_tracked").item<std::int64_t>(), 0);
  EXPECT_EQ(theirs.size(), 7u);
  const TensorDictionary checkpoint = read_tensor_file(folder_ / "checkpoint.pt");
  EXPECT_EQ(checkpoint.at("1.num_batches_tracked").item<std::int64_t>(), 1);
  EXPECT_EQ(checkpoint.size(), 7u);
  EXPECT_THAT(differing(read_tensor_file(folder_ / "stream.pt"), checkpoint), IsEmpty());
  EXPECT_THAT(error_of([&] { read_tensor_file(folder_ / "list.pt"); }),
              testing::HasSubstr("expected a dictionary of tensors"));
}

}  // namespace
}  // namespace mcunet::supernet
