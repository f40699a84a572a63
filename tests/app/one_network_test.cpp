#include "pipeline/one_network.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error_text.hpp"
#include "core/temporary_folder.hpp"
#include "mcunet/search/space/network_space.hpp"
#include "mcunet/search/space/subnet.hpp"
#include "mcunet/search/space/subnet_json.hpp"

namespace mcunet::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class OneNetwork : public testing::Test {
 protected:
  OneNetwork() { folder_.write("net.json", network_to_json(network_)); }

  Experiment load(const std::string& more = "") const {
    folder_.write("job.yaml", "device: stm32f746\nspace: " + (folder_ / "net.json").string() +
                                  "\ndataset: {kind: synthetic-images}\n" + more);
    return load_experiment((folder_ / "job.yaml").string(), {});
  }

  static search::space::Network make_network() {
    search::space::SearchSpace space;
    space.resolutions = {96};
    space.stages = {{.channels = 24, .stride = 2, .depths = {2}, .kernels = {5}}};
    space.batch_norm_epsilon = 1e-3;
    return build_network(space, largest(space));
  }

  ScopedVariable configs_{"MCUNET_CONFIGS", MCUNET_SOURCE_DIR "/configs"};
  TemporaryFolder folder_;
  search::space::Network network_ = make_network();
};

TEST_F(OneNetwork, DecidesWhatOthersSearchFor) {
  const Experiment experiment = load();
  EXPECT_EQ(experiment.train.width, 1);
  EXPECT_EQ(experiment.train.resolution, 96);
  EXPECT_EQ(experiment.train.trainer.elastic_epochs, 0);
  EXPECT_EQ(experiment.train.trainer.largest_epochs, 150);
  EXPECT_EQ(experiment.train.correlation_samples, 0);
  EXPECT_EQ(experiment.train.calibration_batches, 20);
  EXPECT_THAT(experiment.space_optimization.widths, ElementsAre(1));
  EXPECT_THAT(experiment.space_optimization.resolutions, ElementsAre(96));
  EXPECT_EQ(experiment.space.classes, 4) << "the dataset's";
  EXPECT_EQ(experiment.space.batch_norm_epsilon, 1e-3);
  const auto subnet = search::space::subnet_from_json(
      experiment.space, experiment.finetune.subnet.value(), "finetune.subnet");
  EXPECT_EQ(subnet, largest(experiment.space));
}

TEST_F(OneNetwork, LeavesWhatIsStated) {
  const Experiment experiment = load(
      "train: {resolution: 64, largest_epochs: 0, elastic_epochs: 2, correlation_samples: 3}\n"
      "space_optimization: {widths: [0.5]}\n"
      "finetune: {subnet: winner, epochs: 0}\n");
  EXPECT_EQ(experiment.train.resolution, 64);
  EXPECT_EQ(experiment.train.trainer.elastic_epochs, 2);
  EXPECT_EQ(experiment.train.correlation_samples, 3);
  EXPECT_THAT(experiment.space_optimization.widths, ElementsAre(0.5));
  EXPECT_THAT(experiment.space_optimization.resolutions, ElementsAre(64));
  EXPECT_EQ(experiment.finetune.subnet, std::nullopt);
}

TEST_F(OneNetwork, KeepsItsStatisticsWhereNothingIsTrained) {
  EXPECT_EQ(load("train: {largest_epochs: 0}\nfinetune: {epochs: 0}\n").train.calibration_batches,
            0);
  EXPECT_EQ(load("train: {largest_epochs: 0, calibration_batches: 3}\nfinetune: {epochs: 0}\n")
                .train.calibration_batches,
            3);
  EXPECT_EQ(load("train: {largest_epochs: 0}\n").train.calibration_batches, 20);
}

TEST_F(OneNetwork, IsReadBackFromARun) {
  Experiment experiment = load();
  const std::string text = to_json_text(write_fields(fields_of(experiment)));
  Experiment copy = load_experiment(parse_config(text, "manifest.json"), {});
  EXPECT_EQ(to_json_text(write_fields(fields_of(copy))), text);
}

TEST_F(OneNetwork, NamesTheFileOfAnError) {
  network_.stem_stride = 1;
  folder_.write("net.json", network_to_json(network_));
  EXPECT_THAT(error_of([&] { load(); }),
              HasSubstr("net.json:1: is no network of a search space: first_conv must be 3x3"));
}

}  // namespace
}  // namespace mcunet::pipeline
