#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "commands.hpp"
#include "mcunet/deploy/flasher.hpp"

namespace mcunet::cli {

void add_flash_command(CLI::App& program, Run& run) {
  auto folder = std::make_shared<std::string>();
  CLI::App* command =
      program.add_subcommand("flash", "Write compiled firmware to a connected board");
  command->footer("Uses st-flash, or openocd where that is not installed.");
  command->add_option("DIR", *folder, "Folder that mcunet compile wrote")->required();
  command->callback([folder, &run] {
    run = [folder] {
      fmt::print("{}", deploy::flash_firmware(*folder));
      return static_cast<int>(kDone);
    };
  });
}

}  // namespace mcunet::cli
