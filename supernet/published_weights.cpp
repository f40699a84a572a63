#include "mcunet/supernet/published_weights.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <span>
#include <string_view>

#include "mcunet/core/error.hpp"
#include "mcunet/supernet/module_weights.hpp"

namespace mcunet::supernet {
namespace {

constexpr std::string_view kBlocks = "blocks.";
constexpr std::string_view kParallel = "module.";  // of a model that several GPUs trained
constexpr std::string_view kCounter = ".num_batches_tracked";

struct Naming {
  std::string_view own;
  std::string_view published;
};
constexpr Naming kUnits[] = {{"stem", "first_conv"},
                             {"expand", "mobile_inverted_conv.inverted_bottleneck"},
                             {"depthwise", "mobile_inverted_conv.depth_conv"},
                             {"project", "mobile_inverted_conv.point_linear"},
                             {"feature_mix", "feature_mix_layer"}};
constexpr Naming kTensors[] = {{"weight", "conv.weight"},
                               {"bn_weight", "bn.weight"},
                               {"bn_bias", "bn.bias"},
                               {"running_mean", "bn.running_mean"},
                               {"running_var", "bn.running_var"}};

std::string_view published_name(std::span<const Naming> namings, std::string_view own) {
  const auto found = std::find_if(namings.begin(), namings.end(),
                                  [own](const Naming& naming) { return naming.own == own; });
  return found == namings.end() ? own : found->published;
}

// What stands before the first dot, which is removed with it.
std::string_view take_part(std::string_view& name) {
  const std::string_view part = name.substr(0, name.find('.'));
  name.remove_prefix(std::min(part.size() + 1, name.size()));
  return part;
}

// Of a tensor's name: 3 of blocks.3.expand.weight.
std::optional<int> block_number(std::string_view name) {
  if (!name.starts_with(kBlocks)) return std::nullopt;
  name.remove_prefix(kBlocks.size());
  const std::string_view digits = take_part(name);
  int number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

// Of the blocks that have tensors, in their order.
std::vector<int> block_numbers(const TensorDictionary& tensors) {
  std::set<int> numbers;
  for (const auto& [name, tensor] : tensors) {
    if (const std::optional<int> number = block_number(name)) numbers.insert(*number);
  }
  return {numbers.begin(), numbers.end()};
}

std::string published_name(std::string_view own, const std::vector<int>& numbers) {
  std::string name;
  if (const std::optional<int> block = block_number(own)) {
    name = fmt::format("{}{}.", kBlocks, numbers.at(static_cast<std::size_t>(*block)));
    take_part(own);
    take_part(own);
  }
  const std::string_view unit = take_part(own);
  if (unit == "classifier") return fmt::format("classifier.linear.{}", own);
  return name + fmt::format("{}.{}", published_name(kUnits, unit), published_name(kTensors, own));
}

TensorDictionary without_additions(const TensorDictionary& published) {
  const bool is_parallel = std::all_of(published.begin(), published.end(), [](const auto& entry) {
    return entry.first.starts_with(kParallel);
  });
  TensorDictionary tensors;
  for (const auto& [name, tensor] : published) {
    if (name.ends_with(kCounter)) continue;
    tensors.emplace(name.substr(is_parallel ? kParallel.size() : 0), tensor);
  }
  return tensors;
}

}  // namespace

bool are_published(const TensorDictionary& tensors) {
  return without_additions(tensors).contains("first_conv.conv.weight");
}

TensorDictionary by_own_names(const TensorDictionary& published, const TensorDictionary& own,
                              const std::string& source) {
  const TensorDictionary given = without_additions(published);
  const std::vector<int> numbers = block_numbers(given);
  const std::size_t own_blocks = block_numbers(own).size();
  if (numbers.size() != own_blocks) {
    throw Error("{}: has tensors of {} blocks, this network has {}", source, numbers.size(),
                own_blocks);
  }
  TensorDictionary expected;
  TensorDictionary result;
  for (const auto& [own_name, tensor] : own) {
    const std::string name = published_name(own_name, numbers);
    const auto found = given.find(name);
    const bool is_classifier = own_name.starts_with("classifier.");
    if (found != given.end()) result.emplace(own_name, found->second);
    expected.emplace(name, is_classifier && found != given.end() ? found->second : tensor);
  }
  check_tensors(given, expected, source);
  return result;
}

}  // namespace mcunet::supernet
