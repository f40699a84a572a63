#pragma once

#include <filesystem>
#include <optional>

#include "feature_code.hpp"
#include "mcunet/datasets/postprocessing.hpp"

// The postprocessing of a network in the folder that it is compiled to: in model.json, and as C.
// detections.h and detections.c turn a detector's output into boxes.
namespace mcunet::pipeline {

// For a network that was compiled with these names. Throws Error if its first output is not int8 of the
// shape that the detector has.
FeatureCode generate_postprocessing(const engine::Graph& graph,
                                    const datasets::Postprocessing& postprocessing,
                                    const engine::ModelNames& names = {});

// The section `postprocessing` of folder/model.json; nothing if it has none. Throws Error.
std::optional<datasets::Postprocessing> read_model_postprocessing(
    const std::filesystem::path& folder);

}  // namespace mcunet::pipeline
