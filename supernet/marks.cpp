#include "marks.hpp"

#include <ATen/Functions.h>

#include <nlohmann/json.hpp>
#include <vector>

namespace mcunet::supernet {

Marks& Marks::operator+=(const Marks& other) {
  sums = sums.defined() ? sums + other.sums : other.sums;
  losses += other.losses;
  return *this;
}

void Interval::add(const Marks& of_step, const at::Tensor& gradient_norm) {
  marks += of_step;
  gradient_norms = gradient_norms.defined() ? gradient_norms + gradient_norm : gradient_norm;
  ++steps;
}

IntervalSums read_sums(const Interval& interval) {
  if (interval.steps == 0) return {};
  const at::Tensor sums =
      at::cat({interval.marks.sums, interval.gradient_norms.unsqueeze(0)}).to(at::kCPU);
  const double* const values = sums.data_ptr<double>();
  return {values[0], values[1], values[2], values[3]};
}

nlohmann::json to_json(const Interval& interval) {
  const IntervalSums sums = read_sums(interval);
  return {{"loss_sum", sums.losses},
          {"losses", interval.marks.losses},
          {"measure_sum", sums.measure},
          {"measured", sums.measured},
          {"gradient_norm_sum", sums.gradient_norms},
          {"steps", interval.steps}};
}

Interval interval_from_json(const nlohmann::json& json, const at::Device& device) {
  Interval interval{.steps = json.at("steps")};
  const std::vector<double> sums = {json.at("loss_sum"), json.at("measure_sum"),
                                    json.at("measured")};
  const double gradient_norms = json.at("gradient_norm_sum");
  interval.marks.losses = json.at("losses");
  if (interval.steps == 0) return {};
  interval.marks.sums = at::tensor(sums, at::kDouble).to(device);
  interval.gradient_norms = at::full({}, gradient_norms, at::kDouble).to(device);
  return interval;
}

}  // namespace mcunet::supernet
