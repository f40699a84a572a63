#pragma once

#include "end_to_end/image_model.hpp"

namespace mcunet::pipeline {

// A small network that takes in spectrograms.
inline engine::Graph sound_graph(const datasets::LogMelParameters& parameters) {
  return image_graph({parameters.bands, parameters.frames, 1});
}

inline CompileResult compile_sound_model(const datasets::LogMelParameters& parameters,
                                         const std::string& device,
                                         const std::filesystem::path& folder) {
  const TemporaryFolder scratch;
  engine::write_tflite(sound_graph(parameters), scratch / "sound.tflite");
  return compile_model(scratch / "sound.tflite", deploy::load_device(device), {}, folder,
                       std::nullopt, parameters);
}

}  // namespace mcunet::pipeline
