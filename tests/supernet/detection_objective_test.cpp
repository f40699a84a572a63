#include "mcunet/supernet/detection_objective.hpp"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <cmath>

#include "core/error_text.hpp"
#include "mcunet/supernet/tensors.hpp"

namespace mcunet::supernet {
namespace {

using datasets::Anchor;
using datasets::Box;
using datasets::BoxedObject;
using datasets::ObjectKind;
using datasets::Objects;

const std::vector<Anchor> kAnchors = {{0.2, 0.3}, {0.6, 0.5}};
constexpr int kClasses = 3;
constexpr int kValues = 5 + kClasses;
constexpr int kRows = 4;
constexpr int kColumns = 3;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// One cell's box of one anchor, as the paper has it.
struct Cell {
  const at::Tensor& outputs;  // [anchors * values, rows, columns] of an image
  int anchor, row, column;

  double value(int i) const { return outputs[anchor * kValues + i][row][column].item<double>(); }
  Box box() const {
    const double x = (column + sigmoid(value(0))) / kColumns;
    const double y = (row + sigmoid(value(1))) / kRows;
    const double w = kAnchors[static_cast<std::size_t>(anchor)].width * std::exp(value(2));
    const double h = kAnchors[static_cast<std::size_t>(anchor)].height * std::exp(value(3));
    return {float(x - w / 2), float(y - h / 2), float(x + w / 2), float(y + h / 2)};
  }
};

double log_softmax(const Cell& cell, int label) {
  double sum = 0;
  for (int c = 0; c < kClasses; ++c) sum += std::exp(cell.value(5 + c));
  return cell.value(5 + label) - std::log(sum);
}

bool is_for(const Cell& cell, const BoxedObject& object) {
  if (object.kind != ObjectKind::kPlain) return false;
  const Box& b = object.box;
  const int column = static_cast<int>((b.left + b.right) / 2 * kColumns);
  const int row = static_cast<int>((b.top + b.bottom) / 2 * kRows);
  int best = 0;
  double most = -1;
  for (int a = 0; a < static_cast<int>(kAnchors.size()); ++a) {
    const Anchor& anchor = kAnchors[static_cast<std::size_t>(a)];
    const Box shape{0, 0, float(anchor.width), float(anchor.height)};
    const double overlap = intersection_over_union(shape, {0, 0, b.width(), b.height()});
    if (overlap > most) best = a;
    most = std::max(most, overlap);
  }
  return cell.anchor == best && cell.row == row && cell.column == column;
}

double loss_of(const Cell& cell, const Objects& objects, const DetectionLossOptions& options) {
  const BoxedObject* own = nullptr;
  double nearest = 0;
  for (const BoxedObject& object : objects) {
    nearest = std::max<double>(nearest, intersection_over_union(cell.box(), object.box));
    if (is_for(cell, object)) own = &object;
  }
  const double objectness = sigmoid(cell.value(4));
  if (own == nullptr) {
    return nearest > options.overlap ? 0 : options.no_object * objectness * objectness;
  }
  const Box& b = own->box;
  const Anchor& anchor = kAnchors[static_cast<std::size_t>(cell.anchor)];
  const double errors[] = {
      sigmoid(cell.value(0)) - ((b.left + b.right) / 2 * kColumns - cell.column),
      sigmoid(cell.value(1)) - ((b.top + b.bottom) / 2 * kRows - cell.row),
      cell.value(2) - std::log(b.width() / anchor.width),
      cell.value(3) - std::log(b.height() / anchor.height)};
  double box = 0;
  for (const double error : errors) box += error * error;
  const double object = objectness - intersection_over_union(cell.box(), b);
  return options.box * (2 - b.area()) * box + options.object * object * object -
         options.classes * log_softmax(cell, own->label);
}

double expected_loss(const at::Tensor& outputs, const std::vector<Objects>& images,
                     const DetectionLossOptions& options) {
  double sum = 0;
  for (std::size_t i = 0; i < images.size(); ++i) {
    const at::Tensor image = outputs[static_cast<std::int64_t>(i)];
    for (int a = 0; a < static_cast<int>(kAnchors.size()); ++a) {
      for (int row = 0; row < kRows; ++row) {
        for (int column = 0; column < kColumns; ++column) {
          sum += loss_of({image, a, row, column}, images[i], options);
        }
      }
    }
  }
  return sum / static_cast<double>(images.size());
}

at::Tensor targets_of_images(const std::vector<Objects>& images) {
  return targets_of(std::vector<datasets::Target>(images.begin(), images.end()));
}

at::Tensor random_outputs(std::int64_t images, std::uint64_t seed) {
  at::manual_seed(seed);
  return at::randn({images, static_cast<std::int64_t>(kAnchors.size()) * kValues, kRows, kColumns});
}

const std::vector<Objects> kImages = {
    {{{0.1F, 0.1F, 0.3F, 0.5F}, 2}, {{0.4F, 0.2F, 0.95F, 0.7F}, 0}},
    {},
    {{{0, 0, 0.6F, 0.6F}, 1, ObjectKind::kDifficult}, {{0.5F, 0.5F, 1, 1}, 1}},
};

TEST(DetectionObjective, IsTheLossOfThePaper) {
  const DetectionLossOptions options[] = {
      {}, {.box = 5, .object = 1, .no_object = 0.5}, {.classes = 3, .overlap = 0.2}};
  for (const DetectionLossOptions& o : options) {
    const auto objective = detection_objective(kAnchors, kClasses, o);
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      const at::Tensor outputs = random_outputs(3, seed);
      EXPECT_NEAR(objective->loss(outputs, targets_of_images(kImages)).item<double>(),
                  expected_loss(outputs, kImages, o), 1e-3)
          << seed;
    }
  }
}

TEST(DetectionObjective, OfImagesWithoutObjectsIsTheirObjectness) {
  const auto objective = detection_objective(kAnchors, kClasses, {});
  const at::Tensor outputs = random_outputs(2, 3);
  const std::vector<Objects> empty(2);
  EXPECT_NEAR(objective->loss(outputs, targets_of_images(empty)).item<double>(),
              expected_loss(outputs, empty, {}), 1e-4);
  EXPECT_EQ(objective->measure(outputs, targets_of_images(empty)).count.item<int>(), 0);
}

// What lies on a difficult object, or a crowd, is neither right nor wrong.
TEST(DetectionObjective, LetsWhatLiesOnDifficultObjectsBe) {
  const auto objective = detection_objective({{1, 1}}, 1, {.overlap = 0.5});
  const at::Tensor outputs = at::zeros({1, 6, 1, 1});  // one box, nearly the whole image
  for (const ObjectKind kind : {ObjectKind::kDifficult, ObjectKind::kCrowd}) {
    const std::vector<Objects> images = {{{{0, 0, 1, 1}, 0, kind}}};
    EXPECT_EQ(objective->loss(outputs, targets_of_images(images)).item<double>(), 0);
  }
  EXPECT_GT(objective->loss(outputs, targets_of_images({{}})).item<double>(), 0.2);
}

TEST(DetectionObjective, GivesOneBoxToTheLaterOfTwoObjects) {
  const auto objective = detection_objective({{0.5, 0.5}}, 2, {});
  const Objects both = {{{0.2F, 0.2F, 0.8F, 0.8F}, 0}, {{0.25F, 0.25F, 0.75F, 0.75F}, 1}};
  const at::Tensor outputs = at::zeros({1, 7, 1, 1});
  const Measure measure = objective->measure(outputs, targets_of_images({both}));
  EXPECT_EQ(measure.count.item<int>(), 1);
  EXPECT_NEAR(measure.sum.item<double>(), 1, 1e-6);
}

// Descent on the outputs themselves ends with boxes on the objects.
TEST(DetectionObjective, IsLeastWhereTheBoxesAreRight) {
  const auto objective = detection_objective(kAnchors, kClasses, {});
  const at::Tensor targets = targets_of_images(kImages);
  at::Tensor outputs = random_outputs(3, 1).set_requires_grad(true);
  for (int step = 0; step < 1000; ++step) {
    const at::Tensor loss = objective->loss(outputs, targets);
    outputs.mutable_grad().reset();
    loss.backward();
    const at::NoGradGuard no_grad;
    outputs.sub_(outputs.grad() * 0.3);
  }
  const Measure measure = objective->measure(outputs.detach(), targets);
  EXPECT_EQ(measure.count.item<int>(), 3);
  EXPECT_GT(measure.sum.item<double>() / 3, 0.97);
  EXPECT_LT(objective->loss(outputs.detach(), targets).item<double>(), 0.2);
}

TEST(DetectionObjective, TeachesTheOutputsOfATeacher) {
  const auto objective = detection_objective(kAnchors, kClasses, {});
  const at::Tensor a = random_outputs(2, 1);
  const at::Tensor b = random_outputs(2, 2);
  EXPECT_EQ(objective->distillation_loss(a, a, {}).item<double>(), 0);
  EXPECT_NEAR(objective->distillation_loss(a, b, {}).item<double>(),
              (a - b).square().sum().item<double>() / 2, 1e-3);
}

TEST(DetectionObjective, CountsRareClassesMore) {
  const at::Tensor outputs = at::zeros({1, 7, 1, 1});
  const auto loss_of_class = [&](std::int32_t label, std::span<const std::int64_t> objects_of) {
    const auto objective = detection_objective({{1, 1}}, 2, {}, objects_of);
    const std::vector<Objects> images = {{{{0.1F, 0.1F, 0.9F, 0.9F}, label}}};
    return objective->loss(outputs, targets_of_images(images)).item<double>();
  };
  EXPECT_NEAR(loss_of_class(0, {}), loss_of_class(1, {}), 1e-6);
  const std::int64_t counts[] = {40, 10};
  EXPECT_NEAR(loss_of_class(0, counts), loss_of_class(0, {}), 1e-5);
  EXPECT_NEAR(loss_of_class(1, counts), loss_of_class(1, {}) * 2, 1e-5);
}

TEST(DetectionObjective, NeedsAnchors) {
  EXPECT_THAT(error_of([] { detection_objective({}, 3, {}); }), testing::HasSubstr("anchors"));
}

TEST(RegressionObjective, CountsInTheDataOwnUnit) {
  const auto objective = regression_objective(/*mean=*/10, /*deviation=*/4);
  const at::Tensor outputs = at::tensor({0.0F, 1.0F}).unsqueeze(1);
  const at::Tensor targets = at::tensor({12.0F, 14.0F});
  EXPECT_NEAR(objective->loss(outputs, targets).item<double>(), 0.25 / 4, 1e-6);
  const Measure measure = objective->measure(outputs, targets);
  EXPECT_NEAR((measure.sum / measure.count).item<double>(), 1, 1e-6);
}

}  // namespace
}  // namespace mcunet::supernet
