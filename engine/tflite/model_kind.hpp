#pragma once

#include <string>

#include "schema_generated.h"

// Models that cannot be run in int8 as a whole, called by their names, so that their operators
// need not be complained of one by one.
namespace mcunet::engine {

// "is a float model: ..."; empty if the model computes in int8, at least in part. Expects a model
// whose tables have been verified.
std::string describe_foreign_model(const tflite::Model& model);

// The builtin operator that an entry of the model's table stands for.
tflite::BuiltinOperator builtin_code(const tflite::OperatorCode& code);

// Its name for messages: "CONV_2D", "CUSTOM Detection".
std::string describe(const tflite::OperatorCode& code);

}  // namespace mcunet::engine
