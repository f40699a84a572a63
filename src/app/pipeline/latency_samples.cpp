#include "latency_samples.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "compile_stage.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/scratch_folder.hpp"
#include "mcunet/deploy/emulator.hpp"
#include "mcunet/deploy/reference_model.hpp"
#include "mcunet/engine/quantization/random_weights.hpp"
#include "mcunet/engine/tflite/reader.hpp"
#include "mcunet/engine/tflite/writer.hpp"
#include "mcunet/search/space/network.hpp"
#include "mcunet/search/space/subnet.hpp"

namespace mcunet::pipeline {
namespace {

namespace fs = std::filesystem;
using engine::Graph;
using engine::Op;
using engine::OpKind;
using engine::Shape;
using engine::TensorId;
using engine::Window;
using search::space::centred_window;
using search::space::Form;
using search::space::rows_of;

// A chain of layers over the shapes that networks for microcontrollers have.
class RandomLayers {
 public:
  RandomLayers(Form form, RandomStream& random) : form_(form), random_(random) {}

  Graph build() {
    constexpr int kLayers = 14;
    const int columns = form_ == Form::kLine ? between(16, 512) : between(6, 64);
    last_ =
        add_input(graph_, {rows_of(form_, columns), columns, one_in(4) ? 3 : 4 * between(1, 16)});
    for (int i = 0; i < kLayers; ++i) append_layer();
    append_head();
    return std::move(graph_);
  }

 private:
  // More would only make the emulation slower.
  static constexpr double kMostMacs = 3e6;

  int between(int least, int most) {
    return least + static_cast<int>(random_.index(static_cast<std::uint32_t>(most - least + 1)));
  }
  bool one_in(int count) { return between(1, count) == 1; }
  Shape shape() const { return graph_.tensors[last_].shape; }

  void append_layer() {
    switch (between(0, 9)) {
      case 0:
      case 1:
        return append_convolution(1, 1);
      case 2:
      case 3:
        return append_convolution(one_in(3) ? 5 : 3, one_in(3) ? 2 : 1);
      case 4:
      case 5:
      case 6:
        return append_depthwise(1 + 2 * between(1, 3));
      case 7:
        return append_sum();
      default:
        return append_pool();
    }
  }

  engine::Activation activation() {
    return one_in(2) ? engine::Activation::kRelu6 : engine::Activation::kNone;
  }

  void append_convolution(int kernel, int stride) {
    if (shape().width < kernel) kernel = 1;
    const Window window = centred_window(form_, kernel, stride);
    const double per_channel = static_cast<double>(shape().elements()) * window.kernel_height *
                               kernel / (rows_of(form_, stride) * stride);
    int channels = one_in(8) ? between(1, 100) : 8 * between(1, 20);
    channels = std::clamp(channels, 1, std::max(4, static_cast<int>(kMostMacs / per_channel)));
    last_ = append_op(graph_, {.activation = activation(), .window = window}, {last_}, channels);
  }

  void append_depthwise(int kernel) {
    if (shape().width <= kernel / 2) return;
    const int stride = shape().width > 6 && one_in(3) ? 2 : 1;
    last_ = append_op(graph_,
                      {.kind = OpKind::kDepthwiseConv2d,
                       .activation = activation(),
                       .window = centred_window(form_, kernel, stride)},
                      {last_}, shape().channels);
  }

  void append_sum() {
    const TensorId other = append_op(graph_, {.kind = OpKind::kConv2d}, {last_}, shape().channels);
    last_ = append_op(graph_, {.kind = OpKind::kAdd, .has_bias = false}, {last_, other});
  }

  void append_pool() {
    if (shape().width < 4) return;
    Op pool{.kind = one_in(2) ? OpKind::kAveragePool2d : OpKind::kMaxPool2d, .has_bias = false};
    const auto side = static_cast<std::int16_t>(between(2, 3));
    pool.window = {.kernel_height = static_cast<std::int16_t>(rows_of(form_, side)),
                   .kernel_width = side,
                   .stride_height = 2,
                   .stride_width = 2};
    last_ = append_op(graph_, pool, {last_});
  }

  void append_head() {
    Op pool{.kind = OpKind::kAveragePool2d, .has_bias = false};
    pool.window.kernel_height = static_cast<std::int16_t>(shape().height);
    pool.window.kernel_width = static_cast<std::int16_t>(shape().width);
    last_ = append_op(graph_, pool, {last_});
    last_ = append_op(graph_, {.kind = OpKind::kFullyConnected}, {last_}, between(2, 300));
    graph_.outputs = {last_};
  }

  Form form_;
  RandomStream& random_;
  Graph graph_;
  TensorId last_ = engine::kNoId;
};

template <typename T>
const T& pick(const std::vector<T>& choices, RandomStream& random) {
  return choices[random.index(static_cast<std::uint32_t>(choices.size()))];
}

Graph make_network(const search::space::SearchSpace& space, const LatencySampleOptions& options,
                   int index, RandomStream& random) {
  if (index % 2 == 1) return RandomLayers(space.form, random).build();
  const double width = pick(options.widths, random);
  search::space::SearchSpace one = space.at(width, pick(options.resolutions, random));
  return lower(build_network(one, sample(one, search::space::Sampling::kUniformGenes, random)));
}

// The device with memory enough for any network here, and for what makes kernels fastest.
deploy::Device with_room(deploy::Device device) {
  device.flash.size_kib = 16 * 1024;
  device.sram_banks = {{.name = "SRAM", .origin = 0x20000000, .size_kib = 4 * 1024}};
  device.arena_banks = {"SRAM"};
  device.stack_bank.clear();
  device.reserved_sram_kib = 64;
  return device;
}

}  // namespace

std::vector<engine::LayerMeasurement> sample_cycles(const search::space::SearchSpace& space,
                                                    const deploy::Device& device,
                                                    const LatencySampleOptions& options,
                                                    const std::function<void()>& advance) {
  const ScratchFolder scratch;
  const deploy::Device roomy = with_room(device);
  std::vector<engine::LayerMeasurement> measurements;
  for (int i = 0; i < options.networks; ++i) {
    RandomStream random(options.seed, {static_cast<std::uint64_t>(i)});
    const Graph graph = make_network(space, options, i, random);
    const fs::path model = scratch.path() / "network.tflite";
    engine::write_tflite(engine::with_random_weights(graph, random), model);
    const fs::path folder = scratch.path() / "compiled";
    compile_model(model, roomy, {}, folder);
    const std::vector<engine::LayerShape> layers = step_layers(folder);
    const deploy::Int8Bytes zeros(static_cast<std::size_t>(graph.tensors[graph.inputs[0]].bytes()),
                                  0);
    const deploy::EmulationResult result =
        deploy::emulate(folder, std::span(&zeros, 1), {.estimates_cycles = true});
    for (std::size_t s = 0; s < layers.size(); ++s) {
      measurements.push_back({.core = device.core,
                              .network = std::to_string(i),
                              .layer = layers[s],
                              .low = result.steps[s].cycles.low,
                              .high = result.steps[s].cycles.high});
    }
    if (advance) advance();
  }
  return measurements;
}

std::vector<engine::LayerShape> step_layers(const fs::path& folder) {
  const deploy::ModelDescription model = deploy::read_model_description(folder);
  const std::optional<fs::path> file = deploy::find_model_file(folder);
  if (!file) throw Error("{}: has neither model.tflite nor model.mcunet", folder.string());
  const engine::CompiledGraph compiled = engine::compile_graph(engine::read_tflite(*file));
  if (compiled.schedule.steps.size() != model.steps.size()) {
    throw Error("{}: was compiled to {} steps, its model gives {}; compile it again",
                folder.string(), model.steps.size(), compiled.schedule.steps.size());
  }
  std::vector<engine::LayerShape> layers;
  for (const engine::Step& step : compiled.schedule.steps) {
    if (step.op_count > 1) {
      throw Error("{}: the layers of a step, {}, cannot be told apart; compile it op by op",
                  folder.string(), describe(compiled.graph, step));
    }
    layers.push_back(layer_shape_of(compiled.graph, compiled.graph.ops[step.first_op]));
  }
  return layers;
}

std::vector<std::int64_t> parse_cycle_log(const std::string& log, int steps,
                                          const std::string& source) {
  std::vector<std::vector<std::int64_t>> counts(static_cast<std::size_t>(steps));
  std::istringstream stream(log);
  for (std::string line; std::getline(stream, line);) {
    std::istringstream words(line);
    std::string word;
    std::int64_t step = -1;
    std::int64_t cycles = 0;
    std::string rest;
    if (!(words >> word >> step >> cycles) || word != "step" || words >> rest) continue;
    if (step < 0 || step >= steps) {
      throw Error("{}: has a step {}, the network has steps 0 to {}", source, step, steps - 1);
    }
    if (cycles > 0) counts[static_cast<std::size_t>(step)].push_back(cycles);
  }
  std::vector<std::int64_t> medians;
  for (std::size_t step = 0; step < counts.size(); ++step) {
    std::vector<std::int64_t>& of_step = counts[step];
    if (of_step.empty()) throw Error("{}: has no line \"step {} CYCLES\"", source, step);
    const auto middle = of_step.begin() + static_cast<std::ptrdiff_t>(of_step.size() / 2);
    std::nth_element(of_step.begin(), middle, of_step.end());
    medians.push_back(*middle);
  }
  return medians;
}

}  // namespace mcunet::pipeline
