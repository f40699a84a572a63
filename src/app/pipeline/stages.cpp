#include "stages.hpp"

#include "mcunet/core/error.hpp"

namespace mcunet::pipeline {
namespace {

struct ResultFile {
  const char* stage;
  const char* file;
};

constexpr ResultFile kResultFiles[] = {{kSpaceStage, "space.json"},
                                       {kTrainStage, "train.json"},
                                       {kTrainStage, kWeightsFile},
                                       {kSearchStage, "search.json"},
                                       {kSearchStage, "search/problem.json"},
                                       {kSearchStage, "search/evolution.json"},
                                       {kSearchStage, "search/front.json"},
                                       {kFinetuneStage, "finetune.json"},
                                       {kFinetuneStage, "network.json"},
                                       {kFinetuneStage, kFinetunedWeights},
                                       {kQuantizationAwareStage, "quantization_aware.json"},
                                       {kQuantizationAwareStage, "quantization_aware.pt"},
                                       {kQuantizationAwareStage, "quantization_aware/ranges.json"},
                                       {kExportStage, "export.json"}};

}  // namespace

void forget_stages_without_files(RunDirectory& run) {
  for (const auto& [stage, file] : kResultFiles) {
    std::error_code ignored;
    if (run.is_complete(stage) && !std::filesystem::exists(run.folder() / file, ignored)) {
      run.discard({stage});
    }
  }
}

void fail_damaged(const std::filesystem::path& file, std::string_view stage,
                  const std::exception& reason) {
  throw Error("{}: is no result of the {} stage: {}; {}", file.string(), stage, reason.what(),
              kHowToRestore);
}

}  // namespace mcunet::pipeline
