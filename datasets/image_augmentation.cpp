#include "image_augmentation.hpp"

#include <algorithm>
#include <cmath>

namespace mcunet::datasets {
namespace {

constexpr double kMinAspect = 3.0 / 4.0;
constexpr double kMaxAspect = 4.0 / 3.0;

double between_logarithms(double low, double high, RandomStream& random) {
  return low * std::pow(high / low, random.uniform());
}

float luminance(const float* rgb) { return 0.299f * rgb[0] + 0.587f * rgb[1] + 0.114f * rgb[2]; }

// towards + factor * (value - towards), within the range of pixels. The pixels are in [-1, 1].
float blend(float value, float towards, float factor) {
  return std::clamp(towards + factor * (value - towards), -1.0f, 1.0f);
}

void change_brightness(std::span<float> pixels, float factor) {
  for (float& value : pixels) value = blend(value, -1, factor);
}

void change_contrast(std::span<float> pixels, int channels, float factor) {
  double sum = 0;
  const std::size_t step = static_cast<std::size_t>(channels);
  for (std::size_t i = 0; i < pixels.size(); i += step) {
    sum += channels == 3 ? luminance(&pixels[i]) : pixels[i];
  }
  const auto mean = static_cast<float>(sum * channels / static_cast<double>(pixels.size()));
  for (float& value : pixels) value = blend(value, mean, factor);
}

void change_saturation(std::span<float> pixels, float factor) {
  for (std::size_t i = 0; i < pixels.size(); i += 3) {
    const float gray = luminance(&pixels[i]);
    for (std::size_t c = 0; c < 3; ++c) pixels[i + c] = blend(pixels[i + c], gray, factor);
  }
}

}  // namespace

cv::Rect2d random_crop(cv::Size image, double min_scale, RandomStream& random) {
  const double area = static_cast<double>(image.width) * image.height;
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double crop_area = area * (min_scale + (1 - min_scale) * random.uniform());
    const double aspect = between_logarithms(kMinAspect, kMaxAspect, random);
    const double width = std::round(std::sqrt(crop_area * aspect));
    const double height = std::round(std::sqrt(crop_area / aspect));
    const double x = random.uniform();
    const double y = random.uniform();
    if (width < 1 || height < 1 || width > image.width || height > image.height) continue;
    return {std::floor(x * (image.width - width + 1)), std::floor(y * (image.height - height + 1)),
            width, height};
  }
  const double width = std::min<double>(image.width, std::round(image.height * kMaxAspect));
  const double height = std::min<double>(image.height, std::round(image.width / kMinAspect));
  return {std::floor((image.width - width) / 2), std::floor((image.height - height) / 2), width,
          height};
}

cv::Rect2d jittered_crop(cv::Size image, double jitter, RandomStream& random) {
  const auto moved = [&](double side) {
    return std::round(jitter * side * (2 * random.uniform() - 1));
  };
  const double left = moved(image.width);
  const double top = moved(image.height);
  const double right = image.width + moved(image.width);
  const double bottom = image.height + moved(image.height);
  return {left, top, std::max(1.0, right - left), std::max(1.0, bottom - top)};
}

VisiblePart visible_part(const cv::Rect2d& crop, cv::Size image, cv::Size picture) {
  const cv::Rect2d part = crop & cv::Rect2d({0, 0}, cv::Size2d(image));
  const cv::Size2d scale(picture.width / crop.width, picture.height / crop.height);
  const int left = std::min(picture.width - 1, cvRound((part.x - crop.x) * scale.width));
  const int top = std::min(picture.height - 1, cvRound((part.y - crop.y) * scale.height));
  const int right = cvRound((part.x + part.width - crop.x) * scale.width);
  const int bottom = cvRound((part.y + part.height - crop.y) * scale.height);
  return {part, {left, top, std::max(1, right - left), std::max(1, bottom - top)}};
}

Objects objects_in_crop(const Objects& objects, const Box& crop, bool flip) {
  const auto within = [](float side) { return std::clamp(side, 0.0f, 1.0f); };
  Objects moved;
  for (const BoxedObject& object : objects) {
    const Box whole = {(object.box.left - crop.left) / crop.width(),
                       (object.box.top - crop.top) / crop.height(),
                       (object.box.right - crop.left) / crop.width(),
                       (object.box.bottom - crop.top) / crop.height()};
    Box seen = {within(whole.left), within(whole.top), within(whole.right), within(whole.bottom)};
    const bool is_hidden = seen.area() < kLeastVisible * whole.area();
    if (flip) seen = {1 - seen.right, seen.top, 1 - seen.left, seen.bottom};
    if (seen.width() <= 0 || seen.height() <= 0) continue;
    const bool is_plain = object.kind == ObjectKind::kPlain;
    moved.push_back(
        {seen, object.label, is_plain && is_hidden ? ObjectKind::kDifficult : object.kind});
  }
  return moved;
}

ColourJitter draw_jitter(const ImageOptions& options, RandomStream& random) {
  const auto factor = [&](double strength) {
    return static_cast<float>(1 + strength * (2 * random.uniform() - 1));
  };
  ColourJitter jitter;
  jitter.factors[ColourJitter::kBrightness] = factor(options.brightness);
  jitter.factors[ColourJitter::kContrast] = factor(options.contrast);
  jitter.factors[ColourJitter::kSaturation] = factor(options.saturation);
  if (options.channels != 3) jitter.factors[ColourJitter::kSaturation] = 1;
  random.shuffle(jitter.order);
  return jitter;
}

void jitter_colours(std::span<float> pixels, int channels, const ColourJitter& jitter) {
  for (const ColourJitter::Step step : jitter.order) {
    const float factor = jitter.factors[step];
    if (factor == 1) continue;
    if (step == ColourJitter::kBrightness) change_brightness(pixels, factor);
    if (step == ColourJitter::kContrast) change_contrast(pixels, channels, factor);
    if (step == ColourJitter::kSaturation) change_saturation(pixels, factor);
  }
}

}  // namespace mcunet::datasets
