#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "mcunet/deploy/emulator.hpp"

// What the outputs of a network say, for people and for programs.
namespace mcunet::cli {

// Of the first of the largest values of an output, as training and evaluation choose.
std::size_t index_of_largest(const deploy::Int8Bytes& output, const deploy::ModelTensor& tensor);

// The values of an output as real numbers.
std::vector<double> real_values_of(const deploy::Int8Bytes& output,
                                   const deploy::ModelTensor& tensor);

// How likely each class is: the values themselves where the network ends with a softmax, as its
// quantization tells, or else their softmax.
std::vector<double> probabilities_of(const deploy::Int8Bytes& output,
                                     const deploy::ModelTensor& tensor);

// The indices of the largest values, at most `count`, the largest first.
std::vector<std::size_t> order_of_largest(const std::vector<double>& values, std::size_t count);

// A list of lists, in the types of the tensors.
nlohmann::ordered_json outputs_to_json(const deploy::ModelDescription& model,
                                       const std::vector<deploy::Int8Bytes>& outputs);

// "3: 0.82  7: 0.11": the largest values of an output by index, or by class if there are names, as real
// numbers.
std::string describe_top(const deploy::Int8Bytes& output, const deploy::ModelTensor& tensor,
                         const std::vector<std::string>& classes);

}  // namespace mcunet::cli
