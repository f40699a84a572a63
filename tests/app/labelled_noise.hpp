#pragma once

#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

#include <string>
#include <vector>

#include "mcunet/core/random.hpp"
#include "mcunet/datasets/dataset.hpp"
#include "pipeline/float_graph.hpp"

namespace mcunet::pipeline {

// Random images, labelled by what a network makes of them; some cannot be read.
class LabelledNoise : public datasets::Dataset {
 public:
  LabelledNoise(const FloatGraph& network, std::int64_t size, std::uint64_t seed,
                std::int64_t unreadable_every = 0)
      : seed_(seed), unreadable_every_(unreadable_every) {
    const FloatExecutor executor(network);
    std::vector<float> values(static_cast<std::size_t>(input_shape().elements()));
    for (std::int64_t i = 0; i < size; ++i) {
      labels_.push_back(0);
      RandomStream random(0);
      fill(i, values);
      const at::Tensor nhwc = at::from_blob(values.data(), {1, 32, 32, 3}, at::kFloat);
      labels_.back() =
          static_cast<std::int32_t>(executor.run(nhwc.permute({0, 3, 1, 2})).argmax().item<long>());
    }
  }

  std::int64_t size() const override { return static_cast<std::int64_t>(labels_.size()); }
  const std::vector<std::string>& classes() const override { return classes_; }
  datasets::InputShape input_shape() const override { return {32, 32, 3}; }
  std::int32_t label(std::int64_t index) const override { return labels_[index]; }
  std::string name(std::int64_t index) const override { return fmt::format("noise {}", index); }
  double max_unreadable_share() const override { return max_unreadable; }
  std::optional<datasets::Target> load(std::int64_t index, RandomStream&,
                                       std::span<float> output) const override {
    if (unreadable_every_ != 0 && index % unreadable_every_ == 0) return std::nullopt;
    fill(index, output);
    return target(index);
  }

  double max_unreadable = 1;

 private:
  // Smooth, so that images differ after pooling.
  void fill(std::int64_t index, std::span<float> output) const {
    RandomStream random(seed_, {static_cast<std::uint64_t>(index)});
    const double tint[3] = {random.uniform(), random.uniform(), random.uniform()};
    for (std::size_t i = 0; i < output.size(); ++i) {
      const double noise = random.uniform() * 0.6;
      output[i] = static_cast<float>((tint[i % 3] * 1.4 + noise) - 1);
    }
  }

  std::uint64_t seed_;
  std::int64_t unreadable_every_;
  std::vector<std::int32_t> labels_;
  std::vector<std::string> classes_ = {"a", "b", "c", "d", "e"};
};

}  // namespace mcunet::pipeline
