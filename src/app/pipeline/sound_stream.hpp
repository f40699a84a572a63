#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "media_input.hpp"

// Sound as it goes on, in clips that overlap: a file as if it were heard, or a microphone.
namespace mcunet::pipeline {

struct SoundStreamOptions {
  std::int64_t hop_samples = 0;  // from the beginning of one clip to that of the next
  bool in_real_time = true;      // of a file; else its clips come as fast as they are asked for
  std::function<bool()> is_stopped = {};  // asked while samples are waited for
};

struct StreamedClip {
  std::int64_t start = 0;  // its first sample
  SoundClip clip;
};

class SoundStream {
 public:
  // Throws Error if there is no such sound, or no program that records.
  static std::unique_ptr<SoundStream> of_file(const std::string& file,
                                              const datasets::LogMelParameters& parameters,
                                              SoundStreamOptions options);
  // By `arecord` of ALSA; `device` as its option -D takes it, empty: the default.
  static std::unique_ptr<SoundStream> of_microphone(const std::string& device,
                                                    const datasets::LogMelParameters& parameters,
                                                    SoundStreamOptions options);
  virtual ~SoundStream() = default;

  // The next clip, as soon as all of it was heard. In real time only the latest counts: clips before it
  // that nobody has asked for are left out. Nothing at the end, or if it was stopped. A sound that is
  // shorter than a clip is one, with silence around it. Throws Error if recording fails.
  std::optional<StreamedClip> next();

  // Clips that were left out.
  std::int64_t left_out() const { return left_out_; }

 protected:
  SoundStream(const datasets::LogMelParameters& parameters, SoundStreamOptions options)
      : parameters_(parameters), options_(std::move(options)) {}

  bool is_stopped() const { return options_.is_stopped && options_.is_stopped(); }
  bool in_real_time() const { return options_.in_real_time; }
  int sample_rate() const { return parameters_.sample_rate; }

 private:
  // Waits until so many samples were heard since the beginning; returns how many were, less at the end
  // or if it was stopped.
  virtual std::int64_t wait_for(std::int64_t count) = 0;
  // Of those that were heard. None before `first` will be asked for again.
  virtual std::vector<std::int16_t> samples(std::int64_t first, std::int64_t count) = 0;

  datasets::LogMelParameters parameters_;
  SoundStreamOptions options_;
  std::int64_t next_start_ = 0;
  std::int64_t left_out_ = 0;
};

}  // namespace mcunet::pipeline
