#pragma once

#include <functional>
#include <optional>
#include <string>

#include "emulate_inputs.hpp"

// What `mcunet live` feeds to firmware, one after another.
namespace mcunet::cli {

struct LiveInput {
  std::string name;         // of a file, "frame 12", "1.50 s"
  deploy::Int8Bytes given;  // what the firmware takes
  deploy::Int8Bytes input;  // what is, or becomes, the network's input
};

// Of what could not be fed.
struct LiveLosses {
  std::int64_t unreadable = 0;  // files
  std::int64_t left_out = 0;    // clips, as the firmware was busy
};

// Gives the next input; nothing at the end, or once it was stopped. Throws Error.
using LiveSource = std::function<std::optional<LiveInput>()>;

struct LiveSourceOptions {
  InputOptions model;                     // its folder, and what black and white are to it
  std::string images;                     // a folder
  std::string camera;                     // one of these four is given
  std::string sound;                      // a file
  std::optional<std::string> microphone;  // empty: the default
  double hop_seconds = 0;                 // 0: half a clip
  bool in_real_time = true;
  std::function<bool()> is_stopped;
};

// Losses are counted in `losses`, and said on standard error where it is a file. Throws Error if the
// source cannot be opened, or if the network takes in something else.
LiveSource open_live_source(const LiveSourceOptions& options, const deploy::ModelDescription& model,
                            const pipeline::MediaReader& media, LiveLosses& losses);

}  // namespace mcunet::cli
