#include "mcunet/deploy/cores.hpp"

#include <algorithm>

#include "mcunet/core/error.hpp"

namespace mcunet::deploy {

const std::vector<Core>& cores() {
  static const std::vector<Core> all = {
      {.name = "cortex-m0plus",
       .flags = "-mfloat-abi=soft",
       .code = engine::CodeCore::kCortexM0plus},
      {.name = "cortex-m3", .flags = "-mfloat-abi=soft", .code = engine::CodeCore::kCortexM3},
      {.name = "cortex-m4",
       .flags = "-mfpu=fpv4-sp-d16 -mfloat-abi=hard",
       .code = engine::CodeCore::kCortexM4},
      // What Armv8-M adds to Armv7E-M is for atomic variables and security; C comes without.
      {.name = "cortex-m33",
       .flags = "-mfpu=fpv5-sp-d16 -mfloat-abi=hard",
       .code = engine::CodeCore::kCortexM33},
      {.name = "cortex-m7",
       .flags = "-mfpu=fpv5-sp-d16 -mfloat-abi=hard -DMCUNET_DUAL_ISSUE",
       .code = engine::CodeCore::kCortexM7,
       .has_caches = true},
  };
  return all;
}

const Core& core_named(const std::string& name) {
  const auto found = std::find_if(cores().begin(), cores().end(),
                                  [&](const Core& core) { return core.name == name; });
  if (found == cores().end()) throw Error("{} is no core of these: {}", name, names_of_cores());
  return *found;
}

std::string names_of_cores() {
  std::string names;
  for (const Core& core : cores()) names += (names.empty() ? "" : ", ") + core.name;
  return names;
}

Field core_field(std::string& name) {
  std::vector<std::pair<std::string, std::string>> names;
  for (const Core& core : cores()) names.emplace_back(core.name, core.name);
  return choice("core", name, names);
}

}  // namespace mcunet::deploy
