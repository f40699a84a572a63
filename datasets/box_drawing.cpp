#include "box_drawing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "image_decoding.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/datasets/box_picture.hpp"

namespace mcunet::datasets {
namespace {

constexpr int kLeastSide = 320;  // of the longer side of a picture of a file
constexpr int kMostSide = 1280;

cv::Scalar colour_of(std::int32_t label) {
  static const cv::Scalar colours[] = {{60, 76, 231},  {113, 204, 46}, {219, 152, 52},
                                       {18, 156, 243}, {182, 89, 155}, {156, 188, 26},
                                       {34, 126, 230}, {185, 128, 41}};
  return colours[static_cast<std::size_t>(label) % std::size(colours)];
}

std::string name_of(std::int32_t label, std::span<const std::string> classes) {
  const auto index = static_cast<std::size_t>(label);
  return index < classes.size() ? classes[index] : std::to_string(label);
}

// Of the lines and the text in a picture.
int line_width(const cv::Mat& bgr) { return std::max(1, std::max(bgr.cols, bgr.rows) / 400); }

cv::Rect pixels_of(const Box& box, cv::Size size) {
  const auto place = [](float share, int side) {
    return std::clamp(cvRound(share * static_cast<float>(side)), 0, side - 1);
  };
  const cv::Point first(place(box.left, size.width), place(box.top, size.height));
  const cv::Point last(place(box.right, size.width), place(box.bottom, size.height));
  return {first, last + cv::Point(1, 1)};
}

// Above the box, or within it at the upper border of the picture.
void draw_text(cv::Mat& bgr, const std::string& text, const cv::Rect& box, const cv::Scalar& colour,
               int line) {
  const double scale = 0.4 * line;
  int below = 0;
  const cv::Size size = cv::getTextSize(text, cv::FONT_HERSHEY_SIMPLEX, scale, line, &below);
  const int height = size.height + below + 2 * line;
  const int left = std::clamp(box.x, 0, std::max(0, bgr.cols - size.width - 2 * line));
  const int top = box.y >= height ? box.y - height : box.y;
  const cv::Rect plate(left, top, size.width + 2 * line, height);
  cv::rectangle(bgr, plate & cv::Rect({0, 0}, bgr.size()), colour, cv::FILLED);
  cv::putText(bgr, text, {left + line, top + size.height + line}, cv::FONT_HERSHEY_SIMPLEX, scale,
              cv::Scalar::all(255), line, cv::LINE_AA);
}

// Of a picture of a file.
cv::Size picture_size(cv::Size image) {
  const int longer = std::max(image.width, image.height);
  if (longer < kLeastSide) return image * ((kLeastSide + longer - 1) / longer);
  if (longer <= kMostSide) return image;
  const double factor = double{kMostSide} / longer;
  return {std::max(1, cvRound(image.width * factor)), std::max(1, cvRound(image.height * factor))};
}

}  // namespace

void draw_boxes(cv::Mat& bgr, std::span<const Detection> detections,
                std::span<const std::string> classes) {
  const int line = line_width(bgr);
  std::vector<Detection> order(detections.begin(), detections.end());
  std::stable_sort(order.begin(), order.end(),
                   [](const Detection& a, const Detection& b) { return a.score < b.score; });
  for (const Detection& detection : order) {
    const cv::Rect box = pixels_of(detection.box, bgr.size());
    const cv::Scalar colour = colour_of(detection.label);
    cv::rectangle(bgr, box, colour, line + 1);
    const std::string name = name_of(detection.label, classes);
    draw_text(bgr, fmt::format("{} {:.2f}", name, detection.score), box, colour, line);
  }
}

void draw_objects(cv::Mat& bgr, const Objects& objects, std::span<const std::string> classes) {
  const int line = line_width(bgr);
  for (const BoxedObject& object : objects) {
    const cv::Rect box = pixels_of(object.box, bgr.size());
    const cv::Scalar colour = colour_of(object.label);
    cv::rectangle(bgr, box, colour, object.kind == ObjectKind::kPlain ? line + 1 : line);
    draw_text(bgr, name_of(object.label, classes), box, colour, line);
  }
}

Box ImagePart::in_pixels(const Box& box) const {
  return {.left = static_cast<float>(left + width * double{box.left}),
          .top = static_cast<float>(top + height * double{box.top}),
          .right = static_cast<float>(left + width * double{box.right}),
          .bottom = static_cast<float>(top + height * double{box.bottom})};
}

std::optional<ImagePart> seen_part(const std::filesystem::path& file,
                                   const ImagePreprocessing& preprocessing) {
  const auto image = EncodedImage::read(file, preprocessing.bits);
  if (!image) return std::nullopt;
  const cv::Rect2d crop = evaluation_crop(image->size(), preprocessing);
  return ImagePart{.image_width = image->size().width,
                   .image_height = image->size().height,
                   .left = crop.x,
                   .top = crop.y,
                   .width = crop.width,
                   .height = crop.height};
}

std::string draw_detections(const std::filesystem::path& file,
                            const ImagePreprocessing& preprocessing,
                            std::span<const Detection> detections,
                            std::span<const std::string> classes) {
  const auto part = seen_part(file, preprocessing);
  const auto image = EncodedImage::read(file, preprocessing.bits);
  if (!part || !image) throw Error("{}: is no readable image", file.string());
  const cv::Size size = picture_size(image->size());
  cv::Rect2d crop({0, 0}, cv::Size2d(image->size()));
  const cv::Mat decoded = image->decode(/*channels=*/3, size, crop);
  if (decoded.empty()) throw Error("{}: is no readable image", file.string());
  cv::Mat picture = resize_crop(decoded, crop, size).clone();
  Detections of_image(detections.begin(), detections.end());
  for (Detection& detection : of_image) {
    const Box box = part->in_pixels(detection.box);
    const auto width = static_cast<float>(part->image_width);
    const auto height = static_cast<float>(part->image_height);
    detection.box = {box.left / width, box.top / height, box.right / width, box.bottom / height};
  }
  draw_boxes(picture, of_image, classes);
  std::vector<std::uint8_t> bytes;
  if (!cv::imencode(".png", picture, bytes)) throw Error("a picture cannot be encoded as PNG");
  return {bytes.begin(), bytes.end()};
}

}  // namespace mcunet::datasets
