#include "synthetic_images.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace mcunet::datasets {
namespace {

using std::numbers::pi;

constexpr double kNoise = 0.5;  // half the width of the uniform noise; the stripes reach ±1

struct Stripes {
  double angle = 0;
  double frequency = 0;  // radians a pixel
  double phase = 0;

  double at(int x, int y) const {
    return std::sin(frequency * (x * std::cos(angle) + y * std::sin(angle)) + phase);
  }
};

// What makes an image harder to tell: its stripes fade out around a place, and others, whose
// direction says nothing, lie over them.
struct Clutter {
  double strength = 0;
  double x = 0;  // where the stripes are strongest, in pixels
  double y = 0;
  double falloff = 0;  // per squared pixel
  Stripes others;

  static Clutter draw(double difficulty, int width, RandomStream& random) {
    if (difficulty == 0) return {};
    const double radius = width * (0.2 + 0.3 * random.uniform()) / difficulty;
    return {.strength = difficulty * random.uniform(),
            .x = width * (0.2 + 0.6 * random.uniform()),
            .y = width * (0.2 + 0.6 * random.uniform()),
            .falloff = 0.5 / (radius * radius),
            .others = {.angle = pi * random.uniform(),
                       .frequency = 2 * pi * (3 + 5 * random.uniform()) / width,
                       .phase = 2 * pi * random.uniform()}};
  }

  double over(double wave, int px, int py) const {
    if (strength == 0) return wave;
    const double distance = (px - x) * (px - x) + (py - y) * (py - y);
    return wave * std::exp(-distance * falloff) + strength * others.at(px, py);
  }
};

class SyntheticImages : public Dataset {
 public:
  SyntheticImages(const DatasetOptions& options, Split split, int resolution, bool augment)
      : shape_{resolution, resolution, options.image.channels},
        size_(split == Split::kTrain ? options.synthetic.examples
                                     : options.synthetic.held_out_examples),
        difficulty_(options.synthetic.difficulty),
        targets_(options.targets),
        seed_(options.seed),
        split_(split),
        augment_(augment) {
    if (targets_ == TargetKind::kValues) {
      classes_ = {"value"};
      return;
    }
    for (int i = 0; i < options.synthetic.classes; ++i) {
      classes_.push_back(fmt::format("direction_{}", i));
    }
  }

  std::int64_t size() const override { return size_; }
  const std::vector<std::string>& classes() const override { return classes_; }
  InputShape input_shape() const override { return shape_; }

  std::int32_t label(std::int64_t index) const override {
    return static_cast<std::int32_t>(index % static_cast<std::int64_t>(classes_.size()));
  }

  std::string name(std::int64_t index) const override {
    return fmt::format("synthetic image {}", index);
  }

  // A value is how many stripes there are across the image.
  Target target(std::int64_t index) const override {
    if (targets_ != TargetKind::kValues) return label(index);
    RandomStream content = content_of(index);
    double contrast = 0;
    const Stripes stripes = draw_stripes(index, content, contrast);
    return static_cast<float>(stripes.frequency * shape_.width / (2 * pi));
  }

  std::optional<Target> load(std::int64_t index, RandomStream& random,
                             std::span<float> output) const override {
    RandomStream content = content_of(index);
    double contrast = 0;
    Stripes stripes = draw_stripes(index, content, contrast);
    double colour[16];
    for (int c = 0; c < shape_.channels; ++c) {
      colour[c] = (c == 0 ? 1 : 2 * content.uniform() - 1) * contrast;
    }
    const Clutter clutter = Clutter::draw(difficulty_, shape_.width, content);
    if (augment_) {
      stripes.phase += 2 * pi * random.uniform();
      contrast = 0.7 + 0.3 * random.uniform();
      for (int c = 0; c < shape_.channels; ++c) colour[c] *= contrast;
    }
    RandomStream& noise = augment_ ? random : content;
    float* value = output.data();
    for (int y = 0; y < shape_.height; ++y) {
      for (int x = 0; x < shape_.width; ++x) {
        const double wave = clutter.over(stripes.at(x, y), x, y);
        for (int c = 0; c < shape_.channels; ++c) {
          const double pixel = 0.5 * colour[c] * wave + kNoise * (2 * noise.uniform() - 1);
          *value++ = static_cast<float>(std::clamp(pixel, -1.0, 1.0));
        }
      }
    }
    return target(index);
  }

 private:
  RandomStream content_of(std::int64_t index) const {
    return RandomStream(seed_, {static_cast<std::uint64_t>(split_), std::uint64_t(index)});
  }

  Stripes draw_stripes(std::int64_t index, RandomStream& content, double& contrast) const {
    const double jitter = 0.3 + 0.5 * difficulty_;  // of the angle between two classes
    Stripes stripes{.angle = pi * (label(index) + jitter * (content.uniform() - 0.5)) /
                             static_cast<double>(classes_.size()),
                    .phase = 2 * pi * content.uniform()};
    contrast = 0.5 + 0.5 * content.uniform();
    stripes.frequency = 2 * pi * (3 + 3 * content.uniform()) / shape_.width;
    return stripes;
  }

  InputShape shape_;
  std::int64_t size_;
  double difficulty_;
  TargetKind targets_;
  std::uint64_t seed_;
  Split split_;
  bool augment_;
  std::vector<std::string> classes_;
};

}  // namespace

std::unique_ptr<Dataset> make_synthetic_images(const DatasetOptions& options, Split split,
                                               int resolution, bool augment) {
  return std::make_unique<SyntheticImages>(options, split, resolution, augment);
}

}  // namespace mcunet::datasets
