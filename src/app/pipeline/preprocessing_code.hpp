#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "feature_code.hpp"
#include "mcunet/datasets/preprocessing.hpp"
#include "mcunet/engine/codegen/code_writer.hpp"

// The preprocessing of a network in the folder that it is compiled to: in model.json, in words, and
// as C. frame.h and frame.c turn a frame of pixels into the input, features.h and features.c sound,
// series.h and series.c what sensors measured.
namespace mcunet::pipeline {

// For CompileOptions, with these names of files; of an input that comes in rows, if it is pulled.
std::vector<std::int64_t> staging_of(const datasets::Preprocessing& preprocessing);
std::vector<std::string> input_notes(const datasets::Preprocessing& preprocessing,
                                     const engine::ModelNames& names, bool pulls_input = false);

// For a network that was compiled with these. Throws Error if its first input is not int8 of the
// shape, and the numbers, that the preprocessing gives.
FeatureCode generate_preprocessing(const engine::Graph& graph,
                                   const datasets::Preprocessing& preprocessing,
                                   const engine::ModelNames& names = {}, bool pulls_input = false);

// The section `preprocessing` of folder/model.json; nothing if it has none. Throws Error.
std::optional<datasets::Preprocessing> read_model_preprocessing(
    const std::filesystem::path& folder);

}  // namespace mcunet::pipeline
