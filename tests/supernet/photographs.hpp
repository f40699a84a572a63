#pragma once

#include <ATen/Functions.h>

#include "core/temporary_folder.hpp"
#include "mcunet/datasets/open_dataset.hpp"

namespace mcunet::supernet {

// A folder with images of two classes, noise around a brightness.
class Photographs {
 public:
  explicit Photographs(int count) {
    for (int i = 0; i < count; ++i) {
      const at::Tensor noise = at::randint(0, 100, {40 * 50 * 3}, at::kByte) + 10 * (i % 15);
      const std::string bytes(static_cast<const char*>(noise.data_ptr()), noise.nbytes());
      folder_.write(fmt::format("{}/{}.ppm", i % 2 == 0 ? "a" : "b", i),
                    "P6\n50 40\n255\n" + bytes);
    }
  }

  datasets::DatasetOptions options(int channels) const {
    datasets::DatasetOptions options{.kind = datasets::DatasetKind::kFolder,
                                     .path = folder_.path().string()};
    options.image.channels = channels;
    return options;
  }

 private:
  TemporaryFolder folder_;
};

}  // namespace mcunet::supernet
