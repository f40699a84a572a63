// Estimated cycles of the layers that layer_benchmark ran.
//
//   layer_cycles COUNTS DISASSEMBLY CORE < TABLE
//
// TABLE is what the benchmark printed, and COUNTS what cycles/block_counter.c counted meanwhile: one segment per layer, or
// two where CMSIS-NN's kernels ran first. Prints each layer, and all layers of a network and kind, each as often as the network
// has it, with instructions and cycles per multiply-accumulate, and what both are of CMSIS-NN's.

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <iostream>
#include <iterator>
#include <map>
#include <optional>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/cycles/estimate.hpp"

namespace {

using mcunet::cycles::SegmentCost;

struct Layer {
  std::string network;
  std::string name;
  std::string shape;
  std::int64_t times = 0;
  std::int64_t macs = 0;
  SegmentCost ours;
  std::optional<SegmentCost> theirs;
};

std::vector<Layer> read_layers(std::istream& table) {
  static const std::regex kRow(R"((\w+) +(\w+) +x(\d+) +(\d+x\d+ +\d+ -> \d+) +(\d+) .*)");
  std::vector<Layer> layers;
  for (std::string line; std::getline(table, line);) {
    std::smatch row;
    if (!std::regex_match(line, row, kRow)) continue;
    layers.push_back({.network = row[1],
                      .name = row[2],
                      .shape = row[4],
                      .times = std::stoll(row[3]),
                      .macs = std::stoll(row[5])});
  }
  return layers;
}

void assign(const std::vector<SegmentCost>& segments, std::vector<Layer>& layers) {
  const bool beside = segments.size() == 2 * layers.size();
  if (layers.empty() || (!beside && segments.size() != layers.size()))
    throw mcunet::Error("{} layers, but {} counts", layers.size(), segments.size());
  auto segment = segments.begin();
  for (Layer& layer : layers) {
    if (beside) layer.theirs = *segment++;
    layer.ours = *segment++;
  }
}

void add(SegmentCost& sum, const SegmentCost& cost, std::int64_t times) {
  const auto factor = static_cast<double>(times);
  sum.instructions += times * cost.instructions;
  sum.cycles += {factor * cost.cycles.low, factor * cost.cycles.high};
}

std::string describe(const SegmentCost& cost, double of) {
  return fmt::format("{:6.2f} {:6.2f} - {:<6.2f}", static_cast<double>(cost.instructions) / of,
                     cost.cycles.low / of, cost.cycles.high / of);
}

void print(const Layer& layer) {
  const auto macs = static_cast<double>(layer.macs);
  fmt::print("{:<9} {:<10} {:<18} {}", layer.network, layer.name, layer.shape,
             describe(layer.ours, macs));
  if (const auto& theirs = layer.theirs) {
    fmt::print(
        " | CMSIS-NN {} | of it {:.2f} {:.2f} - {:.2f}", describe(*theirs, macs),
        static_cast<double>(layer.ours.instructions) / static_cast<double>(theirs->instructions),
        layer.ours.cycles.low / theirs->cycles.low, layer.ours.cycles.high / theirs->cycles.high);
  }
  fmt::print("\n");
}

// By network and name, in the order of the first of each.
std::vector<Layer> sum_kinds(const std::vector<Layer>& layers) {
  std::vector<Layer> sums;
  std::map<std::pair<std::string, std::string>, std::size_t> places;
  for (const Layer& layer : layers) {
    const auto [place, is_new] = places.try_emplace({layer.network, layer.name}, sums.size());
    if (is_new) sums.push_back({.network = layer.network, .name = layer.name, .shape = "all"});
    Layer& sum = sums[place->second];
    sum.macs += layer.times * layer.macs;
    add(sum.ours, layer.ours, layer.times);
    if (!layer.theirs) continue;
    if (!sum.theirs) sum.theirs = SegmentCost{};
    add(*sum.theirs, *layer.theirs, layer.times);
  }
  return sums;
}

void run(const std::vector<std::string>& arguments) {
  if (arguments.size() != 3)
    throw mcunet::Error("usage: layer_cycles COUNTS DISASSEMBLY CORE < TABLE");
  std::vector<Layer> layers = read_layers(std::cin);
  const auto estimate = mcunet::cycles::estimate_cycles(
      mcunet::cycles::parse_block_counts(mcunet::read_file(arguments[0])),
      mcunet::cycles::parse_disassembly(mcunet::read_file(arguments[1])),
      mcunet::cycles::find_core(arguments[2]));
  assign(estimate.segments, layers);
  fmt::print("Per MAC (per input value without weights): instructions, cycles\n");
  for (const Layer& layer : layers) print(layer);
  for (const Layer& layer : sum_kinds(layers)) print(layer);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run({argv + 1, argv + argc});
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "layer_cycles: {}\n", error.what());
    return 1;
  }
}
