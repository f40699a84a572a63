// mcunet-train: the commands that need libtorch or OpenCV. mcunet, beside it, hands them over, so
// nobody has to call it by its name.
#include "mcunet/core/error.hpp"
#include "program.hpp"
#include "training_commands.hpp"

int main(int argc, char** argv) {
  using namespace mcunet::cli;
  return run_program(argc, argv, [argv](CLI::App& program, Run& run) {
    add_data_command(program, run);
    add_emulate_command(program, run, mcunet::pipeline::kMediaReader);
#ifdef MCUNET_WITH_TORCH
    add_train_command(program, run);
    add_eval_command(program, run);
    add_search_command(program, run);
    add_search_worker_command(program, run);
    add_finetune_command(program, run);
    add_export_command(program, run);
    add_run_command(program, run);
#endif
    add_missing_commands(program, run, [argv](const std::string& name) -> int {
      if (name == "live") hand_over(argv, name);
      throw mcunet::Error(
          "{}: is not part of this build; training needs libtorch (-DMCUNET_WITH_TORCH=ON)", name);
    });
  });
}
