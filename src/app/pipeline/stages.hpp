#pragma once

#include <algorithm>
#include <array>
#include <exception>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "mcunet/core/run_directory.hpp"

// The names that a run's manifest has for the stages of a job, and the files that these leave.
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

inline constexpr char kWeightsFile[] = "supernet.pt";
inline constexpr char kFinetunedWeights[] = "network.pt";

// What becomes of a file that a stage left: without one of them the stage is not complete, and does
// again what is missing, from its checkpoints.
inline constexpr char kHowToRestore[] = "remove it, and mcunet run --resume makes it again";

// Takes stages for incomplete whose files are not all there, as a user may have removed one.
void forget_stages_without_files(RunDirectory& run);

// Throws Error: that a file is no result of its stage, why, and how it comes back.
[[noreturn]] void fail_damaged(const std::filesystem::path& file, std::string_view stage,
                               const std::exception& reason);

}  // namespace mcunet::pipeline
