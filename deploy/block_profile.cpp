#include "block_profile.hpp"

#include <fmt/format.h>

#include <optional>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"

namespace mcunet::deploy {
namespace fs = std::filesystem;
namespace {

struct CodeRange {
  std::uint32_t first = 0;
  std::uint32_t end = 0;
};

std::optional<CodeRange> range_of(const cycles::Disassembly& program, const std::string& function) {
  for (auto at = program.functions.begin(); at != program.functions.end(); ++at) {
    if (at->second != function) continue;
    const auto next = std::next(at);
    return CodeRange{at->first, next == program.functions.end() ? UINT32_MAX : next->first};
  }
  return std::nullopt;
}

CodeRange require_function(const cycles::Disassembly& program, const std::string& function) {
  const std::optional<CodeRange> range = range_of(program, function);
  if (!range) throw Error("the firmware for the emulator has no function {}", function);
  return *range;
}

// Commas separate what QEMU is told; doubled, they are meant.
std::string escape_commas(const std::string& text) {
  std::string escaped;
  for (const char c : text) escaped.append(c == ',' ? 2 : 1, c);
  return escaped;
}

}  // namespace

fs::path find_block_counter() {
  const fs::path file = executable_folder().parent_path() / "lib/mcunet/block_counter.so";
  if (!fs::exists(file)) {
    throw Error(
        "{}: is missing; the emulator needs it to count cycles (it is built and installed "
        "with mcunet)",
        file.string());
  }
  return file;
}

std::vector<std::string> block_counter_arguments(const cycles::Disassembly& program,
                                                 const engine::ModelNames& names,
                                                 const std::string& counts) {
  const CodeRange caller = require_function(program, "main");
  const CodeRange body = require_function(program, names.prefix() + "_invoke");
  const CodeRange pause = require_function(program, names.prefix() + "_step_done");
  std::string argument =
      fmt::format("file={},out={},caller={:x}-{:x},body={:x}-{:x},entry={:x},pause={:x}",
                  escape_commas(find_block_counter().string()), escape_commas(counts), caller.first,
                  caller.end, body.first, body.end, body.first, pause.first);
  for (const std::string& function :
       {names.part("features") + "_from_samples", names.part("detections") + "_from_output"}) {
    if (const auto range = range_of(program, function))
      argument += fmt::format(",entry={:x}", range->first);
  }
  return {"-plugin", argument};
}

}  // namespace mcunet::deploy
