#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "mcunet/core/random.hpp"
#include "mcunet/datasets/boxes.hpp"

// Labelled examples, decoded to what a network takes in. No libtorch here: an example is plain
// floats in NHWC order, which is libtorch's channels-last layout.
namespace mcunet::datasets {

enum class Split {
  kTrain,   // what is left of the training data after kSearch is taken out
  kSearch,  // held out of the training data (or the dataset's own validation split)
  kTest,
};

// Of one example, without the batch dimension.
struct InputShape {
  int height = 0;
  int width = 0;
  int channels = 0;

  std::int64_t elements() const { return std::int64_t{height} * width * channels; }
  bool operator==(const InputShape&) const = default;
};

// What a network is to tell of an example: its class, an index into Dataset::classes(); the objects on
// it; or a value.
using Target = std::variant<std::int32_t, Objects, float>;

// What is still to be done to the pixels of an example: in this order, each by the factor by which they are to
// be as far from black, from their mean, from their gray as they are. 1 changes nothing.
struct ColourJitter {
  enum Step : std::uint8_t { kBrightness, kContrast, kSaturation };
  std::array<Step, 3> order = {kBrightness, kContrast, kSaturation};
  std::array<float, 3> factors = {1, 1, 1};  // by step

  bool is_idle() const { return factors == std::array<float, 3>{1, 1, 1}; }
};

// Of an example as pixels.
struct Picture {
  Target target;
  ColourJitter jitter;
};

// One split of a dataset. All functions may be called by several threads at once.
class Dataset {
 public:
  virtual ~Dataset() = default;

  virtual std::int64_t size() const = 0;
  virtual const std::vector<std::string>& classes() const = 0;
  virtual InputShape input_shape() const = 0;

  // Index into classes(): of the example, or of what there is most of on it, kNoObjects if there is
  // nothing; 0 where values are told.
  virtual std::int32_t label(std::int64_t index) const = 0;

  // Of the example as load() gives it without augmentation.
  virtual Target target(std::int64_t index) const { return label(index); }

  // What a user would call the example: its file, or "synthetic 17". Fit for a line of text.
  virtual std::string name(std::int64_t index) const = 0;

  // Decodes one example, augments it with draws from `random` alone if the split was opened for
  // augmentation, and writes input_shape().elements() floats in HWC order, normalized to [-1, 1]
  // (mean = std = 0.5). Gives its target, which augmentation may have moved; nothing if the file is
  // corrupt or truncated, and `output` is then unspecified.
  virtual std::optional<Target> load(std::int64_t index, RandomStream& random,
                                     std::span<float> output) const = 0;

  // What each value of a pixel stands for in load()'s output; nothing if an example is not made of pixels of
  // 8 bits.
  virtual std::optional<std::array<float, 256>> pixel_values() const { return std::nullopt; }

  // load() of a dataset that has pixel_values(), before pixels become floats and their colours change: a
  // quarter of the memory.
  virtual std::optional<Picture> load_pixels(std::int64_t index, RandomStream& random,
                                             std::span<std::uint8_t> output) const;

  // Of the examples; whoever meets more that cannot be read throws Error, by require_readable().
  virtual double max_unreadable_share() const { return 0.01; }

  // The samples of which load() makes an example without augmentation, as long as a clip. Nothing
  // if it is not made of sound, or unreadable.
  virtual std::optional<std::vector<std::int16_t>> sound(std::int64_t index) const {
    static_cast<void>(index);
    return std::nullopt;
  }
};

// Throws Error if of the examples `seen`, but at least of a thousand or of the whole dataset, more
// were unreadable than the dataset allows; `first` names one.
void require_readable(const Dataset& dataset, std::int64_t unreadable, std::int64_t seen,
                      const std::string& first);

}  // namespace mcunet::datasets
