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

void jitter_colours(std::span<float> pixels, const ImageOptions& options, RandomStream& random) {
  const auto factor = [&](double strength) {
    return static_cast<float>(1 + strength * (2 * random.uniform() - 1));
  };
  const float brightness = factor(options.brightness);
  const float contrast = factor(options.contrast);
  const float saturation = factor(options.saturation);
  int order[] = {0, 1, 2};
  random.shuffle(order);
  for (int step : order) {
    if (step == 0 && options.brightness > 0) change_brightness(pixels, brightness);
    if (step == 1 && options.contrast > 0) change_contrast(pixels, options.channels, contrast);
    if (step == 2 && options.saturation > 0 && options.channels == 3) {
      change_saturation(pixels, saturation);
    }
  }
}

}  // namespace mcunet::datasets
