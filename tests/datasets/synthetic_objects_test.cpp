#include <cmath>
#include <map>

#include "core/error_text.hpp"
#include "synthetic_images.hpp"

namespace mcunet::datasets {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

DatasetOptions shapes() {
  DatasetOptions options{.kind = DatasetKind::kSyntheticImages, .targets = TargetKind::kBoxes};
  options.synthetic.examples = 400;
  return options;
}

std::pair<std::vector<float>, Objects> load(const Dataset& dataset, std::int64_t index,
                                            std::uint64_t seed = 0) {
  std::vector<float> output(static_cast<std::size_t>(dataset.input_shape().elements()));
  RandomStream random(seed, {static_cast<std::uint64_t>(index)});
  const auto target = dataset.load(index, random, output);
  return {output, std::get<Objects>(target.value())};
}

TEST(SyntheticObjects, AreOneToFourOfAllClassesThatHideLittle) {
  const auto dataset = open_dataset(shapes(), Split::kTrain, 32, false);
  EXPECT_THAT(dataset->classes(), ElementsAre("square", "disc", "triangle", "cross"));
  EXPECT_EQ(class_names(shapes()), dataset->classes());
  std::map<std::size_t, int> sizes;
  std::map<std::int32_t, int> labels;
  for (std::int64_t i = 0; i < dataset->size(); ++i) {
    const Objects objects = std::get<Objects>(dataset->target(i));
    ++sizes[objects.size()];
    for (const BoxedObject& object : objects) {
      ++labels[object.label];
      EXPECT_GE(std::min(object.box.left, object.box.top), 0);
      EXPECT_LE(std::max(object.box.right, object.box.bottom), 1);
      for (const BoxedObject& other : objects) {
        if (&other == &object) continue;
        EXPECT_LT(intersection_over_union(object.box, other.box), 0.1);
      }
    }
  }
  EXPECT_EQ(sizes.size(), 4u);
  for (const auto& [size, count] : sizes) EXPECT_GT(count, 40) << size;
  for (const auto& [label, count] : labels) EXPECT_GT(count, 150) << label;
}

TEST(SyntheticObjects, AreTheSameForASeedAndDifferBetweenSplits) {
  const auto train = open_dataset(shapes(), Split::kTrain, 32, false);
  EXPECT_EQ(load(*train, 3, 1), load(*train, 3, 2));
  EXPECT_EQ(load(*train, 3).second, std::get<Objects>(train->target(3)));
  const auto test = open_dataset(shapes(), Split::kTest, 32, false);
  EXPECT_NE(train->target(3), test->target(3));
  EXPECT_NE(train->target(3), train->target(4));
  // What is there does not depend on the resolution.
  EXPECT_EQ(train->target(3), open_dataset(shapes(), Split::kTrain, 48, false)->target(3));
  const auto augmented = open_dataset(shapes(), Split::kTrain, 32, true);
  EXPECT_NE(load(*augmented, 3, 1).first, load(*augmented, 3, 2).first);
}

// A square without noise around it has the values of one colour within and others without.
TEST(SyntheticObjects, LieInTheirBoxes) {
  DatasetOptions options = shapes();
  options.image.brightness = options.image.contrast = options.image.saturation = 0;
  for (const bool augment : {false, true}) {
    const auto dataset = open_dataset(options, Split::kTrain, 64, augment);
    int squares = 0;
    for (std::int64_t i = 0; i < 100; ++i) {
      const auto [image, objects] = load(*dataset, i);
      if (objects.size() != 1 || objects[0].label != 0) continue;
      ++squares;
      const Box& box = objects[0].box;
      const auto mean_of_column = [&, &image = image](float x) {
        double sum = 0;
        const auto column = static_cast<std::size_t>(x * 64);
        const auto top = static_cast<std::size_t>(box.top * 64) + 1;
        const auto bottom = static_cast<std::size_t>(box.bottom * 64);
        for (std::size_t y = top; y < bottom; ++y) sum += image[(y * 64 + column) * 3];
        return sum / static_cast<double>(bottom - top);
      };
      const float pixel = 1.5f / 64;
      if (box.left > pixel) {
        EXPECT_GT(std::abs(mean_of_column(box.left + pixel) - mean_of_column(box.left - pixel)),
                  0.2);
      }
      if (box.right < 1 - pixel) {
        EXPECT_GT(std::abs(mean_of_column(box.right - pixel) - mean_of_column(box.right + pixel)),
                  0.2);
      }
    }
    EXPECT_GT(squares, 2);
  }
}

TEST(SyntheticObjects, AreOfSixShapes) {
  DatasetOptions options = shapes();
  options.synthetic.classes = 6;
  EXPECT_EQ(open_dataset(options, Split::kTest, 32, false)->classes().size(), 6u);
  options.synthetic.classes = 7;
  EXPECT_THAT(error_of([&] { open_dataset(options, Split::kTest, 32, false); }),
              HasSubstr("dataset.synthetic.classes: there are 6 shapes to look for, not 7"));
}

}  // namespace
}  // namespace mcunet::datasets
