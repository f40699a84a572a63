#pragma once

#include <functional>

#include "pipeline/media_input.hpp"

namespace CLI {
class App;
}

// One file per subcommand. Each adds itself to the program and leaves in `run` what to do if the
// user chose it; `run` returns the exit code.
namespace mcunet::cli {

enum ExitCode { kDone = 0, kFailed = 1, kWrongUsage = 2, kDoesNotFit = 3 };

using Run = std::function<int()>;

void add_ablate_command(CLI::App& program, Run& run);
void add_compile_command(CLI::App& program, Run& run);
void add_flash_command(CLI::App& program, Run& run);
void add_live_command(CLI::App& program, Run& run);
void add_launch_command(CLI::App& program, Run& run);
void add_space_command(CLI::App& program, Run& run);
void add_plan_command(CLI::App& program, Run& run);
void add_profile_command(CLI::App& program, Run& run);
void add_report_command(CLI::App& program, Run& run);
void add_data_command(CLI::App& program, Run& run);
void add_train_command(CLI::App& program, Run& run);
void add_eval_command(CLI::App& program, Run& run);
void add_search_command(CLI::App& program, Run& run);
void add_search_worker_command(CLI::App& program, Run& run);
void add_finetune_command(CLI::App& program, Run& run);
void add_export_command(CLI::App& program, Run& run);
void add_run_command(CLI::App& program, Run& run);

// `read_media` reads an image or a sound, for which mcunet hands over to mcunet-train.
void add_emulate_command(CLI::App& program, Run& run, pipeline::MediaReader read_media);

}  // namespace mcunet::cli
