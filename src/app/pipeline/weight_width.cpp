#include "weight_width.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "mcunet/core/error.hpp"

namespace mcunet::pipeline {

std::string describe_widths(int weight_bits) {
  return weight_bits == 8 ? "int8" : fmt::format("int8 with {}-bit weights", weight_bits);
}

int weight_bits_in(const nlohmann::ordered_json& json) {
  const int bits = json.value("weight_bits", 8);
  if (bits != 8 && bits != 4) throw Error("it has weights of {} bits", bits);
  return bits;
}

}  // namespace mcunet::pipeline
