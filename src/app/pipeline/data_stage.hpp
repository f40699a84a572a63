#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mcunet/datasets/dataset_files.hpp"
#include "mcunet/datasets/detector.hpp"

// Looking at a dataset before training on it.
namespace mcunet::pipeline {

// Of the images of a split.
struct ObjectsSummary {
  std::int64_t objects = 0;
  std::int64_t not_counted = 0;      // of these difficult, or crowds
  std::int64_t without_objects = 0;  // images
  std::int64_t most = 0;             // objects of an image
  datasets::Anchor median;           // of the boxes' widths and of their heights; 0 without any

  double per_image(std::int64_t images) const {
    return images == 0 ? 0 : static_cast<double>(objects) / static_cast<double>(images);
  }
};

struct SplitSummary {
  std::string name;  // train, search or test
  std::int64_t examples = 0;
  std::vector<std::int64_t> of_class;     // examples; objects, where these are the targets
  std::optional<ObjectsSummary> objects;  // where they are
  std::vector<std::string> unreadable;    // after check_dataset
};

struct DatasetSummary {
  std::vector<std::string> classes;
  datasets::InputShape input;
  std::vector<SplitSummary> splits;
  std::vector<datasets::Finding> findings;
  // Of the first examples of kTrain, without augmentation, per channel; after measure_inputs.
  std::vector<double> mean;
  std::vector<double> deviation;

  std::int64_t examples() const;
  std::int64_t unreadable() const;
};

// Counts, from the lists of files.
DatasetSummary summarize_dataset(const datasets::DatasetOptions& options, int resolution);

// Counts, and decodes every example in `threads` threads.
DatasetSummary check_dataset(const datasets::DatasetOptions& options, int resolution, int threads);

// Adds the mean and the standard deviation over up to `examples` readable examples, evenly spread.
void measure_inputs(const datasets::DatasetOptions& options, std::int64_t examples,
                    DatasetSummary& summary);

}  // namespace mcunet::pipeline
