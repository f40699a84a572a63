#include "mcunet/supernet/published_weights.hpp"

#include <ATen/Functions.h>

#include "end_to_end/small_job.hpp"
#include "mcunet/core/random.hpp"
#include "mcunet/search/space/subnet.hpp"
#include "mcunet/supernet/fixed_network.hpp"
#include "mcunet/supernet/module_weights.hpp"
#include "supernet/published_names.hpp"

// Jobs that begin with a network JSON and a state dictionary, as the authors of MCUNet publish them.
namespace mcunet {
namespace {

using supernet::TensorDictionary;
using testing::HasSubstr;

constexpr int kOutputs = 4;  // as many as the synthetic images have classes

class PublishedWeightsJob : public SmallJobTest {
 protected:
  PublishedWeightsJob() {
    write("net.json", published_json());
    write("published.yaml",
          "device: stm32f746\n"
          "space: net.json\n"
          "dataset: {kind: synthetic-images, synthetic: {examples: 64, held_out_examples: 40}}\n"
          "train: {largest_epochs: 0, initial_weights: net.pth, batch_size: 16, threads: 1,\n"
          "  data_workers: 1}\n"
          "finetune: {epochs: 0}\n"
          "quantization: {calibration_images: 32, selection_images: 32}\n"
          "export: {emulated_examples: 1}\n");
    write_published(own_);
  }

  static search::space::Network make_network() {
    search::space::SearchSpace space;
    space.name = "published";
    space.resolutions = {32};
    space.stem_channels = 8;
    space.first_block_channels = 8;
    space.stages = {
        {.channels = 12, .stride = 2, .depths = {2}, .kernels = {5}, .expand_ratios = {3}},
        {.channels = 20, .stride = 2, .depths = {1}, .kernels = {3}, .expand_ratios = {4.5}}};
    space.classes = kOutputs;
    space.channel_divisor = 1;
    space.batch_norm_epsilon = 1e-3;
    return build_network(space, largest(space));
  }

  // With a bare shortcut in front of each block, which has a number in the state dictionary, and no more.
  std::string published_json() const {
    auto json = nlohmann::ordered_json::parse(network_to_json(network_));
    auto blocks = nlohmann::ordered_json::array();
    for (const auto& block : json.at("blocks")) {
      blocks.push_back({{"mobile_inverted_conv", nullptr}, {"shortcut", "IdentityLayer"}});
      blocks.push_back(block);
    }
    json["blocks"] = blocks;
    return json.dump();
  }

  // Of random weights and statistics.
  TensorDictionary make_weights() const {
    supernet::FixedNetwork network(network_, supernet::WeightInit{.seed = 3});
    TensorDictionary weights = supernet::weights_of(*network);
    RandomStream random(4);
    for (auto& [name, tensor] : weights) {
      if (tensor.dim() != 1) continue;
      for (std::int64_t i = 0; i < tensor.numel(); ++i) tensor[i] = 0.5 + random.uniform();
    }
    return weights;
  }

  void write_published(const TensorDictionary& own) const {
    supernet::write_tensor_file(folder_ / "work/net.pth",
                                supernet::by_published_names(own, /*shortcuts_before=*/1));
  }

  search::space::Network network_ = make_network();
  TensorDictionary own_ = make_weights();
};

TEST_F(PublishedWeightsJob, BecomeFirmwareAsTheyAre) {
  const Outcome outcome = run({"-q", "run", "published.yaml", "--out", "out", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const TensorDictionary kept = supernet::read_tensor_file(folder_ / "work/out/network.pt");
  ASSERT_EQ(kept.size(), own_.size());
  for (const auto& [name, tensor] : own_) EXPECT_TRUE(kept.at(name).equal(tensor)) << name;
  EXPECT_EQ(read("out/network.json"), network_to_json(network_));
  EXPECT_EQ(parse_output(outcome).at("export").at("exact"), true);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "work/out/search.json"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "work/out/space.json"));

  const Outcome again = run({"-q", "run", "published.yaml", "--out", "out", "--resume"});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  const Outcome other = run({"-q", "run", "out", "--device", "stm32h743"});
  EXPECT_EQ(other.exit_code, 0) << other.err;
  EXPECT_EQ(read("out-stm32h743/network.pt"), read("out/network.pt"));
}

TEST_F(PublishedWeightsJob, LearnOtherClassesWithANewClassifier) {
  const Outcome outcome = run({"train", "published.yaml", "--out", "out", "--set",
                               "dataset.synthetic.classes=3", "--set", "train.largest_epochs=1"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.err,
              HasSubstr("Begins with the weights of net.pth; the head, which has other "
                        "outputs there, begins anew"));
  const TensorDictionary learnt = supernet::read_tensor_file(folder_ / "work/out/supernet.pt");
  EXPECT_EQ(learnt.at("classifier.weight").size(0), 3);
  EXPECT_FALSE(learnt.at("stem.weight").equal(own_.at("stem.weight")));
  EXPECT_TRUE(learnt.at("stem.weight").allclose(own_.at("stem.weight"), 0, 0.1));
}

TEST_F(PublishedWeightsJob, OfAnotherNetworkAreRefused) {
  own_["blocks.1.expand.bn_bias"] = at::zeros({25});
  write_published(own_);
  EXPECT_EQ(failure({"-q", "train", "published.yaml", "--out", "out"}),
            "train.initial_weights: net.pth: "
            "blocks.3.mobile_inverted_conv.inverted_bottleneck.bn.bias: has the shape [25], "
            "expected [24]");
}

}  // namespace
}  // namespace mcunet
