#pragma once

namespace mcunet::supernet {

// Rows of 32-bit floats [kCoefficients, channels]: what a unit's passes know of its normalization, which is
// x * scale + shift.
enum Coefficient { kScale, kShift, kMean, kInverseDeviation, kCoefficients };

}  // namespace mcunet::supernet
