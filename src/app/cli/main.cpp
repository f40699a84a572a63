// mcunet: quick to start, so free of libtorch and OpenCV. What needs them is handed over to
// mcunet-train and mcunet-live.
#include "program.hpp"
#include "training_commands.hpp"

int main(int argc, char** argv) {
  using namespace mcunet::cli;
  return run_program(argc, argv, [argv](CLI::App& program, Run& run) {
    add_space_command(program, run);
    add_plan_command(program, run);
    add_profile_command(program, run);
    add_ablate_command(program, run);
    add_compile_command(program, run);
    add_flash_command(program, run);
    add_report_command(program, run);
    add_launch_command(program, run);
    add_emulate_command(
        program, run,
        {[argv](auto&&...) -> mcunet::deploy::Int8Bytes { hand_over(argv); },
         [argv](auto&&...) -> mcunet::pipeline::SoundClip { hand_over(argv); },
         [argv](auto&&...) -> std::vector<mcunet::deploy::Int8Bytes> { hand_over(argv); },
         [argv](auto&&...) -> mcunet::pipeline::BoxPicture { hand_over(argv); }});
    add_missing_commands(program, run,
                         [argv](const std::string& command) -> int { hand_over(argv, command); });
  });
}
