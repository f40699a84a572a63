#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "mcunet/datasets/boxes.hpp"
#include "mcunet/datasets/preprocessing.hpp"
#include "mcunet/deploy/emulator.hpp"

// Images, sounds and series as the input of a network: int8, uint8 or float as its tensor is.
namespace mcunet::pipeline {

struct MediaOptions {
  datasets::ImagePreprocessing image;  // of the shape of the tensor
  int sample_rate = 0;                 // Hz, to which a sound is resampled; 0: as it is
};

// A sound as a network with feature extraction takes it in.
struct SoundClip {
  deploy::Int8Bytes samples;   // int16 as they lie in memory
  deploy::Int8Bytes features;  // what the host makes of them: the network's input
};

// What a detector found in an image file.
struct BoxPicture {
  std::string png;                    // the image with the boxes over it
  std::vector<datasets::Box> pixels;  // the boxes in the image's pixels
};

// See read_media_input, read_sound_clip, read_windows and draw_box_picture.
struct MediaReader {
  std::function<deploy::Int8Bytes(const std::string& file, const deploy::ModelTensor& tensor,
                                  const MediaOptions& options)>
      read_input;
  std::function<SoundClip(const std::string& file, const datasets::LogMelParameters& parameters)>
      read_clip;
  std::function<std::vector<deploy::Int8Bytes>(const std::string& file,
                                               const datasets::SeriesPreprocessing& series)>
      read_windows;
  std::function<BoxPicture(
      const std::string& file, const datasets::ImagePreprocessing& preprocessing,
      const datasets::Detections& detections, const std::vector<std::string>& classes)>
      draw_boxes;
};

// By the decoders of this program.
extern const MediaReader kMediaReader;

// Whether the file's name is that of a sound, of a recording of sensors, of an array among these (.npy);
// of an image or a sound.
bool is_sound(const std::string& file);
bool is_recording(const std::string& file);
bool is_array(const std::string& file);
bool is_media(const std::string& file);

// ".jpg, .png, …": the names of images and sounds.
std::string media_extensions();

// An image as the options say. A sound is for networks that take in samples, of which each stands for -1 to 1: channels are
// averaged, and the end is cut off or filled with silence. Real values are quantized as the tensor
// says. Throws Error if the file is damaged or the tensor takes no such thing.
deploy::Int8Bytes read_media_input(const std::string& file, const deploy::ModelTensor& tensor,
                                   const MediaOptions& options);

// Pixels of 8 bits as the preprocessing makes them of an image or a frame, as the input.
deploy::Int8Bytes quantize_pixels(std::span<const std::uint8_t> pixels,
                                  const deploy::ModelTensor& tensor,
                                  const datasets::ImagePreprocessing& preprocessing);

// Pixels of 8 bits, red, green, blue, or gray where the format is, as a camera of that format gives
// them. Widths are even for those that join two pixels.
deploy::Int8Bytes encode_pixels(std::span<const std::uint8_t> pixels, engine::PixelFormat format);

// Resampled to the rate of a network with feature extraction and cut to its length, as in the
// evaluation of the dataset. Throws Error if the file is damaged.
SoundClip read_sound_clip(const std::string& file, const datasets::LogMelParameters& parameters);

// The windows of a recording of sensors, as the evaluation of the dataset sees them. Throws Error if
// the file is damaged or lacks a channel.
std::vector<deploy::Int8Bytes> read_windows(const std::string& file,
                                            const datasets::SeriesPreprocessing& series);

// Of an image that became an input by this preprocessing. Throws Error if it is damaged.
BoxPicture draw_box_picture(const std::string& file,
                            const datasets::ImagePreprocessing& preprocessing,
                            const datasets::Detections& detections,
                            const std::vector<std::string>& classes);

}  // namespace mcunet::pipeline
