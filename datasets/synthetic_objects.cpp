#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numbers>

#include "image_augmentation.hpp"
#include "mcunet/core/error.hpp"
#include "synthetic_images.hpp"

namespace mcunet::datasets {
namespace {

using std::numbers::pi;

// x and y of the shape's box are -1 to 1, from the upper left corner on.
struct Shape {
  const char* name;
  bool (*covers)(double x, double y);
};

constexpr Shape kShapes[] = {
    {"square", [](double, double) { return true; }},
    {"disc", [](double x, double y) { return x * x + y * y <= 1; }},
    {"triangle", [](double x, double y) { return std::abs(x) <= (y + 1) / 2; }},
    {"cross", [](double x, double y) { return std::min(std::abs(x), std::abs(y)) <= 1.0 / 3; }},
    {"ring", [](double x, double y) { return x * x + y * y <= 1 && x * x + y * y >= 0.4; }},
    {"diamond", [](double x, double y) { return std::abs(x) + std::abs(y) <= 1; }},
};

constexpr std::uint32_t kMostObjects = 4;
constexpr int kPlaces = 20;          // that are tried for an object
constexpr double kLeastSide = 0.18;  // of the image's
constexpr double kMostSide = 0.45;   // likewise
constexpr double kMostAspect = 1.4;
constexpr float kMostHidden = 0.1f;     // of the smaller of two boxes
constexpr double kNoise = 0.15;         // half the width of the uniform noise
constexpr double kLeastContrast = 0.5;  // of an object with the background, in one channel at least
constexpr std::size_t kMostChannels = 3;

using Colour = std::array<double, kMostChannels>;

Colour draw_colour(double most, RandomStream& random) {
  Colour colour;
  for (double& value : colour) value = most * (2 * random.uniform() - 1);
  return colour;
}

// A background that is darker to one side, with stripes over it as the difficulty has it.
struct Background {
  Colour colour = {};
  double slope_x = 0;
  double slope_y = 0;
  double stripes = 0;  // their amplitude
  double angle = 0;
  double frequency = 0;  // radians over the image's side
  double phase = 0;

  double at(double x, double y, std::size_t channel) const {
    const double wave = std::sin(frequency * (x * std::cos(angle) + y * std::sin(angle)) + phase);
    return colour[channel] + slope_x * (x - 0.5) + slope_y * (y - 0.5) + stripes * wave;
  }
};

struct Scene {
  Background background;
  Objects objects;
  std::vector<Colour> colours;  // of the objects
};

bool hides(const Box& a, const Box& b) {
  const float width = std::min(a.right, b.right) - std::max(a.left, b.left);
  const float height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  if (width <= 0 || height <= 0) return false;
  return width * height > kMostHidden * std::min(a.area(), b.area());
}

// Nothing if it finds no place beside the others.
std::optional<Box> draw_box(const Objects& others, RandomStream& random) {
  for (int i = 0; i < kPlaces; ++i) {
    const double side = kLeastSide + (kMostSide - kLeastSide) * random.uniform();
    const double aspect = std::pow(kMostAspect, 2 * random.uniform() - 1);
    const double width = side * std::sqrt(aspect);
    const double height = side / std::sqrt(aspect);
    const double left = (1 - width) * random.uniform();
    const double top = (1 - height) * random.uniform();
    const Box box = {static_cast<float>(left), static_cast<float>(top),
                     static_cast<float>(left + width), static_cast<float>(top + height)};
    const auto hides_box = [&](const BoxedObject& other) { return hides(other.box, box); };
    if (std::none_of(others.begin(), others.end(), hides_box)) return box;
  }
  return std::nullopt;
}

Background draw_background(double difficulty, RandomStream& random) {
  return {.colour = draw_colour(0.4, random),
          .slope_x = 0.4 * (random.uniform() - 0.5),
          .slope_y = 0.4 * (random.uniform() - 0.5),
          .stripes = 0.6 * difficulty * random.uniform(),
          .angle = pi * random.uniform(),
          .frequency = 2 * pi * (3 + 5 * random.uniform()),
          .phase = 2 * pi * random.uniform()};
}

// Apart from the background in its first channel, less so the more difficult it is.
Colour draw_object_colour(const Background& background, double difficulty, RandomStream& random) {
  Colour colour = draw_colour(1, random);
  const double contrast = kLeastContrast * (1 - 0.7 * difficulty) + 0.3 * random.uniform();
  const double first = background.colour[0];
  const bool is_brighter = random.uniform() < 0.5;
  colour[0] = is_brighter ? first + contrast : first - contrast;
  return colour;
}

class SyntheticObjects : public Dataset {
 public:
  SyntheticObjects(const DatasetOptions& options, Split split, int resolution, bool augment)
      : options_(options.image),
        shape_{resolution, resolution, options.image.channels},
        size_(split == Split::kTrain ? options.synthetic.examples
                                     : options.synthetic.held_out_examples),
        difficulty_(options.synthetic.difficulty),
        seed_(options.seed),
        split_(split),
        augment_(augment),
        classes_(shape_names(options)) {}

  std::int64_t size() const override { return size_; }
  const std::vector<std::string>& classes() const override { return classes_; }
  InputShape input_shape() const override { return shape_; }

  std::int32_t label(std::int64_t index) const override { return main_label(scene(index).objects); }

  Target target(std::int64_t index) const override { return scene(index).objects; }

  std::string name(std::int64_t index) const override {
    return fmt::format("synthetic image {}", index);
  }

  std::optional<Target> load(std::int64_t index, RandomStream& random,
                             std::span<float> output) const override {
    const Scene scene = this->scene(index);
    RandomStream fixed(seed_, {path(index), 1});
    RandomStream& draws = augment_ ? random : fixed;
    const bool flip = augment_ && options_.flip && random.uniform() < 0.5;
    float* value = output.data();
    for (int row = 0; row < shape_.height; ++row) {
      for (int column = 0; column < shape_.width; ++column) {
        const double x = (column + 0.5) / shape_.width;
        const double y = (row + 0.5) / shape_.height;
        for (int c = 0; c < shape_.channels; ++c) {
          const double pixel = colour_at(scene, flip ? 1 - x : x, y, static_cast<std::size_t>(c)) +
                               kNoise * (2 * draws.uniform() - 1);
          *value++ = static_cast<float>(std::clamp(pixel, -1.0, 1.0));
        }
      }
    }
    if (!augment_) return scene.objects;
    jitter_colours(output, options_.channels, draw_jitter(options_, random));
    return objects_in_crop(scene.objects, {0, 0, 1, 1}, flip);
  }

 private:
  std::uint64_t path(std::int64_t index) const {
    return static_cast<std::uint64_t>(index) * 3 + static_cast<std::uint64_t>(split_);
  }

  // The first object's class goes round, so that all classes are there.
  Scene scene(std::int64_t index) const {
    RandomStream random(seed_, {path(index), 0});
    Scene scene{draw_background(difficulty_, random), {}, {}};
    const auto classes = static_cast<std::uint32_t>(classes_.size());
    const std::uint32_t objects = 1 + random.index(kMostObjects);
    for (std::uint32_t i = 0; i < objects; ++i) {
      const auto any = static_cast<std::int32_t>(random.index(classes));
      const auto label = i == 0 ? static_cast<std::int32_t>(index % classes) : any;
      const std::optional<Box> box = draw_box(scene.objects, random);
      const Colour colour = draw_object_colour(scene.background, difficulty_, random);
      if (!box) continue;
      scene.objects.push_back({*box, label});
      scene.colours.push_back(colour);
    }
    return scene;
  }

  static double colour_at(const Scene& scene, double x, double y, std::size_t channel) {
    for (std::size_t i = scene.objects.size(); i-- > 0;) {  // the last lies over the others
      const Box& box = scene.objects[i].box;
      const double u = 2 * (x - box.left) / box.width() - 1;
      const double v = 2 * (y - box.top) / box.height() - 1;
      if (std::max(std::abs(u), std::abs(v)) > 1) continue;
      const auto label = static_cast<std::size_t>(scene.objects[i].label);
      if (kShapes[label].covers(u, v)) return scene.colours[i][channel];
    }
    return scene.background.at(x, y, channel);
  }

  ImageOptions options_;
  InputShape shape_;
  std::int64_t size_;
  double difficulty_;
  std::uint64_t seed_;
  Split split_;
  bool augment_;
  std::vector<std::string> classes_;
};

}  // namespace

std::vector<std::string> shape_names(const DatasetOptions& options) {
  const auto count = static_cast<std::size_t>(options.synthetic.classes);
  if (count > std::size(kShapes)) {
    throw Error("dataset.synthetic.classes: there are {} shapes to look for, not {}",
                std::size(kShapes), count);
  }
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.emplace_back(kShapes[i].name);
  return names;
}

std::unique_ptr<Dataset> make_synthetic_objects(const DatasetOptions& options, Split split,
                                                int resolution, bool augment) {
  return std::make_unique<SyntheticObjects>(options, split, resolution, augment);
}

}  // namespace mcunet::datasets
