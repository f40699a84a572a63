// narrow_model FROM.tflite TO.tflite: the same network with weights of four bits, for measuring what they
// cost; its accuracy is that of rounding.
#include <fmt/format.h>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/tflite/reader.hpp"
#include "mcunet/engine/tflite/writer.hpp"
#include "narrowed.hpp"

int main(int argc, char** argv) {
  using namespace mcunet;
  if (argc != 3) {
    fmt::print(stderr, "usage: narrow_model FROM.tflite TO.tflite\n");
    return 2;
  }
  try {
    engine::write_tflite(engine::narrowed(engine::read_tflite(argv[1])), argv[2]);
  } catch (const Error& error) {
    fmt::print(stderr, "narrow_model: {}\n", error.what());
    return 1;
  }
  return 0;
}
