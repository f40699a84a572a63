#include "mcunet/supernet/detection_objective.hpp"

#include <ATen/Functions.h>

#include <algorithm>
#include <cmath>

#include "mcunet/core/error.hpp"
#include "sent_once.hpp"

namespace mcunet::supernet {
namespace {

using datasets::Anchor;
using datasets::Box;
using datasets::DetectorHead;
using datasets::ObjectKind;

constexpr double kMostLogSize = 8;  // of a box, by its anchor: beyond, exp() would leave the floats
constexpr double kLeastArea = 1e-12;  // that is divided by

// The outputs, taken apart: [n, anchors, values, rows, columns].
struct Grid {
  at::Tensor values;
  std::int64_t rows = 0;
  std::int64_t columns = 0;

  // Of all boxes, in the order of their images, anchors, rows and columns: [boxes, values].
  at::Tensor boxes() const { return values.permute({0, 1, 3, 4, 2}).reshape({-1, values.size(2)}); }
};

// The objects of a batch, k in all, and the boxes that are nearest to them. All tensors have as many rows as there
// are objects, those for which no box is responsible among them: to count rows is to wait for a GPU.
struct Assignments {
  at::Tensor image;        // [k], 64-bit integers
  at::Tensor nearest;      // [k], 64-bit integers: a row of boxes()
  at::Tensor responsible;  // [k], 1 if that box is responsible for the object, or 0
  at::Tensor label;        // [k], 64-bit integers
  at::Tensor cell;         // [k, 2]: column and row
  at::Tensor shape;        // [k, 2]: the anchor's
  at::Tensor place;        // [k, 2]: of the centre within its cell, 0 to 1
  at::Tensor log_size;     // [k, 2]: by the anchor's
  at::Tensor box;          // [k, 4]: centre and size, shares of the image
  at::Tensor emphasis;     // [k], small boxes count more: 2 - width * height
};

// Sizes [k, 2] and anchors [a, 2] that share a centre: intersection over union, [k, a].
at::Tensor shape_overlaps(const at::Tensor& sizes, const at::Tensor& anchors) {
  const at::Tensor both = at::minimum(sizes.unsqueeze(1), anchors).prod(2);
  return both / (sizes.prod(1).unsqueeze(1) + anchors.prod(1) - both).clamp_min(kLeastArea);
}

// Shares [..., 2] of an image's width and height -> counts of columns and rows.
at::Tensor in_cells(const at::Tensor& shares, const Grid& grid) {
  return at::stack({shares.select(-1, 0) * grid.columns, shares.select(-1, 1) * grid.rows}, -1);
}

at::Tensor in_shares(const at::Tensor& cells, const Grid& grid) {
  return at::stack({cells.select(-1, 0) / grid.columns, cells.select(-1, 1) / grid.rows}, -1);
}

// Values [..., values], of the boxes of cells and anchors [..., 2] each -> centre and size, [..., 4].
at::Tensor boxes_of(const at::Tensor& values, const at::Tensor& cells, const at::Tensor& shapes,
                    const Grid& grid) {
  return at::cat({in_shares(values.slice(-1, 0, 2).sigmoid() + cells, grid),
                  values.slice(-1, 2, 4).clamp_max(kMostLogSize).exp() * shapes},
                 -1);
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
  return both / (area(a) + area(b) - both).clamp_min(kLeastArea);
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

at::Tensor sizes_of(std::span<const Anchor> anchors) {
  std::vector<float> sizes;
  for (const Anchor& anchor : anchors) {
    sizes.push_back(static_cast<float>(anchor.width));
    sizes.push_back(static_cast<float>(anchor.height));
  }
  return at::tensor(sizes).view({-1, 2});
}

class DetectionObjective : public Objective {
 public:
  DetectionObjective(std::span<const Anchor> anchors, int classes,
                     const DetectionLossOptions& options, const at::Tensor& class_weights)
      : classes_(classes),
        options_(options),
        anchors_(sizes_of(anchors)),
        class_weights_(class_weights) {}

  at::Tensor loss(const at::Tensor& outputs, const at::Tensor& targets) const override {
    const Grid grid = grid_of(outputs);
    const Assignments assigned = assign(grid, targets);
    const at::Tensor objectness = grid.boxes().select(1, 4).sigmoid();
    const at::Tensor empty = is_empty(grid, assigned);
    return (options_.no_object * (objectness.square() * empty).sum() +
            loss_of_objects(grid, assigned)) /
           outputs.size(0);
  }

  at::Tensor distillation_loss(const at::Tensor& outputs, const at::Tensor& teacher,
                               const at::Tensor&) const override {
    return (outputs - teacher.detach()).square().sum() / outputs.size(0);
  }

  std::string measure_name() const override { return "mean_overlap"; }

  Measure measure(const at::Tensor& outputs, const at::Tensor& targets) const override {
    const Grid grid = grid_of(outputs);
    const Assignments assigned = assign(grid, targets);
    return {(overlaps(nearest_values(grid, assigned), grid, assigned) * assigned.responsible).sum(),
            assigned.responsible.sum()};
  }

 private:
  Grid grid_of(const at::Tensor& outputs) const {
    return {outputs.view({outputs.size(0), -1, DetectorHead::kBoxValues + classes_, outputs.size(2),
                          outputs.size(3)}),
            outputs.size(2), outputs.size(3)};
  }

  Assignments assign(const Grid& grid, const at::Tensor& targets) const {
    const at::Tensor anchors = anchors_.on(targets.device());
    Assignments result{.image = targets.select(1, 0).to(at::kLong),
                       .label = targets.select(1, 1).to(at::kLong)};
    const at::Tensor low = targets.slice(1, 3, 5);
    const at::Tensor high = targets.slice(1, 5, 7);
    const at::Tensor centre = (low + high) / 2;
    const at::Tensor size = high - low;
    const at::Tensor anchor = shape_overlaps(size, anchors).argmax(1);
    const at::Tensor centre_in_cells = in_cells(centre, grid);
    const at::Tensor column = centre_in_cells.select(1, 0).floor().clamp(0, grid.columns - 1);
    const at::Tensor row = centre_in_cells.select(1, 1).floor().clamp(0, grid.rows - 1);
    result.nearest =
        ((result.image * anchors.size(0) + anchor) * grid.rows + row.to(at::kLong)) * grid.columns +
        column.to(at::kLong);
    result.responsible = is_responsible(result.nearest, targets.select(1, 2)).to(at::kFloat);
    result.cell = at::stack({column, row}, 1);
    result.shape = anchors.index_select(0, anchor);
    result.place = centre_in_cells - result.cell;
    result.log_size = (size.clamp_min(kLeastArea) / result.shape).log();
    result.box = at::cat({centre, size}, 1);
    result.emphasis = 2 - size.prod(1);
    return result;
  }

  // Of two objects for one box, the later has it.
  static at::Tensor is_responsible(const at::Tensor& nearest, const at::Tensor& kind) {
    const at::Tensor is_plain = kind.eq(static_cast<double>(ObjectKind::kPlain));
    const at::Tensor taken_later =
        nearest.unsqueeze(1).eq(nearest).logical_and(is_plain).triu(1).any(1);
    return is_plain.logical_and(taken_later.logical_not());
  }

  // [k, values]
  static at::Tensor nearest_values(const Grid& grid, const Assignments& assigned) {
    return grid.boxes().index_select(0, assigned.nearest);
  }

  // Of the objects with the boxes that are nearest to them, [k].
  static at::Tensor overlaps(const at::Tensor& values, const Grid& grid,
                             const Assignments& assigned) {
    return overlap_of(boxes_of(values, assigned.cell, assigned.shape, grid), assigned.box);
  }

  at::Tensor loss_of_objects(const Grid& grid, const Assignments& assigned) const {
    const at::Tensor values = nearest_values(grid, assigned);
    const at::Tensor box = (values.slice(1, 0, 2).sigmoid() - assigned.place).square().sum(1) +
                           (values.slice(1, 2, 4) - assigned.log_size).square().sum(1);
    const at::Tensor object =
        (values.select(1, 4).sigmoid() - overlaps(values.detach(), grid, assigned)).square();
    const at::Tensor classes = at::cross_entropy_loss(values.slice(1, DetectorHead::kBoxValues),
                                                      assigned.label, {}, at::Reduction::None);
    at::Tensor losses = options_.box * box * assigned.emphasis + options_.object * object +
                        options_.classes * classes;
    if (class_weights_.is_defined()) {
      losses = losses * class_weights_.on(losses.device()).index_select(0, assigned.label);
    }
    return (losses * assigned.responsible).sum();
  }

  // 1 where a box should tell of nothing, [boxes]; 0 where it is responsible for an object or lies on one.
  at::Tensor is_empty(const Grid& grid, const Assignments& assigned) const {
    const at::NoGradGuard no_grad;
    const std::int64_t images = grid.values.size(0);
    const at::Tensor boxes = all_boxes(grid).view({images, -1, 4});
    const at::Tensor lies_on =
        overlap_of(boxes.index_select(0, assigned.image), assigned.box.unsqueeze(1))
            .gt(options_.overlap)
            .to(at::kFloat);
    const at::Tensor objects =
        at::zeros({images, boxes.size(1)}, boxes.options()).index_add_(0, assigned.image, lies_on);
    return objects.view({-1})
        .index_add_(0, assigned.nearest, assigned.responsible)
        .eq(0)
        .to(at::kFloat);
  }

  // [boxes, 4]
  at::Tensor all_boxes(const Grid& grid) const {
    const auto floats = grid.values.options();
    const at::Tensor cells =
        at::stack({at::arange(grid.columns, floats).expand({grid.rows, -1}),
                   at::arange(grid.rows, floats).unsqueeze(1).expand({-1, grid.columns})},
                  2);
    return boxes_of(grid.values.permute({0, 1, 3, 4, 2}), cells,
                    anchors_.on(floats.device()).view({-1, 1, 1, 2}), grid);
  }

  std::int64_t classes_;
  DetectionLossOptions options_;
  SentOnce anchors_;        // [anchors, 2]: width and height
  SentOnce class_weights_;  // [classes]; undefined if all count the same
};

}  // namespace

std::unique_ptr<Objective> detection_objective(std::vector<Anchor> anchors, int classes,
                                               const DetectionLossOptions& options,
                                               std::span<const std::int64_t> objects_of) {
  if (anchors.empty() || classes < 1) throw Error("a detector needs anchors and classes");
  at::Tensor class_weights;
  if (!objects_of.empty()) class_weights = class_weights_of(objects_of);
  return std::make_unique<DetectionObjective>(anchors, classes, options, class_weights);
}

}  // namespace mcunet::supernet
