#pragma once

#include <ATen/core/Tensor.h>

#include "core/temporary_folder.hpp"
#include "mcunet/core/config.hpp"
#include "mcunet/supernet/trainer.hpp"

// A training that takes a fraction of a second.
namespace mcunet::supernet {

inline constexpr int kTinyResolution = 16;

// Two elastic stages at 16x16.
inline search::space::SearchSpace tiny_space() {
  search::space::SearchSpace space;
  space.name = "tiny";
  space.resolutions = {kTinyResolution};
  space.stem_channels = 8;
  space.first_block_channels = 8;
  space.classes = 3;
  space.stages = {
      {.channels = 8, .stride = 2, .depths = {1, 2}, .kernels = {3, 5}, .expand_ratios = {2, 3}},
      {.channels = 16, .stride = 2, .depths = {1, 2}, .kernels = {3, 5}, .expand_ratios = {2, 3}}};
  return space;
}

// Noise around the colour of the class, drawn anew in every epoch.
class TinyDataset : public datasets::Dataset {
 public:
  explicit TinyDataset(std::int64_t size = 48) : size_(size) {}

  std::int64_t size() const override { return size_; }
  const std::vector<std::string>& classes() const override { return classes_; }
  datasets::InputShape input_shape() const override {
    return {kTinyResolution, kTinyResolution, 3};
  }
  std::int32_t label(std::int64_t index) const override {
    return static_cast<std::int32_t>(index % 3);
  }
  std::string name(std::int64_t index) const override { return fmt::format("tiny {}", index); }
  std::optional<datasets::Target> load(std::int64_t index, RandomStream& random,
                                       std::span<float> output) const override {
    for (std::size_t i = 0; i < output.size(); ++i) {
      const bool is_bright = static_cast<std::int32_t>(i % 3) == label(index);
      output[i] = static_cast<float>(random.uniform() - 0.5) + (is_bright ? 0.5F : 0.0F);
    }
    return target(index);
  }

 private:
  std::int64_t size_;
  std::vector<std::string> classes_ = {"red", "green", "blue"};
};

// Two epochs of the largest, two elastic ones; six steps each.
inline TrainerOptions tiny_options() {
  TrainerOptions options;
  options.largest_epochs = 2;
  options.elastic_epochs = 2;
  options.subnets_per_batch = 2;
  options.batch_size = 8;
  options.learning_rate = options.elastic_learning_rate = 1;
  options.log_interval_steps = 4;
  options.data_workers = 1;
  return options;
}

inline TrainerContext tiny_context(const std::filesystem::path& folder, TrainerOptions options) {
  TrainerContext context;
  context.folder = folder;
  context.identity = write_fields(fields_of(options));
  context.seed = 5;
  return context;
}

// The names of tensors that are not bit by bit the same.
inline std::vector<std::string> differing(const TensorDictionary& a, const TensorDictionary& b) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : a) {
    const auto found = b.find(name);
    if (found == b.end() || !tensor.equal(found->second)) names.push_back(name);
  }
  if (a.size() != b.size()) names.push_back("(number of tensors)");
  return names;
}

}  // namespace mcunet::supernet
