#include "quantization.hpp"

#include <ATen/ops/from_blob.h>
#include <spdlog/spdlog.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "float_graph.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/progress.hpp"
#include "mcunet/core/random.hpp"
#include "mcunet/engine/arithmetic/quantized_arithmetic.hpp"
#include "mcunet/engine/graph/weights.hpp"
#include "mcunet/engine/reference/reference_executor.hpp"
#include "mcunet/supernet/tensors.hpp"

namespace mcunet::pipeline {
namespace {

using datasets::Dataset;
using engine::RangeMethod;

constexpr std::size_t kBatch = 32;
enum RandomPath : std::uint64_t { kOrder, kExample };

std::vector<std::int64_t> shuffled(std::int64_t size, std::uint64_t seed) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(size));
  std::iota(order.begin(), order.end(), 0);
  RandomStream(seed, {kOrder}).shuffle(order);
  return order;
}

bool load(const Dataset& dataset, std::int64_t index, std::uint64_t seed, std::span<float> values) {
  RandomStream random(seed, {kExample, static_cast<std::uint64_t>(index)});
  return dataset.load(index, random, values).has_value();
}

// Examples of a dataset in a seeded order, those that can be read, as batches for libtorch.
class Batches {
 public:
  Batches(const Dataset& dataset, std::vector<std::int64_t> order, std::uint64_t seed)
      : dataset_(dataset), order_(std::move(order)), seed_(seed), shape_(dataset.input_shape()) {}

  // Nothing at the end, where it throws Error if too many cannot be read.
  std::optional<at::Tensor> next() {
    values_.clear();
    examples_.clear();
    std::vector<float> example(static_cast<std::size_t>(shape_.elements()));
    for (; position_ < order_.size() && examples_.size() < kBatch; ++position_) {
      if (!load(dataset_, order_[position_], seed_, example)) {
        if (unreadable_++ == 0) first_unreadable_ = dataset_.name(order_[position_]);
        continue;
      }
      values_.insert(values_.end(), example.begin(), example.end());
      examples_.push_back(order_[position_]);
    }
    if (examples_.empty()) {
      datasets::require_readable(dataset_, unreadable_, static_cast<std::int64_t>(order_.size()),
                                 first_unreadable_);
      return std::nullopt;
    }
    const auto count = static_cast<std::int64_t>(examples_.size());
    return at::from_blob(values_.data(), {count, shape_.height, shape_.width, shape_.channels},
                         at::kFloat)
        .permute({0, 3, 1, 2});
  }

  // Of the last batch.
  const std::vector<std::int64_t>& examples() const { return examples_; }

 private:
  const Dataset& dataset_;
  std::vector<std::int64_t> order_;
  std::uint64_t seed_;
  datasets::InputShape shape_;
  std::size_t position_ = 0;
  std::int64_t unreadable_ = 0;
  std::string first_unreadable_;
  std::vector<float> values_;
  std::vector<std::int64_t> examples_;
};

std::vector<std::int64_t> chosen_examples(const Dataset& dataset, std::uint64_t seed,
                                          std::optional<std::int64_t> limit) {
  std::vector<std::int64_t> order = shuffled(dataset.size(), seed);
  if (limit && *limit < dataset.size()) order.resize(static_cast<std::size_t>(*limit));
  return order;
}

std::vector<engine::ActivationStatistics> calibrate(const FloatGraph& network,
                                                    const Dataset& training, int images,
                                                    std::uint64_t seed) {
  std::vector<engine::ActivationStatistics> statistics(network.graph.tensors.size());
  const FloatExecutor executor(network);
  Batches batches(training, chosen_examples(training, seed, images), seed);
  Progress progress("Calibrating", std::min<std::int64_t>(images, training.size()), "images");
  std::int64_t seen = 0;
  while (const std::optional<at::Tensor> batch = batches.next()) {
    executor.run(*batch, [&](engine::TensorId id, std::span<const float> values) {
      statistics[id].observe(values);
    });
    seen += batch->size(0);
    progress.advance(batch->size(0));
  }
  if (seen == 0) throw Error("calibration: none of {} images can be read", training.size());
  return statistics;
}

QuantizedNetwork quantize_by(const FloatGraph& network,
                             const std::vector<engine::ActivationStatistics>& statistics,
                             RangeMethod method) {
  QuantizedNetwork result{.method = method};
  for (std::size_t id = 0; id < statistics.size(); ++id) {
    result.ranges.push_back(statistics[id].range(method, network.graph.tensors[id].type));
  }
  // Examples are normalized to [-1, 1], whatever the calibration data reached: q stands for q /
  // 128.
  for (engine::TensorId input : network.graph.inputs) result.ranges[input] = {-1, 127.0F / 128};
  result.graph = pipeline::quantize_by(network, result.ranges);
  return result;
}

// With the weights of an operator rounded to 4 bits.
FloatGraph with_rounded(FloatGraph network, std::size_t id) {
  const engine::WeightLayout layout = engine::weight_layout(network.graph, network.graph.ops[id]);
  std::vector<float>& weights = network.parameters[id].weights;
  std::vector<float> channel(static_cast<std::size_t>(layout.per_output()));
  const double most = engine::max_weight(4);
  for (std::int32_t c = 0; c < layout.outputs; ++c) {
    const auto weight = [&](std::size_t i) -> float& {
      return weights[layout.index(c, static_cast<std::int64_t>(i))];
    };
    for (std::size_t i = 0; i < channel.size(); ++i) channel[i] = weight(i);
    const double scale = engine::weight_scale(channel, 4);
    if (scale == 0) continue;
    for (std::size_t i = 0; i < channel.size(); ++i) {
      weight(i) = static_cast<float>(
          scale * std::clamp(std::round(double{channel[i]} / scale), -most, most));
    }
  }
  return network;
}

// By libtorch in float, of the examples that evaluations take.
double mean_loss(const Task& task, const FloatGraph& network, const Dataset& dataset,
                 std::uint64_t seed, std::optional<std::int64_t> limit) {
  const auto objective = task.objective({}, dataset);
  const FloatExecutor executor(network);
  Batches batches(dataset, chosen_examples(dataset, seed, limit), seed);
  double sum = 0;
  double count = 0;
  while (const std::optional<at::Tensor> batch = batches.next()) {
    std::vector<datasets::Target> targets;
    for (const std::int64_t example : batches.examples())
      targets.push_back(dataset.target(example));
    const auto size = static_cast<double>(targets.size());
    sum +=
        size * objective->loss(executor.run(*batch), supernet::targets_of(targets)).item<double>();
    count += size;
  }
  return sum / count;
}

MixedWidths choose_widths_of(const Task& task, const FloatGraph& network, const Dataset& held_out,
                             const QuantizationOptions& options, std::uint64_t seed) {
  const auto layers = std::count_if(network.graph.ops.begin(), network.graph.ops.end(),
                                    [](const engine::Op& op) { return op.weight_bits == 4; });
  Progress progress("Measuring weights of 4 bits", layers + 1, "layers");
  MixedWidths widths = choose_widths(
      network.graph, options.core, *options.flash_bytes, [&](std::optional<std::size_t> op) {
        const double loss = mean_loss(task, op ? with_rounded(network, *op) : network, held_out,
                                      seed, options.selection_images);
        progress.advance();
        return loss;
      });
  spdlog::info("{}", describe(widths));
  if (!widths.fits()) {
    spdlog::warn("quantization.flash_kib: weights of 4 bits in all layers are not enough for it");
  }
  return widths;
}

}  // namespace

FloatGraph at_widths(FloatGraph network, const QuantizationOptions& options) {
  engine::set_bit_widths(network.graph, options.widths);
  for (std::size_t id = 0; id < network.stated_bits.size(); ++id) {
    engine::Op& op = network.graph.ops[id];
    const int bits = network.stated_bits[id];
    if (bits != 0 && engine::has_weights(op)) op.weight_bits = static_cast<std::int8_t>(bits);
  }
  if (options.keep_first_last) engine::keep_first_and_last(network.graph);
  return network;
}

FloatGraph at_widths_of(const engine::Graph& quantized, FloatGraph network) {
  for (std::size_t id = 0; id < network.graph.ops.size(); ++id) {
    network.graph.ops[id].weight_bits = quantized.ops.at(id).weight_bits;
  }
  for (std::size_t id = 0; id < network.graph.tensors.size(); ++id) {
    network.graph.tensors[id].type = quantized.tensors.at(id).type;
  }
  return network;
}

engine::Graph quantize_by(const FloatGraph& network, std::span<const engine::RealRange> ranges) {
  return engine::quantize_graph(network.graph, network.parameters, ranges);
}

nlohmann::ordered_json to_json(const MethodScore& score) {
  nlohmann::ordered_json json = {{"method", engine::name_of(score.method)}};
  json.update(to_json(score.score));
  return json;
}

QuantizedNetwork quantize(const Task& task, const FloatGraph& trained, const Dataset& training,
                          const Dataset& held_out, const QuantizationOptions& options,
                          std::uint64_t seed) {
  const auto statistics = calibrate(trained, training, options.calibration_images, seed);
  FloatGraph network = at_widths(trained, options);
  std::optional<MixedWidths> mixed;
  if (options.policy == WidthPolicy::kMixed) {
    mixed = choose_widths_of(task, network, held_out, options, seed);
    set_widths(*mixed, network.graph);
  }
  const auto by = [&](RangeMethod method) {
    QuantizedNetwork quantized = quantize_by(network, statistics, method);
    quantized.mixed = mixed;
    return quantized;
  };
  if (options.method) return by(*options.method);
  QuantizedNetwork best;
  std::vector<MethodScore> compared;
  double highest = -1;
  for (RangeMethod method : engine::kRangeMethods) {
    QuantizedNetwork quantized = by(method);
    const Score score =
        score_of(evaluate_int8(task, quantized.graph, held_out, seed, options.selection_images));
    compared.push_back({method, score});
    if (score.value <= highest) continue;
    highest = score.value;
    best = std::move(quantized);
  }
  best.compared = std::move(compared);
  return best;
}

std::vector<std::int8_t> quantize_example(const engine::Graph& graph,
                                          std::span<const float> values) {
  const engine::Quantization& quantization = graph.info_of(graph.inputs[0]).quantization;
  std::vector<std::int8_t> result;
  result.reserve(values.size());
  for (float value : values) {
    result.push_back(static_cast<std::int8_t>(
        engine::quantize_value(value, quantization, engine::ValueRange{})));
  }
  return result;
}

Assessment evaluate_int8(const Task& task, const engine::Graph& graph, const Dataset& dataset,
                         std::uint64_t seed, std::optional<std::int64_t> limit) {
  const std::vector<std::int64_t> order = chosen_examples(dataset, seed, limit);
  const engine::Quantization& quantization = graph.info_of(graph.outputs[0]).quantization;
  const engine::Shape& shape = graph.tensors[graph.outputs[0]].shape;
  Progress progress("Evaluating int8", static_cast<std::int64_t>(order.size()), "examples");
  std::vector<std::optional<Answer>> found(order.size());
  tbb::parallel_for(std::size_t{0}, order.size(), [&](std::size_t i) {
    std::vector<float> values(static_cast<std::size_t>(dataset.input_shape().elements()));
    progress.advance();
    if (!load(dataset, order[i], seed, values)) return;
    const std::vector<std::int8_t> input = quantize_example(graph, values);
    const auto bytes = std::as_bytes(std::span(input));
    const std::vector<engine::TensorBytes> outputs =
        engine::execute(graph, {{engine::TensorBytes(bytes.begin(), bytes.end())}});
    const auto* first = reinterpret_cast<const std::int8_t*>(outputs[0].data());
    found[i] = task.answer(
        order[i], dataset,
        Int8Outputs{{first, outputs[0].size()}, shape.height, shape.width, quantization});
  });
  const auto chosen = static_cast<std::int64_t>(order.size());
  const auto first = std::find(found.begin(), found.end(), std::nullopt);
  if (first != found.end()) {
    const std::int64_t index = order[static_cast<std::size_t>(first - found.begin())];
    datasets::require_readable(dataset, std::count(first, found.end(), std::nullopt), chosen,
                               dataset.name(index));
  }
  std::vector<Answer> answers;
  for (std::optional<Answer>& answer : found) {
    if (answer) answers.push_back(std::move(*answer));
  }
  return task.assess(answers, dataset, chosen);
}

void append_answers(const Task& task, const at::Tensor& outputs,
                    std::span<const std::int64_t> examples, const Dataset& dataset,
                    std::vector<Answer>& answers) {
  const bool is_map = outputs.dim() == 4;
  const at::Tensor rows =
      (is_map ? outputs.permute({0, 2, 3, 1}) : outputs).contiguous(at::MemoryFormat::Contiguous);
  const auto size = static_cast<std::size_t>(rows.numel() / rows.size(0));
  const float* next = rows.data_ptr<float>();
  for (const std::int64_t example : examples) {
    answers.push_back(task.answer(example, dataset,
                                  Outputs{{next, size},
                                          is_map ? static_cast<int>(rows.size(1)) : 1,
                                          is_map ? static_cast<int>(rows.size(2)) : 1}));
    next += size;
  }
}

Assessment evaluate_outputs(const Task& task,
                            const std::function<at::Tensor(const at::Tensor& images)>& outputs_of,
                            const Dataset& dataset, std::uint64_t seed,
                            std::optional<std::int64_t> limit) {
  const std::vector<std::int64_t> order = chosen_examples(dataset, seed, limit);
  const auto chosen = static_cast<std::int64_t>(order.size());
  Batches batches(dataset, order, seed);
  Progress progress("Evaluating float", chosen, "examples");
  std::vector<Answer> answers;
  while (const std::optional<at::Tensor> batch = batches.next()) {
    append_answers(task, outputs_of(*batch).to(at::kFloat), batches.examples(), dataset, answers);
    progress.advance(batch->size(0));
  }
  return task.assess(answers, dataset, chosen);
}

Assessment evaluate_float(const Task& task, const FloatGraph& network, const Dataset& dataset,
                          std::uint64_t seed, std::optional<std::int64_t> limit) {
  const FloatExecutor executor(network);
  return evaluate_outputs(
      task, [&](const at::Tensor& images) { return executor.run(images); }, dataset, seed, limit);
}

}  // namespace mcunet::pipeline
