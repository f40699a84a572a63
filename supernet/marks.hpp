#pragma once

#include <ATen/core/Tensor.h>

#include <cmath>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>

// What a training measures of its steps. It stays where it was made until it is read: to read it is to wait for a
// GPU.
namespace mcunet::supernet {

// What sub-networks made of batches, as sums over both.
struct Marks {
  at::Tensor
      sums;  // [3], doubles: of the losses, of what the objective measures, of how often; undefined: zeros
  std::int64_t losses = 0;

  Marks& operator+=(const Marks& other);
};

// The steps since the last line of the log.
struct Interval {
  Marks marks;
  at::Tensor gradient_norms;  // [], a double: their sum, where the marks are; undefined: zero
  std::int64_t steps = 0;

  void add(const Marks& of_step, const at::Tensor& gradient_norm);
};

// An interval's sums, on the CPU.
struct IntervalSums {
  double losses = 0;
  double measure = 0;
  double measured = 0;
  double gradient_norms = 0;

  bool are_finite() const { return std::isfinite(losses) && std::isfinite(gradient_norms); }
};

IntervalSums read_sums(const Interval& interval);

// Of a checkpoint, and back, onto a device.
nlohmann::json to_json(const Interval& interval);
Interval interval_from_json(const nlohmann::json& json, const at::Device& device);

}  // namespace mcunet::supernet
