#pragma once

#include <string>

#include "float_graph.hpp"

namespace mcunet::pipeline {

// The network in float as an ONNX model (opset 13), for other tools: input "image"
// [N, channels, height, width], output "logits" [N, classes], batch normalization folded into the
// convolutions. Throws Error if an operator is none of a trained network.
std::string to_onnx(const FloatGraph& network, const std::string& name);

}  // namespace mcunet::pipeline
