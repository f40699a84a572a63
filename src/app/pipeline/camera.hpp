#pragma once

#include <memory>
#include <string>

#include "mcunet/datasets/image_file.hpp"

namespace mcunet::pipeline {

// Frames of a camera, by OpenCV: YUYV, MJPEG and what else it knows.
class Camera {
 public:
  // "/dev/video0" or its number; or a film, or pictures "frame%03d.png", whose frames come as fast as
  // they are asked for. Throws Error if it cannot be opened.
  explicit Camera(const std::string& source);
  ~Camera();

  // The next frame; nothing at the end of a film, or if the camera gives no more.
  std::optional<datasets::CameraFrame> next();

  bool is_device() const;

 private:
  struct Capture;
  std::unique_ptr<Capture> capture_;
};

}  // namespace mcunet::pipeline
