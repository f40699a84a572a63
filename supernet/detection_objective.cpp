#include "mcunet/supernet/detection_objective.hpp"

#include <ATen/Functions.h>

#include <algorithm>
#include <cmath>

#include "mcunet/core/error.hpp"

namespace mcunet::supernet {
namespace {

using datasets::Anchor;
using datasets::Box;
using datasets::DetectorHead;
using datasets::ObjectKind;

constexpr double kMostLogSize = 8;  // of a box, by its anchor: beyond, exp() would leave the floats

// The outputs, taken apart: [n, anchors, values, rows, columns].
struct Grid {
  at::Tensor values;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
};

// The responsible boxes of a batch, [k] each but for those of two dimensions.
struct Assignments {
  at::Tensor index;     // [k, 4]: image, anchor, row, column
  at::Tensor label;     // 64-bit integers
  at::Tensor place;     // [k, 2]: of the centre within its cell, 0 to 1
  at::Tensor log_size;  // [k, 2]: by the anchor's
  at::Tensor box;       // [k, 4]: centre and size, shares of the image
  at::Tensor emphasis;  // small boxes count more: 2 - width * height
};

// Shapes that share a centre.
double shape_overlap(double width, double height, const Anchor& anchor) {
  const double both = std::min(width, anchor.width) * std::min(height, anchor.height);
  return both / (width * height + anchor.width * anchor.height - both);
}

// Boxes [..., 4] of centre and size: intersection over union, of the broadcast.
at::Tensor overlap_of(const at::Tensor& a, const at::Tensor& b) {
  const auto edges = [](const at::Tensor& box, double side) {
    return box.slice(-1, 0, 2) + side * box.slice(-1, 2, 4);
  };
  const at::Tensor low = at::maximum(edges(a, -0.5), edges(b, -0.5));
  const at::Tensor high = at::minimum(edges(a, 0.5), edges(b, 0.5));
  const at::Tensor both = (high - low).clamp_min(0).prod(-1);
  const auto area = [](const at::Tensor& box) { return box.select(-1, 2) * box.select(-1, 3); };
  return both / (area(a) + area(b) - both).clamp_min(1e-12);
}

// In full proportion, frequent objects would count less than all the boxes without one.
at::Tensor class_weights_of(std::span<const std::int64_t> objects_of) {
  const std::int64_t most = *std::max_element(objects_of.begin(), objects_of.end());
  std::vector<float> weights;
  for (const std::int64_t count : objects_of) {
    weights.push_back(static_cast<float>(std::sqrt(
        static_cast<double>(most) / static_cast<double>(std::max<std::int64_t>(1, count)))));
  }
  return at::tensor(weights);
}

class DetectionObjective : public Objective {
 public:
  DetectionObjective(std::vector<Anchor> anchors, int classes, const DetectionLossOptions& options,
                     at::Tensor class_weights)
      : anchors_(std::move(anchors)),
        classes_(classes),
        options_(options),
        class_weights_(std::move(class_weights)) {
    std::vector<float> sizes;
    for (const Anchor& anchor : anchors_) {
      sizes.push_back(static_cast<float>(anchor.width));
      sizes.push_back(static_cast<float>(anchor.height));
    }
    sizes_ = at::tensor(sizes).view({-1, 2});
  }

  at::Tensor loss(const at::Tensor& outputs, const at::Tensor& targets) const override {
    const Grid grid = grid_of(outputs);
    const Assignments assigned = assign(grid, targets);
    const at::Tensor objectness = grid.values.select(2, 4).sigmoid();
    const at::Tensor empty = is_empty(grid, targets, assigned);
    at::Tensor sum = options_.no_object * (objectness.square() * empty).sum();
    if (assigned.label.size(0) > 0) sum = sum + loss_of_objects(grid, assigned);
    return sum / outputs.size(0);
  }

  at::Tensor distillation_loss(const at::Tensor& outputs, const at::Tensor& teacher,
                               const at::Tensor&) const override {
    return (outputs - teacher.detach()).square().sum() / outputs.size(0);
  }

  std::string measure_name() const override { return "mean_overlap"; }

  Measure measure(const at::Tensor& outputs, const at::Tensor& targets) const override {
    const Grid grid = grid_of(outputs);
    const Assignments assigned = assign(grid, targets);
    const std::int64_t count = assigned.label.size(0);
    if (count == 0) return {at::zeros({}, outputs.options()), 0};
    return {
        overlap_of(boxes_of(responsible(grid, assigned), assigned.index, grid), assigned.box).sum(),
        count};
  }

 private:
  Grid grid_of(const at::Tensor& outputs) const {
    const auto anchors = static_cast<std::int64_t>(anchors_.size());
    return {outputs.view({outputs.size(0), anchors, DetectorHead::kBoxValues + classes_,
                          outputs.size(2), outputs.size(3)}),
            outputs.size(2), outputs.size(3)};
  }

  // In the order of the targets, so that of two objects for one box the later has it.
  Assignments assign(const Grid& grid, const at::Tensor& targets) const {
    const at::Tensor rows = targets.cpu();
    std::vector<std::int64_t> index;
    std::vector<std::int64_t> labels;
    std::vector<float> values;  // place, logarithmic size, centre, size, emphasis
    std::vector<std::int64_t> taken(
        static_cast<std::size_t>(grid.values.size(0) * grid.values.size(1) * grid.rows *
                                 grid.columns),
        -1);
    const auto access = rows.accessor<float, 2>();
    for (std::int64_t i = 0; i < rows.size(0); ++i) {
      if (static_cast<ObjectKind>(access[i][2]) != ObjectKind::kPlain) continue;
      const Box box{access[i][3], access[i][4], access[i][5], access[i][6]};
      const double x = (box.left + box.right) / 2.0 * static_cast<double>(grid.columns);
      const double y = (box.top + box.bottom) / 2.0 * static_cast<double>(grid.rows);
      const auto column = std::clamp<std::int64_t>(std::int64_t(x), 0, grid.columns - 1);
      const auto row = std::clamp<std::int64_t>(std::int64_t(y), 0, grid.rows - 1);
      const std::int64_t anchor = best_anchor(box);
      const auto image = static_cast<std::int64_t>(access[i][0]);
      const auto place = static_cast<std::size_t>(
          ((image * grid.values.size(1) + anchor) * grid.rows + row) * grid.columns + column);
      auto at = static_cast<std::size_t>(taken[place]);
      if (taken[place] < 0) {
        at = labels.size();
        taken[place] = static_cast<std::int64_t>(at);
        labels.push_back(0);
        index.insert(index.end(), {image, anchor, row, column});
        values.resize(values.size() + 9);
      }
      labels[at] = static_cast<std::int64_t>(access[i][1]);
      const Anchor& shape = anchors_[static_cast<std::size_t>(anchor)];
      const double numbers[] = {x - static_cast<double>(column),
                                y - static_cast<double>(row),
                                std::log(box.width() / shape.width),
                                std::log(box.height() / shape.height),
                                (box.left + box.right) / 2.0,
                                (box.top + box.bottom) / 2.0,
                                box.width(),
                                box.height(),
                                2.0 - box.area()};
      std::copy(std::begin(numbers), std::end(numbers), values.begin() + std::ptrdiff_t(9 * at));
    }
    const auto count = static_cast<std::int64_t>(labels.size());
    const at::Device device = grid.values.device();
    const at::Tensor all = at::tensor(values).view({count, 9}).to(device, /*non_blocking=*/true);
    return {at::tensor(index, at::kLong).view({count, 4}).to(device, /*non_blocking=*/true),
            at::tensor(labels, at::kLong).to(device, /*non_blocking=*/true),
            all.slice(1, 0, 2),
            all.slice(1, 2, 4),
            all.slice(1, 4, 8),
            all.select(1, 8)};
  }

  std::int64_t best_anchor(const Box& box) const {
    const auto best =
        std::max_element(anchors_.begin(), anchors_.end(), [&](const Anchor& a, const Anchor& b) {
          return shape_overlap(box.width(), box.height(), a) <
                 shape_overlap(box.width(), box.height(), b);
        });
    return best - anchors_.begin();
  }

  // [k, values]
  static at::Tensor responsible(const Grid& grid, const Assignments& assigned) {
    const auto column = [&](std::int64_t i) { return assigned.index.select(1, i); };
    return grid.values.permute({0, 1, 3, 4, 2}).index({column(0), column(1), column(2), column(3)});
  }

  // Values [k, values] of boxes -> [k, 4], centre and size.
  at::Tensor boxes_of(const at::Tensor& values, const at::Tensor& index, const Grid& grid) const {
    const at::Tensor cells = at::stack({index.select(1, 3), index.select(1, 2)}, 1);
    const at::Tensor counts =
        at::tensor({static_cast<float>(grid.columns), static_cast<float>(grid.rows)})
            .to(values.device(), /*non_blocking=*/true);
    const at::Tensor centre = (values.slice(1, 0, 2).sigmoid() + cells) / counts;
    const at::Tensor sizes =
        sizes_.to(values.device(), /*non_blocking=*/true).index_select(0, index.select(1, 1));
    return at::cat({centre, values.slice(1, 2, 4).clamp_max(kMostLogSize).exp() * sizes}, 1);
  }

  at::Tensor loss_of_objects(const Grid& grid, const Assignments& assigned) const {
    const at::Tensor values = responsible(grid, assigned);
    const at::Tensor overlap =
        overlap_of(boxes_of(values.detach(), assigned.index, grid), assigned.box);
    const at::Tensor box = (values.slice(1, 0, 2).sigmoid() - assigned.place).square().sum(1) +
                           (values.slice(1, 2, 4) - assigned.log_size).square().sum(1);
    const at::Tensor object = (values.select(1, 4).sigmoid() - overlap).square();
    const at::Tensor classes = at::cross_entropy_loss(values.slice(1, DetectorHead::kBoxValues),
                                                      assigned.label, {}, at::Reduction::None);
    at::Tensor losses = options_.box * box * assigned.emphasis + options_.object * object +
                        options_.classes * classes;
    if (class_weights_.defined()) {
      losses =
          losses *
          class_weights_.to(losses.device(), /*non_blocking=*/true).index_select(0, assigned.label);
    }
    return losses.sum();
  }

  // 1 where a box should tell of nothing, [n, anchors, rows, columns]; 0 where it is responsible for
  // an object or lies on one.
  at::Tensor is_empty(const Grid& grid, const at::Tensor& targets,
                      const Assignments& assigned) const {
    const at::NoGradGuard no_grad;
    const at::Tensor empty = at::ones_like(grid.values.select(2, 4));
    if (targets.size(0) == 0) return empty;
    const at::Tensor boxes = all_boxes(grid);                     // [n, boxes, 4]
    const at::Tensor objects = objects_of_images(grid, targets);  // [n, most, 4]
    const at::Tensor nearest =
        std::get<0>(overlap_of(boxes.unsqueeze(2), objects.unsqueeze(1)).max(2));
    empty.masked_fill_(nearest.view_as(empty) > options_.overlap, 0);
    const auto column = [&](std::int64_t i) { return assigned.index.select(1, i); };
    if (assigned.label.size(0) > 0) {
      empty.index_put_({column(0), column(1), column(2), column(3)},
                       at::zeros({}, empty.options()));
    }
    return empty;
  }

  // Of every image, filled up with boxes of no size.
  static at::Tensor objects_of_images(const Grid& grid, const at::Tensor& targets) {
    const at::Tensor rows = targets.cpu();
    const auto access = rows.accessor<float, 2>();
    std::vector<std::int64_t> counts(static_cast<std::size_t>(grid.values.size(0)));
    for (std::int64_t i = 0; i < rows.size(0); ++i)
      ++counts[static_cast<std::size_t>(access[i][0])];
    const std::int64_t most = *std::max_element(counts.begin(), counts.end());
    const at::Tensor objects = at::zeros({grid.values.size(0), most, 4});
    auto to = objects.accessor<float, 3>();
    std::fill(counts.begin(), counts.end(), 0);
    for (std::int64_t i = 0; i < rows.size(0); ++i) {
      const auto image = static_cast<std::int64_t>(access[i][0]);
      auto object = to[image][counts[static_cast<std::size_t>(image)]++];
      object[0] = (access[i][3] + access[i][5]) / 2;
      object[1] = (access[i][4] + access[i][6]) / 2;
      object[2] = access[i][5] - access[i][3];
      object[3] = access[i][6] - access[i][4];
    }
    return objects.to(targets.device(), /*non_blocking=*/true);
  }

  at::Tensor all_boxes(const Grid& grid) const {
    const auto floats = grid.values.options();
    const at::Tensor values =
        grid.values.permute({0, 1, 3, 4, 2});  // [n, anchors, rows, columns, values]
    const at::Tensor column = at::arange(grid.columns, floats);
    const at::Tensor row = at::arange(grid.rows, floats).unsqueeze(1);
    const at::Tensor x = (values.select(4, 0).sigmoid() + column) / grid.columns;
    const at::Tensor y = (values.select(4, 1).sigmoid() + row) / grid.rows;
    const at::Tensor sizes =
        sizes_.to(floats.device(), /*non_blocking=*/true).view({1, -1, 1, 1, 2});
    const at::Tensor size = values.slice(4, 2, 4).clamp_max(kMostLogSize).exp() * sizes;
    return at::cat({at::stack({x, y}, 4), size}, 4).reshape({values.size(0), -1, 4});
  }

  std::vector<Anchor> anchors_;
  std::int64_t classes_;
  DetectionLossOptions options_;
  at::Tensor sizes_;          // [anchors, 2]
  at::Tensor class_weights_;  // [classes]; undefined if all count the same
};

}  // namespace

std::unique_ptr<Objective> detection_objective(std::vector<Anchor> anchors, int classes,
                                               const DetectionLossOptions& options,
                                               std::span<const std::int64_t> objects_of) {
  if (anchors.empty() || classes < 1) throw Error("a detector needs anchors and classes");
  at::Tensor class_weights;
  if (!objects_of.empty()) class_weights = class_weights_of(objects_of);
  return std::make_unique<DetectionObjective>(std::move(anchors), classes, options,
                                              std::move(class_weights));
}

}  // namespace mcunet::supernet
