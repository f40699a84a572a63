#include "image_dataset.hpp"

#include <fmt/format.h>

#include <cstring>
#include <numeric>
#include <opencv2/imgproc.hpp>

#include "decoded_cache.hpp"
#include "image_augmentation.hpp"
#include "image_decoding.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/names.hpp"

namespace mcunet::datasets {
namespace {

// For augmentation the cache keeps images whose shorter side is this many times the resolution, so
// that crops are rarely enlarged.
constexpr int kCachedSides = 2;

constexpr int kGray = 128;  // beside an image

cv::Size size_with_shorter_side(cv::Size image, int side) {
  const double scale = static_cast<double>(side) / std::min(image.width, image.height);
  if (scale >= 1) return image;
  return {std::max(1, cvRound(image.width * scale)), std::max(1, cvRound(image.height * scale))};
}

// Of pixels with 8 bits.
std::array<float, 256> values_of(const ImagePreprocessing& preprocessing) {
  std::array<float, 256> values;
  for (std::size_t p = 0; p < values.size(); ++p) values[p] = preprocessing.input_of(int(p));
  return values;
}

// Blue first, to red first and what the table says.
template <typename T>
void convert(const cv::Mat& image, bool flip, const std::array<T, 256>& table,
             std::span<T> output) {
  const int channels = image.channels();
  T* to = output.data();
  for (int y = 0; y < image.rows; ++y) {
    const std::uint8_t* row = image.ptr(y);
    const int step = flip ? -channels : channels;
    const std::uint8_t* from = flip ? row + (image.cols - 1) * channels : row;
    for (int x = 0; x < image.cols; ++x, from += step, to += channels) {
      if (channels == 3) {
        to[0] = table[from[2]];
        to[1] = table[from[1]];
        to[2] = table[from[0]];
      } else {
        to[0] = table[from[0]];
      }
    }
  }
}

// What decoding depends on.
std::string cache_key(const ImagePreprocessing& image, bool augment) {
  const InputShape& shape = image.shape;
  const std::string fit = augment ? fmt::format("{} for crops", kCachedSides * shape.width)
                          : image.fit == ImageFit::kStretch
                              ? fmt::format("stretched to {}", shape.width)
                              : fmt::format("centre {} of {}", shape.width, image.crop_share);
  return fmt::format("image 4, {} channels, {} bits, {}", shape.channels, image.bits.value_or(0),
                     fit);
}

class ImageDataset : public Dataset {
 public:
  ImageDataset(FileList list, const DatasetOptions& options, int resolution, bool augment)
      : list_(std::move(list)),
        options_(options.image),
        preprocessing_(std::get<ImagePreprocessing>(preprocessing_of(options, resolution))),
        max_unreadable_share_(options.max_unreadable_share),
        augment_(augment),
        targets_(options.targets),
        has_boxes_(options.targets == TargetKind::kBoxes),
        cache_(options.cache),
        cache_key_(cache_key(preprocessing_, augment)),
        values_(values_of(preprocessing_)) {}

  std::int64_t size() const override { return static_cast<std::int64_t>(list_.files.size()); }
  const std::vector<std::string>& classes() const override { return list_.classes; }
  InputShape input_shape() const override { return preprocessing_.shape; }
  std::int32_t label(std::int64_t index) const override { return file(index).label; }
  std::string name(std::int64_t index) const override { return escaped(file(index).path); }
  double max_unreadable_share() const override { return max_unreadable_share_; }

  std::optional<Target> load(std::int64_t index, RandomStream& random,
                             std::span<float> output) const override {
    std::optional<Drawn> drawn = draw(index, random);
    if (!drawn) return std::nullopt;
    convert(drawn->image, drawn->flip, values_, output);
    jitter_colours(output, options_.channels, drawn->jitter);
    return std::move(drawn->target);
  }

  std::optional<std::array<float, 256>> pixel_values() const override { return values_; }

  std::optional<Picture> load_pixels(std::int64_t index, RandomStream& random,
                                     std::span<std::uint8_t> output) const override {
    static const std::array<std::uint8_t, 256> as_they_are = [] {
      std::array<std::uint8_t, 256> table;
      std::iota(table.begin(), table.end(), std::uint8_t{0});
      return table;
    }();
    std::optional<Drawn> drawn = draw(index, random);
    if (!drawn) return std::nullopt;
    convert(drawn->image, drawn->flip, as_they_are, output);
    return Picture{std::move(drawn->target), drawn->jitter};
  }

  Target target(std::int64_t index) const override {
    const LabelledFile& example = file(index);
    if (targets_ == TargetKind::kValues) return example.value;
    if (!has_boxes_) return example.label;
    if (preprocessing_.fit == ImageFit::kStretch) return example.objects;
    const auto encoded = EncodedImage::read(example.path, preprocessing_.bits);
    if (!encoded) return example.objects;
    const Crop crop{encoded->size(), evaluation_crop(encoded->size(), preprocessing_)};
    return objects_in_crop(example.objects, crop.shares(), /*flip=*/false);
  }

 private:
  // Of an image, whole or reduced; it may reach beyond.
  struct Crop {
    cv::Size image;
    cv::Rect2d part;

    Box shares() const {
      const cv::Point2d end = part.br();
      return {static_cast<float>(part.x / image.width), static_cast<float>(part.y / image.height),
              static_cast<float>(end.x / image.width), static_cast<float>(end.y / image.height)};
    }
  };

  // An example in the size of the input, and what is still to be done to it.
  struct Drawn {
    cv::Mat image;
    bool flip = false;
    ColourJitter jitter;
    Target target;
  };

  // Augmented, if the split is; nothing if the file is corrupt.
  std::optional<Drawn> draw(std::int64_t index, RandomStream& random) const {
    Drawn drawn;
    if (!augment_) {
      drawn.image = cached(file(index).path);
      if (drawn.image.empty()) return std::nullopt;
      drawn.target = target(index);
      return drawn;
    }
    Crop crop;
    drawn.image = cropped(file(index).path, random, crop);
    if (drawn.image.empty()) return std::nullopt;
    drawn.flip = options_.flip && random.uniform() < 0.5;
    drawn.jitter = draw_jitter(options_, random);
    drawn.target = has_boxes_ ? objects_in_crop(file(index).objects, crop.shares(), drawn.flip)
                              : target(index);
    return drawn;
  }

  const LabelledFile& file(std::int64_t index) const {
    return list_.files[static_cast<std::size_t>(index)];
  }

  Crop draw_crop(cv::Size image, RandomStream& random) const {
    if (has_boxes_) return {image, jittered_crop(image, options_.box_jitter, random)};
    return {image, random_crop(image, options_.min_crop_scale, random)};
  }

  // A random crop in the size of the input, gray where it leaves the image; empty if that is corrupt.
  cv::Mat cropped(const std::string& path, RandomStream& random, Crop& crop) const {
    const cv::Size size(preprocessing_.shape.width, preprocessing_.shape.height);
    cv::Mat source;
    VisiblePart visible;
    if (cache_.is_on()) {
      source = cached(path);
      if (source.empty()) return {};
      crop = draw_crop(source.size(), random);
      visible = visible_part(crop.part, crop.image, size);
    } else {
      const auto encoded = EncodedImage::read(path, preprocessing_.bits);
      if (!encoded) return {};
      crop = draw_crop(encoded->size(), random);
      visible = visible_part(crop.part, crop.image, size);
      source = encoded->decode(options_.channels, visible.place.size(), visible.part);
      if (source.empty()) return {};
    }
    cv::Mat seen = resize_crop(source, visible.part, visible.place.size());
    if (seen.size() == size) return seen;
    cv::Mat picture(size, seen.type(), cv::Scalar::all(kGray));
    seen.copyTo(picture(visible.place));
    return picture;
  }

  // The part of an example that does not change from epoch to epoch; empty if it is corrupt.
  cv::Mat cached(const std::string& path) const {
    if (const auto array = cache_.read(path, cache_key_);
        array && array->element_bytes == options_.channels) {
      cv::Mat image(array->rows, array->columns, CV_8UC(options_.channels));
      std::memcpy(image.data, array->bytes.data(), array->bytes.size());
      return image;
    }
    cv::Mat image = decode_fixed_part(path);
    if (!image.empty() && cache_.is_on()) {
      cache_.write(path, cache_key_,
                   {image.rows,
                    image.cols,
                    options_.channels,
                    {image.data, image.data + image.total() * image.elemSize()}});
    }
    return image;
  }

  cv::Mat decode_fixed_part(const std::string& path) const {
    if (!augment_) return read_for_evaluation(path, preprocessing_);
    const auto encoded = EncodedImage::read(path, preprocessing_.bits);
    if (!encoded) return {};
    const cv::Size size = encoded->size();
    const cv::Size target = size_with_shorter_side(size, kCachedSides * preprocessing_.shape.width);
    cv::Rect2d crop({0, 0}, cv::Size2d(size));
    const cv::Mat source = encoded->decode(options_.channels, target, crop);
    return source.empty() ? source : resize_crop(source, crop, target);
  }

  FileList list_;
  ImageOptions options_;
  ImagePreprocessing preprocessing_;
  double max_unreadable_share_;
  bool augment_;
  TargetKind targets_;
  bool has_boxes_;
  DecodedCache cache_;
  std::string cache_key_;
  std::array<float, 256> values_;  // that pixels stand for
};

}  // namespace

std::unique_ptr<Dataset> make_image_dataset(FileList list, const DatasetOptions& options,
                                            int resolution, bool augment) {
  return std::make_unique<ImageDataset>(std::move(list), options, resolution, augment);
}

}  // namespace mcunet::datasets
