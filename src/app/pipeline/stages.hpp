#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

// The names that a run's manifest has for the stages of a job.
namespace mcunet::pipeline {

inline constexpr char kSpaceStage[] = "space";
inline constexpr char kTrainStage[] = "train";
inline constexpr char kSearchStage[] = "search";
inline constexpr char kFinetuneStage[] = "finetune";
inline constexpr char kQuantizationAwareStage[] = "quantization_aware";
inline constexpr char kExportStage[] = "export";

// In the order of a job: each reads what those before it left.
inline constexpr std::array<const char*, 6> kStages = {
    kSpaceStage, kTrainStage, kSearchStage, kFinetuneStage, kQuantizationAwareStage, kExportStage};

// A stage and those after it: what is to be done again when it starts afresh.
inline std::vector<std::string> stages_from(std::string_view stage) {
  return {std::find(kStages.begin(), kStages.end(), stage), kStages.end()};
}

}  // namespace mcunet::pipeline
