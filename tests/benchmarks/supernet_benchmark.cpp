// How fast a supernet trains and is evaluated, as ratios measured in turns within one run:
//   supernet_benchmark [--device D] [--rounds N] [--batch N] [--threads N] [--seed N]
//                      [--resolution N] [--width PERCENT] [--feature_mix N] [--subnets N] [--training 0|1] [--evaluation 0|1]
//                      [--float32 0|1] [--bfloat16 0|1] [--channels_last 0|1] [--tune 0|1]
//                      [--yardstick 0|1]
// Expect a supernet step at 1.10 or less of the stand-alone networks' steps, recalibration and
// evaluation at 0.9 or more of plain inference, and images * sub-networks per second above the
// images/s of the yardstick, MobileNetV2 x0.5 at 96 in libtorch's own operators.
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/nn/module.h>
#include <torch/optim/sgd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "mcunet/core/config.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/stopwatch.hpp"
#include "mcunet/supernet/device.hpp"
#include "mcunet/supernet/evaluation.hpp"

namespace mcunet::supernet {
namespace {

using search::space::InvertedResidual;
using search::space::Network;
using search::space::SearchSpace;
using search::space::Subnet;

struct Settings {
  at::Device device = at::kCPU;
  int rounds = 7;
  int batch = 64;
  int threads = 2;
  int seed = 7;  // which sub-networks are drawn
  int subnets = 4;
  int resolution = 96;
  int width = 50;       // per cent
  int feature_mix = 0;  // channels of a 1x1 convolution before the supernet's head
  int channels_last = 1;
  int tune = 0;       // cuDNN tries its algorithms for each new shape
  int yardstick = 1;  // MobileNetV2 too
  int calibration_batches = 20;
  int evaluation_batches = 20;
  // What to measure.
  int training = 1;
  int evaluation = 1;
  int float32 = 1;
  int bfloat16 = 1;
};

SearchSpace benchmark_space(const Settings& settings) {
  SearchSpace space = search::space::read_search_space(
                          load_config(MCUNET_SOURCE_DIR "/configs/spaces/proxyless.yaml"))
                          .at(settings.width / 100.0, settings.resolution);
  space.feature_mix_channels = settings.feature_mix;
  return space;
}

Network mobilenet_v2(const Settings& settings) {
  struct Rows {
    int expand, channels, repeats, stride;
  };
  const auto scaled = [&](int channels) {
    return search::space::make_divisible(channels * settings.width / 100.0);
  };
  Network network;
  network.name = "mobilenet_v2";
  network.resolution = settings.resolution;
  network.stem_channels = scaled(32);
  int channels = network.stem_channels;
  for (const Rows& row : {Rows{1, 16, 1, 1},
                          {6, 24, 2, 2},
                          {6, 32, 3, 2},
                          {6, 64, 4, 2},
                          {6, 96, 3, 1},
                          {6, 160, 3, 2},
                          {6, 320, 1, 1}}) {
    for (int i = 0; i < row.repeats; ++i) {
      const int stride = i == 0 ? row.stride : 1;
      const int out = scaled(row.channels);
      network.blocks.push_back({.in_channels = channels,
                                .mid_channels = channels * row.expand,
                                .out_channels = out,
                                .stride = stride,
                                .expand_ratio = static_cast<double>(row.expand),
                                .has_residual = stride == 1 && channels == out});
      channels = out;
    }
  }
  network.feature_mix_channels = 1280;
  return network;
}

// One libtorch operator after the other.
at::Tensor stock_unit(const at::Tensor& input, const ConvBatchNorm& unit, bool training) {
  const ConvBatchNormShape& shape = unit->shape();
  at::Tensor hidden = at::conv2d(input, unit->weight.to(input.scalar_type()), {}, shape.stride,
                                 shape.kernel / 2, 1, shape.depthwise ? shape.in_channels : 1);
  hidden = at::batch_norm(hidden, unit->bn_weight, unit->bn_bias, unit->running_mean,
                          unit->running_var, training, shape.momentum, shape.epsilon, true);
  if (shape.activation != engine::Activation::kRelu6) return hidden;
  // The backward of relu6 lacks bfloat16 in libtorch 1.13.
  return input.scalar_type() == at::kBFloat16 ? at::clamp(hidden, 0, 6)
                                              : at::hardtanh_(hidden, 0, 6);
}

at::Tensor stock_forward(const FixedNetwork& network, const at::Tensor& images, Precision precision,
                         bool training) {
  const NetworkLayers& layers = network->layers();
  at::Tensor features =
      stock_unit(images.to(precision == Precision::kBfloat16 ? at::kBFloat16 : at::kFloat),
                 layers.stem, training);
  for (std::size_t i = 0; i < layers.blocks.size(); ++i) {
    const BlockLayers& block = layers.blocks[i];
    at::Tensor hidden = features;
    if (!block.expand.is_empty()) hidden = stock_unit(hidden, block.expand, training);
    hidden = stock_unit(hidden, block.depthwise, training);
    hidden = stock_unit(hidden, block.project, training);
    features = network->description().blocks[i].has_residual ? hidden + features : hidden;
  }
  if (!layers.feature_mix.is_empty()) features = stock_unit(features, layers.feature_mix, training);
  features = features.mean({2, 3}).to(at::kFloat);
  return at::linear(features, layers.head_weight, layers.head_bias);
}

void to_channels_last(const FixedNetwork& network) {
  for (const ConvBatchNorm& unit : network->units()) {
    unit->weight.set_data(unit->weight.contiguous(at::MemoryFormat::ChannelsLast));
  }
}

void wait_for(const at::Device& device) {
  if (!device.is_cpu()) at::zeros({1}, device).item<float>();
}

// Processor time for one thread, as other programs on the machine disturb it less; else wall time.
double seconds_of(const Settings& settings, const std::function<void()>& work) {
  if (settings.threads == 1 && settings.device.is_cpu()) {
    const std::clock_t start = std::clock();
    work();
    return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  }
  wait_for(settings.device);
  const Stopwatch stopwatch;
  work();
  wait_for(settings.device);
  return stopwatch.seconds();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

torch::optim::SGD make_optimizer(const torch::nn::Module& module) {
  return torch::optim::SGD(module.parameters(),
                           torch::optim::SGDOptions(0.01).momentum(0.9).weight_decay(5e-5));
}

BatchTensors make_data(const Settings& settings) {
  at::manual_seed(1);
  const auto format =
      settings.channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  return {at::randn({settings.batch, 3, settings.resolution, settings.resolution})
              .to(settings.device)
              .contiguous(format),
          at::randint(1000, {settings.batch}, at::kLong).to(settings.device)};
}

using ForwardFunction = std::function<at::Tensor(const at::Tensor&)>;

void backward(const BatchTensors& data, const ForwardFunction& forward) {
  at::cross_entropy_loss(forward(data.images), data.targets).backward();
}

// Times several pieces of work in turns, so that what else the machine does hits all alike.
std::vector<double> measure(const Settings& settings,
                            const std::vector<std::function<void()>>& works) {
  std::vector<std::vector<double>> seconds(works.size());
  for (const auto& work : works) work();
  for (int round = 0; round < settings.rounds; ++round) {
    for (std::size_t i = 0; i < works.size(); ++i)
      seconds[i].push_back(seconds_of(settings, works[i]));
  }
  std::vector<double> medians;
  for (auto& all : seconds) medians.push_back(median(all));
  return medians;
}

std::function<void()> step_of(const BatchTensors& data, const FixedNetwork& network,
                              const ForwardFunction& forward) {
  auto optimizer = std::make_shared<torch::optim::SGD>(make_optimizer(*network));
  return [&data, forward, optimizer] {
    optimizer->zero_grad();
    backward(data, forward);
    optimizer->step();
  };
}

void benchmark_training(const Settings& settings, Precision precision) {
  const BatchTensors data = make_data(settings);
  FixedNetwork stock(mobilenet_v2(settings));
  stock->to(settings.device);
  if (settings.channels_last) to_channels_last(stock);
  FixedNetwork own(mobilenet_v2(settings));
  own->to(settings.device);
  Supernet supernet(benchmark_space(settings));
  supernet->to(settings.device);
  auto optimizer = make_optimizer(*supernet);
  RandomStream random(settings.seed);
  std::vector<Subnet> subnets;
  std::vector<std::function<void()>> works;
  std::vector<FixedNetwork> networks;
  for (int i = 0; i < settings.subnets; ++i) {
    subnets.push_back(sample(supernet->space(), search::space::Sampling::kUniformGenes, random));
    networks.push_back(supernet->extract(subnets.back()));
  }
  works.push_back([&] {
    optimizer.zero_grad();
    for (const Subnet& subnet : subnets) {
      backward(data, [&](const at::Tensor& x) {
        return supernet->forward(x, subnet, {.precision = precision});
      });
    }
    optimizer.step();
  });
  std::vector<std::function<void()>> steps;
  for (FixedNetwork& network : networks) {
    steps.push_back(step_of(data, network, [&](const at::Tensor& x) {
      return network->forward(x, {.precision = precision});
    }));
  }
  works.push_back([&] {
    for (const auto& step : steps) step();
  });
  if (settings.yardstick) {
    works.push_back(step_of(data, stock, [&](const at::Tensor& x) {
      return stock_forward(stock, x, precision, true);
    }));
    works.push_back(step_of(
        data, own, [&](const at::Tensor& x) { return own->forward(x, {.precision = precision}); }));
  }
  const std::vector<double> seconds = measure(settings, works);
  const char* name = precision == Precision::kBfloat16 ? "bfloat16" : "float32";
  const double images = settings.batch;
  fmt::print("training, {}\n", name);
  fmt::print("  {:<58} {:8.1f} images*sub-networks/s\n", "supernet step",
             settings.subnets * images / seconds[0]);
  fmt::print("  {:<58} {:8.3f}\n", "supernet step / sum of stand-alone steps",
             seconds[0] / seconds[1]);
  if (!settings.yardstick) return;
  fmt::print("  {:<58} {:8.1f} images/s\n", "MobileNetV2, libtorch's operators",
             images / seconds[2]);
  fmt::print("  {:<58} {:8.1f} images/s\n", "MobileNetV2, ours", images / seconds[3]);
}

BatchSource repeat(const BatchTensors& batch, int count) {
  return [&batch, count]() mutable -> std::optional<BatchTensors> {
    if (count-- == 0) return std::nullopt;
    return batch;
  };
}

void benchmark_evaluation(const Settings& settings, Precision precision) {
  const BatchTensors data = make_data(settings);
  Supernet supernet(benchmark_space(settings));
  supernet->to(settings.device);
  RandomStream random(settings.seed);
  const Subnet subnet = sample(supernet->space(), search::space::Sampling::kUniformGenes, random);
  FixedNetwork plain = supernet->extract(subnet);
  to_channels_last(plain);
  const int batches = settings.calibration_batches + settings.evaluation_batches;
  const std::vector<double> seconds = measure(
      settings,
      {[&] {
         const at::NoGradGuard no_grad;
         for (int i = 0; i < batches; ++i) {
           stock_forward(plain, data.images, precision, false).argmax(1);
         }
       },
       [&] {
         FixedNetwork network = supernet->extract(subnet);
         recalibrate_batch_norm(network, repeat(data, settings.calibration_batches), precision);
         evaluate(network, repeat(data, settings.evaluation_batches), precision,
                  [](const auto&, const auto&) {});
       },
       [&] {
         FixedNetwork network = supernet->extract(subnet);
         evaluate(network, repeat(data, batches), precision, [](const auto&, const auto&) {});
       }});
  const double images = static_cast<double>(batches) * settings.batch;
  fmt::print("evaluation, {}\n", precision == Precision::kBfloat16 ? "bfloat16" : "float32");
  fmt::print("  {:<58} {:8.1f} images/s\n", "plain inference, libtorch's operators",
             images / seconds[0]);
  fmt::print("  {:<58} {:8.1f} images/s\n", "recalibration and evaluation", images / seconds[1]);
  fmt::print("  {:<58} {:8.1f} images/s\n", "evaluation alone", images / seconds[2]);
  fmt::print("  {:<58} {:8.3f}\n", "speed of recalibration and evaluation / plain inference",
             seconds[0] / seconds[1]);
}

int run(int argc, char** argv) {
  Settings settings;
  const std::map<std::string, int*> options = {{"--rounds", &settings.rounds},
                                               {"--batch", &settings.batch},
                                               {"--threads", &settings.threads},
                                               {"--seed", &settings.seed},
                                               {"--resolution", &settings.resolution},
                                               {"--width", &settings.width},
                                               {"--feature_mix", &settings.feature_mix},
                                               {"--subnets", &settings.subnets},
                                               {"--channels_last", &settings.channels_last},
                                               {"--tune", &settings.tune},
                                               {"--yardstick", &settings.yardstick},
                                               {"--training", &settings.training},
                                               {"--evaluation", &settings.evaluation},
                                               {"--float32", &settings.float32},
                                               {"--bfloat16", &settings.bfloat16}};
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::string(argv[i]) == "--device") {
      settings.device = select_device(argv[i + 1]);
      continue;
    }
    const auto option = options.find(argv[i]);
    if (option == options.end()) throw Error("unknown option {}", argv[i]);
    *option->second = std::atoi(argv[i + 1]);
  }
  at::set_num_threads(settings.threads);
  at::globalContext().setBenchmarkCuDNN(settings.tune == 1);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  for (const Precision precision : {Precision::kFloat32, Precision::kBfloat16}) {
    if (!(precision == Precision::kFloat32 ? settings.float32 : settings.bfloat16)) continue;
    if (settings.training) benchmark_training(settings, precision);
    if (settings.evaluation) benchmark_evaluation(settings, precision);
  }
  return 0;
}

}  // namespace
}  // namespace mcunet::supernet

int main(int argc, char** argv) {
  try {
    return mcunet::supernet::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
