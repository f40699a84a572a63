#include "mcunet/datasets/contact_sheet.hpp"

#include <algorithm>
#include <numeric>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <set>

#include "box_drawing.hpp"
#include "mcunet/core/error.hpp"

namespace mcunet::datasets {
namespace {

constexpr int kMinSide = 64;        // small inputs are enlarged to at least this
constexpr int kMinBoxesSide = 160;  // names of classes are readable from here on
constexpr int kSeriesSide = 128;
constexpr int kGap = 4;
constexpr int kTitle = 18;  // height of a row's title

bool is_series(const InputShape& shape) { return shape.height == 1 && shape.width > 1; }

// Of a picture of an example: its width some times over, at least so much that all can be seen.
int side_of(const Dataset& dataset) {
  const InputShape shape = dataset.input_shape();
  if (is_series(shape)) return kSeriesSide;
  const bool has_boxes = dataset.size() > 0 && std::holds_alternative<Objects>(dataset.target(0));
  const int least = has_boxes ? kMinBoxesSide : kMinSide;
  return shape.width * std::max(1, (least + shape.width - 1) / shape.width);
}

std::string encode(const char* type, const cv::Mat& picture) {
  std::vector<std::uint8_t> bytes;
  if (!cv::imencode(type, picture, bytes)) throw Error("a picture cannot be encoded as {}", type);
  return {bytes.begin(), bytes.end()};
}

const cv::Scalar kColours[] = {{180, 119, 31}, {14, 127, 255},  {44, 160, 44},
                               {40, 39, 214},  {189, 103, 148}, {75, 86, 140}};

cv::Scalar colour_of(std::int32_t label) {
  return kColours[static_cast<std::size_t>(label) % std::size(kColours)];
}

// A curve for each channel, from -1 at the bottom to 1 at the top.
cv::Mat draw_series(const InputShape& shape, const std::vector<float>& input, int side) {
  cv::Mat picture(side, side, CV_8UC3, cv::Scalar::all(245));
  for (int c = 0; c < shape.channels; ++c) {
    std::vector<cv::Point> points;
    for (int i = 0; i < shape.width; ++i) {
      const float value = input[static_cast<std::size_t>(i * shape.channels + c)];
      points.emplace_back(i * (side - 1) / std::max(1, shape.width - 1),
                          cvRound((1 - value) / 2 * static_cast<float>(side - 1)));
    }
    cv::polylines(picture, points, /*isClosed=*/false, colour_of(c), 1, cv::LINE_AA);
  }
  return picture;
}

// As it reaches the network; with the boxes that were found, or else those of its objects.
cv::Mat draw_example(const Dataset& dataset, std::int64_t index, std::uint64_t seed, int side,
                     const Detections* found = nullptr) {
  const InputShape shape = dataset.input_shape();
  std::vector<float> input(static_cast<std::size_t>(shape.elements()));
  RandomStream random(seed, {static_cast<std::uint64_t>(index)});
  cv::Mat picture(shape.height, shape.width, CV_8UC3, cv::Scalar(0, 0, 255));
  const std::optional<Target> target = dataset.load(index, random, input);
  const bool is_readable = target.has_value();
  if (is_readable && is_series(shape)) return draw_series(shape, input, side);
  if (is_readable) {
    const cv::Mat values(shape.height, shape.width, CV_32FC(shape.channels), input.data());
    cv::Mat bytes;
    values.convertTo(bytes, CV_8U, 127.5, 127.5);
    cv::cvtColor(bytes, picture, shape.channels == 3 ? cv::COLOR_RGB2BGR : cv::COLOR_GRAY2BGR);
  }
  cv::Mat result;
  cv::resize(picture, result, {side, side}, 0, 0, cv::INTER_NEAREST);
  if (is_readable && std::holds_alternative<Objects>(*target)) {
    if (found != nullptr) {
      draw_boxes(result, *found, dataset.classes());
    } else {
      draw_objects(result, std::get<Objects>(*target), dataset.classes());
    }
  }
  return result;
}

// The example's class, or those of all objects on it.
std::set<std::int32_t> labels_of(const Dataset& dataset, std::int64_t example) {
  const Target target = dataset.target(example);
  if (!std::holds_alternative<Objects>(target)) return {dataset.label(example)};
  std::set<std::int32_t> labels;
  for (const BoxedObject& object : std::get<Objects>(target)) labels.insert(object.label);
  return labels;
}

}  // namespace

std::vector<std::vector<std::int64_t>> choose_examples(const Dataset& dataset, std::size_t most,
                                                       std::uint64_t seed) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(dataset.size()));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  RandomStream(seed).shuffle(order);
  std::vector<std::vector<std::int64_t>> chosen(dataset.classes().size());
  for (const std::int64_t example : order) {
    for (const std::int32_t label : labels_of(dataset, example)) {
      auto& row = chosen[static_cast<std::size_t>(label)];
      if (row.size() < most) row.push_back(example);
    }
  }
  return chosen;
}

std::string draw_contact_sheet(const Dataset& dataset, int columns, int max_rows,
                               std::uint64_t seed) {
  const int side = side_of(dataset);
  std::vector<std::pair<std::size_t, std::vector<std::int64_t>>> rows;
  const auto chosen = choose_examples(dataset, static_cast<std::size_t>(columns), seed);
  for (std::size_t c = 0; c < chosen.size() && rows.size() < static_cast<std::size_t>(max_rows);
       ++c) {
    if (!chosen[c].empty()) rows.emplace_back(c, chosen[c]);
  }
  const int row_height = kTitle + side + kGap;
  cv::Mat sheet(static_cast<int>(rows.size()) * row_height + kGap, columns * (side + kGap) + kGap,
                CV_8UC3, cv::Scalar::all(255));
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const int top = static_cast<int>(r) * row_height + kGap;
    const auto& [label, examples] = rows[r];
    cv::putText(sheet, dataset.classes()[label], {kGap, top + 13}, cv::FONT_HERSHEY_SIMPLEX, 0.42,
                cv::Scalar::all(0), 1, cv::LINE_AA);
    for (std::size_t i = 0; i < examples.size(); ++i) {
      const cv::Rect place(kGap + static_cast<int>(i) * (side + kGap), top + kTitle, side, side);
      draw_example(dataset, examples[i], seed, side).copyTo(sheet(place));
    }
  }
  return encode(".png", sheet);
}

std::string draw_examples(const Dataset& dataset, std::span<const std::int64_t> examples,
                          std::uint64_t seed) {
  const int side = side_of(dataset);
  const int count = static_cast<int>(examples.size());
  cv::Mat row(side, std::max(1, count * (side + kGap) - kGap), CV_8UC3, cv::Scalar::all(255));
  for (int i = 0; i < count; ++i) {
    const cv::Rect place(i * (side + kGap), 0, side, side);
    draw_example(dataset, examples[static_cast<std::size_t>(i)], seed, side).copyTo(row(place));
  }
  return encode(".jpg", row);
}

std::string draw_found(const Dataset& dataset, std::int64_t example, const Detections& found,
                       std::uint64_t seed) {
  const int side = side_of(dataset);
  cv::Mat row(side, 2 * side + kGap, CV_8UC3, cv::Scalar::all(255));
  draw_example(dataset, example, seed, side).copyTo(row(cv::Rect(0, 0, side, side)));
  draw_example(dataset, example, seed, side, &found)
      .copyTo(row(cv::Rect(side + kGap, 0, side, side)));
  return encode(".jpg", row);
}

}  // namespace mcunet::datasets
