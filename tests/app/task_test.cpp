#include "pipeline/task.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "core/error_text.hpp"

namespace mcunet::pipeline {
namespace {

using datasets::TargetKind;
using testing::HasSubstr;

Experiment experiment_with(TargetKind targets) {
  Experiment experiment;
  experiment.space.resolutions = {32};
  datasets::DatasetOptions& dataset = experiment.dataset.emplace();
  dataset.targets = targets;
  dataset.synthetic = {.examples = 200, .held_out_examples = 20, .classes = 3};
  return experiment;
}

std::unique_ptr<datasets::Dataset> open(const Experiment& experiment) {
  return datasets::open_dataset(*experiment.dataset, datasets::Split::kTest, 32, false);
}

TEST(Task, FollowsTheTargets) {
  for (const auto& [targets, name, measure] :
       {std::tuple(TargetKind::kClasses, "top1", "top1"),
        {TargetKind::kBoxes, "map50", "mean_overlap"},
        {TargetKind::kValues, "r2", "mean_absolute_error"}}) {
    const Experiment experiment = experiment_with(targets);
    const std::shared_ptr<const Task> task = task_of(experiment);
    EXPECT_EQ(task->metric().name, std::string(name));
    const auto data = open(experiment);
    EXPECT_EQ(task->objective({}, *data)->measure_name(), measure);
    EXPECT_EQ(task->postprocessing(4, 4).has_value(), targets == TargetKind::kBoxes);
  }
}

// The outputs that a network would have that knows the answer.
TEST(Task, OfValuesAnswersInTheDataOwnUnit) {
  const Experiment experiment = experiment_with(TargetKind::kValues);
  const std::shared_ptr<const Task> task = task_of(experiment);
  const auto data = open(experiment);
  const float zero[] = {0};
  const float one[] = {1};
  const auto value = [&](std::span<const float> outputs) {
    return std::get<EstimatedValue>(task->answer(3, *data, Outputs{outputs})).value;
  };
  // Of values between 3 and 6, evenly: mean and deviation.
  EXPECT_NEAR(value(zero), 4.5, 0.2);
  EXPECT_NEAR(value(one) - value(zero), 3 / std::sqrt(12), 0.1);
  const std::int8_t quantized[] = {100};
  const Int8Outputs int8{quantized, 1, 1, {.scale = 0.02F, .zero_point = 50}};
  EXPECT_NEAR(std::get<EstimatedValue>(task->answer(3, *data, int8)).value, value(one), 1e-6);
}

TEST(Task, OfBoxesAnswersTheSameInFloatAndInInt8) {
  const Experiment experiment = experiment_with(TargetKind::kBoxes);
  const std::shared_ptr<const Task> task = task_of(experiment);
  const auto data = open(experiment);
  constexpr int kSide = 4;
  const auto head = std::get<datasets::Detector>(*task->postprocessing(kSide, kSide)).head;
  RandomStream random(5);
  std::vector<std::int8_t> bytes(static_cast<std::size_t>(head.outputs()));
  for (std::int8_t& byte : bytes) byte = static_cast<std::int8_t>(random.index(256));
  const engine::Quantization quantization{.scale = 0.02F, .zero_point = 10};
  std::vector<float> floats;
  for (const std::int8_t byte : bytes) floats.push_back(0.02F * static_cast<float>(byte - 10));
  const auto in_float =
      std::get<FoundObjects>(task->answer(0, *data, Outputs{floats, kSide, kSide}));
  const auto in_int8 = std::get<FoundObjects>(
      task->answer(0, *data, Int8Outputs{bytes, kSide, kSide, quantization}));
  ASSERT_FALSE(in_float.detections.empty());
  const std::size_t shown = std::min<std::size_t>(5, in_int8.detections.size());
  for (std::size_t i = 0; i < shown; ++i) {
    EXPECT_NEAR(in_int8.detections[i].score, in_float.detections[i].score, 1e-3);
    EXPECT_GT(intersection_over_union(in_int8.detections[i].box, in_float.detections[i].box), 0.98);
  }
}

TEST(Task, OfBoxesNeedsAsManySizesAsAnchors) {
  Experiment experiment = experiment_with(TargetKind::kBoxes);
  experiment.dataset->synthetic.examples = 1;
  experiment.detection.boxes_per_cell = 20;
  EXPECT_THAT(error_of([&] { task_of(experiment); }), HasSubstr("detection.boxes_per_cell: is 20"));
  experiment.detection.anchors = {{0.5, 0.5}};
  EXPECT_NO_THROW(task_of(experiment));
}

}  // namespace
}  // namespace mcunet::pipeline
