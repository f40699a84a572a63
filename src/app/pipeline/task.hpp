#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <variant>

#include "assessment.hpp"
#include "experiment.hpp"
#include "mcunet/datasets/dataset.hpp"
#include "mcunet/datasets/postprocessing.hpp"
#include "mcunet/engine/graph/graph.hpp"
#include "mcunet/supernet/objective.hpp"

// What a network is trained for. Training, search, quantization, export and report know of it through
// this interface and Assessment alone.
namespace mcunet::pipeline {

// A network's outputs for one example: [rows, columns, channels].
struct Outputs {
  std::span<const float> values;
  int rows = 1;
  int columns = 1;
};

// The same of a quantized network.
struct Int8Outputs {
  std::span<const std::int8_t> values;
  int rows = 1;
  int columns = 1;
  engine::Quantization quantization;
};

// What the outputs say of an example.
using Answer = std::variant<Prediction, FoundObjects, EstimatedValue>;

// For classification {label, predicted}, both by number; {detections}, see detection.hpp;
// {estimated}.
nlohmann::ordered_json to_json(const Answer& answer, std::span<const std::string> classes);

class Task {
 public:
  virtual ~Task() = default;

  virtual const Metric& metric() const = 0;

  // What a training with these options makes small.
  virtual std::shared_ptr<const supernet::Objective> objective(
      const supernet::TrainerOptions& options, const datasets::Dataset& training) const = 0;

  virtual Answer answer(std::int64_t example, const datasets::Dataset& dataset,
                        const Outputs& outputs) const = 0;
  // As firmware answers.
  virtual Answer answer(std::int64_t example, const datasets::Dataset& dataset,
                        const Int8Outputs& outputs) const;

  // `chosen` examples of the dataset were to be answered for.
  virtual Assessment assess(std::span<const Answer> answers, const datasets::Dataset& dataset,
                            std::int64_t chosen) const = 0;

  // How outputs of so many rows and columns become answers, which an export carries; nothing where
  // there is one for each class.
  virtual std::optional<datasets::Postprocessing> postprocessing(int rows, int columns) const;

  // What an output stands for in the data's own unit: {mean, deviation} of mean + deviation * output;
  // null where it is no value.
  virtual nlohmann::ordered_json unit() const;
};

const Task& classification_task();

// Looks at the training data's targets for what a detector or a regression begins with. Throws Error
// as open_dataset does.
std::shared_ptr<const Task> task_of(const Experiment& experiment);

}  // namespace mcunet::pipeline
