#include "camera.hpp"

#include <filesystem>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/videoio.hpp>

#include "mcunet/core/error.hpp"

namespace mcunet::pipeline {
namespace {

namespace fs = std::filesystem;

constexpr char kDevice[] = "/dev/video";

bool is_number(const std::string& text) {
  return !text.empty() && text.size() < 4 &&
         text.find_first_not_of("0123456789") == std::string::npos;
}

}  // namespace

struct Camera::Capture {
  cv::VideoCapture video;
  bool is_device = false;
};

Camera::Camera(const std::string& source) : capture_(std::make_unique<Capture>()) {
  const std::string file = is_number(source) ? kDevice + source : source;
  // Nodes that udev links to a camera have other names than it.
  std::error_code unknown;
  capture_->is_device = fs::is_character_file(file, unknown) || file.starts_with(kDevice);
  // It tells of every way in which it could not open something; what follows says it in one line.
  cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
  if (capture_->is_device && !fs::exists(file, unknown)) {
    throw Error("{}: is not there; is the camera connected?", file);
  }
  capture_->video.open(file, capture_->is_device ? cv::CAP_V4L2 : cv::CAP_ANY);
  if (!capture_->video.isOpened()) {
    throw Error("{}: cannot be opened as {}", file,
                capture_->is_device ? "a camera; does another program use it?"
                                    : "a camera, a film or numbered pictures");
  }
  // The latest frame, not those of before the network was ready.
  if (capture_->is_device) capture_->video.set(cv::CAP_PROP_BUFFERSIZE, 1);
}

Camera::~Camera() = default;

bool Camera::is_device() const { return capture_->is_device; }

std::optional<datasets::CameraFrame> Camera::next() {
  cv::Mat image;
  if (!capture_->video.read(image) || image.empty()) return std::nullopt;
  if (image.type() != CV_8UC3) throw Error("the camera gives frames of an unknown kind of pixels");
  datasets::CameraFrame frame{.height = image.rows, .width = image.cols, .pixels = {}};
  if (!image.isContinuous()) image = image.clone();
  frame.pixels.assign(image.datastart, image.dataend);
  return frame;
}

}  // namespace mcunet::pipeline
