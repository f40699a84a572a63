#pragma once

#include <string>

#include "mcunet/datasets/open_dataset.hpp"

namespace mcunet::pipeline {

struct PreviewOptions {
  std::string file = "preview.png";
  std::string split = "train";
  bool plain = false;  // without the training augmentation, which only kTrain has
  int resolution = 0;
  int columns = 8;
  int rows = 12;  // classes at most
};

void write_preview(const datasets::DatasetOptions& options, const PreviewOptions& preview);

}  // namespace mcunet::pipeline
