#pragma once

#include <c10/core/Device.h>

#include <string>

namespace mcunet::supernet {

// "cpu", "cuda", "cuda:INDEX", or "auto": the first CUDA device if there is one, else the CPU.
// Throws Error if the device is not there.
c10::Device select_device(const std::string& name);

}  // namespace mcunet::supernet
