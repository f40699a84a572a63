#include "task.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "mcunet/core/error.hpp"
#include "mcunet/datasets/anchors.hpp"
#include "mcunet/supernet/detection_objective.hpp"
#include "trained_supernet.hpp"

namespace mcunet::pipeline {
namespace {

using datasets::Dataset;
using supernet::Objective;
using supernet::TrainerOptions;

// Of one kind.
template <typename Kind>
std::vector<Kind> all_of(std::span<const Answer> answers) {
  std::vector<Kind> result;
  for (const Answer& answer : answers) result.push_back(std::get<Kind>(answer));
  return result;
}

class ClassificationTask : public Task {
 public:
  const Metric& metric() const override { return kTopOne; }

  std::shared_ptr<const Objective> objective(const TrainerOptions& options,
                                             const Dataset& training) const override {
    return supernet::classification_objective(options, training);
  }

  using Task::answer;
  Answer answer(std::int64_t example, const Dataset& dataset,
                const Outputs& outputs) const override {
    return predict(example, dataset.label(example), outputs.values);
  }

  Assessment assess(std::span<const Answer> answers, const Dataset& dataset,
                    std::int64_t chosen) const override {
    return classify(all_of<Prediction>(answers), dataset, chosen);
  }
};

// Of those that count.
template <typename Visit>
void for_each_object(const Dataset& dataset, const Visit& visit) {
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    const datasets::Target target = dataset.target(i);
    for (const datasets::BoxedObject& object : std::get<datasets::Objects>(target)) {
      if (object.kind == datasets::ObjectKind::kPlain) visit(object);
    }
  }
}

class DetectionTask : public Task {
 public:
  DetectionTask(const DetectionOptions& options, const Dataset& training, std::uint64_t seed)
      : options_(options), classes_(training.classes()), anchors_(options.anchors) {
    if (anchors_.empty()) anchors_ = anchors_of(training, options.boxes_per_cell, seed);
    try {
      datasets::check_head(head(1, 1));
    } catch (const Error& error) {
      throw Error("detection: {}", error.what());  // before hours of training
    }
  }

  const Metric& metric() const override { return kMeanAveragePrecision; }

  std::shared_ptr<const Objective> objective(const TrainerOptions& options,
                                             const Dataset& training) const override {
    std::vector<std::int64_t> objects_of;
    if (options.class_weights == supernet::ClassWeights::kBalanced) {
      objects_of.resize(classes_.size());
      for_each_object(training, [&](const datasets::BoxedObject& object) {
        ++objects_of[static_cast<std::size_t>(object.label)];
      });
    }
    return supernet::detection_objective(anchors_, static_cast<int>(classes_.size()), options_.loss,
                                         objects_of);
  }

  Answer answer(std::int64_t example, const Dataset&, const Outputs& outputs) const override {
    return FoundObjects{example, datasets::decode(head(outputs.rows, outputs.columns),
                                                  options_.evaluation, outputs.values)};
  }

  Answer answer(std::int64_t example, const Dataset&, const Int8Outputs& outputs) const override {
    const datasets::DetectionTables tables = datasets::make_detection_tables(
        head(outputs.rows, outputs.columns), options_.evaluation, outputs.quantization.scale,
        outputs.quantization.zero_point);
    return FoundObjects{example, datasets::decode_int8(tables, outputs.values)};
  }

  Assessment assess(std::span<const Answer> answers, const Dataset& dataset,
                    std::int64_t chosen) const override {
    return assess_detections(all_of<FoundObjects>(answers), dataset, chosen, options_.limits.score);
  }

  std::optional<datasets::Postprocessing> postprocessing(int rows, int columns) const override {
    return datasets::Detector{head(rows, columns), classes_, options_.limits};
  }

 private:
  static std::vector<datasets::Anchor> anchors_of(const Dataset& training, int count,
                                                  std::uint64_t seed) {
    std::vector<datasets::Box> boxes;
    for_each_object(training,
                    [&](const datasets::BoxedObject& object) { boxes.push_back(object.box); });
    const std::vector<datasets::Anchor> anchors = datasets::choose_anchors(boxes, count, seed);
    if (std::ssize(anchors) == count) return anchors;
    throw Error("detection.boxes_per_cell: is {}, but the boxes of the training data have {} sizes",
                count, anchors.size());
  }

  datasets::DetectorHead head(int rows, int columns) const {
    return {rows, columns, anchors_, static_cast<int>(classes_.size())};
  }

  DetectionOptions options_;
  std::vector<std::string> classes_;
  std::vector<datasets::Anchor> anchors_;
};

class RegressionTask : public Task {
 public:
  explicit RegressionTask(const Dataset& training) {
    const auto count = static_cast<double>(training.size());
    double squares = 0;
    for (std::int64_t i = 0; i < training.size(); ++i) {
      const double value = std::get<float>(training.target(i));
      mean_ += value / count;
      squares += value * value / count;
    }
    deviation_ = std::sqrt(squares - mean_ * mean_);
    if (!(deviation_ > 1e-6 * std::abs(mean_))) {
      throw Error("dataset: all values of the training data are alike");
    }
  }

  const Metric& metric() const override { return kDetermination; }

  std::shared_ptr<const Objective> objective(const TrainerOptions&, const Dataset&) const override {
    return supernet::regression_objective(mean_, deviation_);
  }

  using Task::answer;
  Answer answer(std::int64_t example, const Dataset&, const Outputs& outputs) const override {
    return EstimatedValue{example, mean_ + deviation_ * outputs.values[0]};
  }

  Assessment assess(std::span<const Answer> answers, const Dataset& dataset,
                    std::int64_t chosen) const override {
    return assess_values(all_of<EstimatedValue>(answers), dataset, chosen);
  }

  nlohmann::ordered_json unit() const override {
    return {{"mean", mean_}, {"deviation", deviation_}};
  }

 private:
  double mean_ = 0;  // of the training data
  double deviation_ = 0;
};

}  // namespace

nlohmann::ordered_json to_json(const Answer& answer, std::span<const std::string> classes) {
  if (const auto* found = std::get_if<FoundObjects>(&answer)) {
    return {{"detections", to_json(found->detections, classes)}};
  }
  if (const auto* estimate = std::get_if<EstimatedValue>(&answer)) {
    return {{"estimated", estimate->value}};
  }
  const auto& prediction = std::get<Prediction>(answer);
  return {{"label", prediction.label}, {"predicted", prediction.predicted}};
}

Answer Task::answer(std::int64_t example, const Dataset& dataset,
                    const Int8Outputs& outputs) const {
  std::vector<float> real;
  for (const std::int8_t value : outputs.values) {
    real.push_back(
        static_cast<float>(outputs.quantization.scale * (value - outputs.quantization.zero_point)));
  }
  return answer(example, dataset, Outputs{real, outputs.rows, outputs.columns});
}

std::optional<datasets::Postprocessing> Task::postprocessing(int, int) const {
  return std::nullopt;
}

nlohmann::ordered_json Task::unit() const { return nullptr; }

const Task& classification_task() {
  static const ClassificationTask task;
  return task;
}

std::shared_ptr<const Task> task_of(const Experiment& experiment) {
  using datasets::TargetKind;
  const datasets::DatasetOptions& options = dataset_of(experiment);
  if (options.targets == TargetKind::kClasses) return std::make_shared<ClassificationTask>();
  const auto training = datasets::open_dataset(options, datasets::Split::kTrain,
                                               largest_resolution(experiment.space), false);
  if (options.targets == TargetKind::kValues) return std::make_shared<RegressionTask>(*training);
  return std::make_shared<DetectionTask>(experiment.detection, *training, experiment.seed);
}

}  // namespace mcunet::pipeline
