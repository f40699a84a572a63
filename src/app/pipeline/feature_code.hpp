#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "mcunet/datasets/log_mel.hpp"
#include "mcunet/datasets/open_dataset.hpp"
#include "mcunet/engine/codegen/code_writer.hpp"
#include "mcunet/engine/planning/resources.hpp"
#include "media_input.hpp"

// The feature extraction of an audio network as C: features.h, features.c and the kernel that
// training used, so that the firmware sees the very bytes that the network was trained on.
namespace mcunet::pipeline {

// What feature extraction needs of the network's arena, for CompileOptions::staging_bytes: the
// samples of a clip, then the kernel's scratch.
std::vector<std::int64_t> feature_staging(const datasets::LogMelParameters& parameters);

// The same for the plans of networks at any of these resolutions, before there is code. Resolutions
// that have no spectrogram are left out. Nothing for datasets of images.
std::vector<engine::InputStaging> input_staging(const datasets::DatasetOptions& dataset,
                                                std::set<int> resolutions);

// Throws Error if the first input of the network is not int8 of scale 1 / 128 and zero point 0, as
// the kernels give it; `what` is what they make.
void check_levels(const engine::Graph& graph, const char* what);

// The same, and that it is [bands, frames, 1].
void check_features(const engine::Graph& graph, const datasets::LogMelParameters& parameters);

struct FeatureCode {
  std::vector<engine::GeneratedFile> files;
  std::int64_t constant_bytes = 0;  // tables
};

// For a network that was compiled with feature_staging() and these names.
FeatureCode generate_features(const datasets::LogMelParameters& parameters,
                              const engine::ModelNames& names = {});

// What firmware is to be run on, and what it must make of it. `samples` is one clip.
SoundClip make_sound_clip(std::span<const std::int16_t> samples,
                          const datasets::LogMelParameters& parameters);
}  // namespace mcunet::pipeline
