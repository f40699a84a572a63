#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "mcunet/deploy/emulator.hpp"

// Images and sounds as the input of a network: int8, uint8 or float as its tensor is.
namespace mcunet::pipeline {

struct MediaOptions {
  // The real values that black and white of an image stand for.
  double black = -1;
  double white = 1;
  int sample_rate = 0;  // Hz, to which a sound is resampled; 0: as it is
};

// A sound as a network with feature extraction takes it in.
struct SoundClip {
  deploy::Int8Bytes samples;   // int16 as they lie in memory
  deploy::Int8Bytes features;  // what the host makes of them: the network's input
};

// See read_media_input and read_sound_clip.
struct MediaReader {
  std::function<deploy::Int8Bytes(const std::string& file, const deploy::ModelTensor& tensor,
                                  const MediaOptions& options)>
      read_input;
  std::function<SoundClip(const std::string& file, const std::filesystem::path& folder)> read_clip;
};

// Whether the file's name is that of a sound; of an image or a sound.
bool is_sound(const std::string& file);
bool is_media(const std::string& file);

// An image is stretched to the tensor's height and width, in RGB or gray as it has 3 channels or 1.
// A sound is for networks that take in samples, of which each stands for -1 to 1: channels are
// averaged, and the end is cut off or filled with silence. Real values are quantized as the tensor
// says. Throws Error if the file is damaged or the tensor takes no such thing.
deploy::Int8Bytes read_media_input(const std::string& file, const deploy::ModelTensor& tensor,
                                   const MediaOptions& options);

// For the network in `folder`, which says in model.json how it takes in sound: resampled to its
// rate and cut to its length as in the evaluation of the dataset. Throws Error if the file is
// damaged or the network has no feature extraction.
SoundClip read_sound_clip(const std::string& file, const std::filesystem::path& folder);

}  // namespace mcunet::pipeline
