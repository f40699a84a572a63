// mcunet-live: mcunet hands `live` over to it, which needs OpenCV and its cameras.
#include "mcunet/core/error.hpp"
#include "program.hpp"
#include "training_commands.hpp"

int main(int argc, char** argv) {
  using namespace mcunet::cli;
  return run_program(argc, argv, add_live_command);
}
