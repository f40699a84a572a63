#include "pixels.hpp"

#include <ATen/Functions.h>

#include <algorithm>

namespace mcunet::supernet {

using datasets::ColourJitter;

namespace {

// Of [n, height, width, channels], with one channel.
at::Tensor luminance(const at::Tensor& images) {
  if (images.size(3) != 3) return images;
  const auto channel = [&](std::int64_t index) { return images.narrow(3, index, 1); };
  return 0.299 * channel(0) + 0.587 * channel(1) + 0.114 * channel(2);
}

}  // namespace

at::Tensor jitter_table(std::span<const ColourJitter> jitters) {
  const bool is_idle = std::all_of(jitters.begin(), jitters.end(),
                                   [](const ColourJitter& jitter) { return jitter.is_idle(); });
  if (is_idle) return {};
  const at::Tensor table = at::zeros({3, std::ssize(jitters), 4}, at::kFloat);
  float* row = table.data_ptr<float>();
  for (std::size_t place = 0; place < 3; ++place) {
    for (const ColourJitter& jitter : jitters) {
      const auto step = static_cast<std::size_t>(jitter.order[place]);
      row[step] = 1;
      row[3] = jitter.factors[step];
      row += 4;
    }
  }
  return table;
}

at::Tensor inputs_of_pixels(const at::Tensor& pixels, const at::Tensor& values,
                            const at::Tensor& jitters) {
  at::Tensor inputs = values.index_select(0, pixels.flatten().to(at::kInt)).view(pixels.sizes());
  if (!jitters.defined()) return inputs;
  for (std::int64_t place = 0; place < 3; ++place) {
    const at::Tensor step = jitters[place].view({-1, 4, 1, 1, 1});
    const at::Tensor gray = luminance(inputs);
    // Black is -1.
    const at::Tensor towards = step.select(1, 1) * gray.mean({1, 2}, /*keepdim=*/true) +
                               step.select(1, 2) * gray - step.select(1, 0);
    inputs = (towards + step.select(1, 3) * (inputs - towards)).clamp(-1, 1);
  }
  return inputs;
}

}  // namespace mcunet::supernet
