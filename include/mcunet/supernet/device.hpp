#pragma once

#include <c10/core/Device.h>

#include <string>

namespace mcunet::supernet {

// "cpu", "cuda", "cuda:INDEX", or "auto": the CUDA device of this rank's number on its machine if
// there are any, else the CPU.
// Throws Error if the device is not there.
c10::Device select_device(const std::string& name);

}  // namespace mcunet::supernet
