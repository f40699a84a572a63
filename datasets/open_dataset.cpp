#include "mcunet/datasets/open_dataset.hpp"

#include "mcunet/core/error.hpp"
#include "synthetic.hpp"

namespace mcunet::datasets {
namespace {

std::vector<Field> fields_of_image(ImageOptions& image) {
  return {field("channels", image.channels, between(1, 3)),
          field("min_crop_scale", image.min_crop_scale, between(0.01, 1)),
          field("flip", image.flip),
          field("brightness", image.brightness, between(0, 1)),
          field("contrast", image.contrast, between(0, 1)),
          field("saturation", image.saturation, between(0, 1))};
}

std::vector<Field> fields_of_synthetic(SyntheticOptions& synthetic) {
  return {field("examples", synthetic.examples, between(1, 1e9)),
          field("held_out_examples", synthetic.held_out_examples, between(1, 1e9)),
          field("classes", synthetic.classes, between(2, 1000))};
}

}  // namespace

std::vector<Field> fields_of(DatasetOptions& options) {
  return {choice("kind", options.kind, {{"synthetic-images", DatasetKind::kSyntheticImages}}),
          field("path", options.path), field("seed", options.seed),
          section("image", fields_of_image(options.image)),
          section("synthetic", fields_of_synthetic(options.synthetic))};
}

std::unique_ptr<Dataset> open_dataset(const DatasetOptions& options, Split split, int resolution,
                                      bool augment) {
  if (resolution < 1) throw Error("dataset: the resolution must be positive, is {}", resolution);
  switch (options.kind) {
    case DatasetKind::kSyntheticImages:
      return make_synthetic_images(options, split, resolution, augment);
    default:
      throw Error("dataset: kind is not known");
  }
}

}  // namespace mcunet::datasets
