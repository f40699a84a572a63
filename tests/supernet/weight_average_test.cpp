#include "weight_average.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include "supernet/tiny_training.hpp"

namespace mcunet::supernet {
namespace {

at::Tensor parameter_of(Supernet& supernet, const std::string& name) {
  return supernet->named_parameters()[name].detach();
}

TEST(WeightAverage, FollowsByTheDecayThatGrows) {
  Supernet supernet(tiny_space());
  const std::string name = supernet->named_parameters().front().key();
  WeightAverage average(supernet, {}, 0.15);
  const at::Tensor start = parameter_of(supernet, name).clone();
  EXPECT_TRUE(parameter_of(average.weights(), name).equal(start));
  parameter_of(supernet, name).add_(1);
  average.update(supernet, 0);  // 1 / 10
  EXPECT_TRUE(at::allclose(parameter_of(average.weights(), name), start + 0.9));
  average.update(supernet, 1);  // 0.15 before 2 / 11
  EXPECT_TRUE(at::allclose(parameter_of(average.weights(), name), start + 0.985));
}

TEST(WeightAverage, TakesTheBuffersAsTheyAre) {
  Supernet supernet(tiny_space());
  WeightAverage average(supernet, {}, 0.9);
  for (at::Tensor buffer : supernet->buffers()) buffer.add_(2);
  average.update(supernet, 0);
  const auto buffers = average.weights()->named_buffers();
  for (const auto& entry : supernet->named_buffers()) {
    EXPECT_TRUE(buffers[entry.key()].equal(entry.value())) << entry.key();
  }
}

TEST(WeightAverage, IsReorderedWithTheChannels) {
  Supernet supernet(tiny_space());
  WeightAverage average(supernet, {}, 0.9);
  average.reorder(supernet->sort_channels());
  const auto parameters = average.weights()->named_parameters();
  for (const auto& entry : supernet->named_parameters()) {
    EXPECT_TRUE(parameters[entry.key()].equal(entry.value())) << entry.key();
  }
}

}  // namespace
}  // namespace mcunet::supernet
