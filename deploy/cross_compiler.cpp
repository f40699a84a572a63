#include "cross_compiler.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "elf_sections.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/process.hpp"
#include "mcunet/deploy/cores.hpp"

namespace mcunet::deploy {
namespace fs = std::filesystem;

const char kCompileFlags[] = "-std=gnu11 -O2 -g0 -ffunction-sections -fdata-sections -Wall -Wextra";
const char kLinkFlags[] =
    "-nostartfiles --specs=nano.specs --specs=nosys.specs -Wl,--gc-sections "
    "-Wl,--no-warn-rwx-segments";

namespace {

constexpr char kCompiler[] = "arm-none-eabi-gcc";
constexpr char kObjcopy[] = "arm-none-eabi-objcopy";
constexpr char kObjdump[] = "arm-none-eabi-objdump";
constexpr char kPackage[] = "gcc-arm-none-eabi";

ProcessResult run_tool(const std::vector<std::string>& command, const fs::path& folder) {
  return run_to_end(command, {.folder = folder, .package = kPackage});
}

// What a reader needs of a log: its first line that tells of an error. Where collect2 says no more than that
// the linker failed, that is the linker's last line.
std::string first_error(const std::string& log) {
  std::istringstream stream(log);
  std::string first;
  std::string last;
  for (std::string line; std::getline(stream, line); last = line) {
    if (first.empty()) first = line;
    if (line.find("ld returned") != std::string::npos && !last.empty()) return last;
    if (line.find("rror") != std::string::npos || line.find("undefined") != std::string::npos) {
      return line;
    }
  }
  return first;
}

// A missing C library shows itself only in the log.
[[noreturn]] void fail_as_without_library() {
  throw Error("{}: its C library is not installed (package libnewlib-arm-none-eabi)", kCompiler);
}

[[noreturn]] void fail(const std::string& log) {
  if (log.find("nano.specs") != std::string::npos) fail_as_without_library();
  constexpr std::size_t kMostBytes = 400;
  const std::string said = first_error(log).substr(0, kMostBytes);
  throw Error("{}: {}", kCompiler, said.empty() ? "failed and said nothing" : said);
}

void append(std::vector<std::string>& command, const std::string& flags) {
  const std::vector<std::string> words = split_flags(flags);
  command.insert(command.end(), words.begin(), words.end());
}

void require_made(const fs::path& file) {
  if (!fs::exists(file)) throw Error("{}: made no {}", kCompiler, file.filename().string());
}

const std::set<std::string> kVariables = {".data", ".bss", ".arena", ".stack"};

void measure(const fs::path& elf, const MemoryMap& map, FirmwareReport& report) {
  std::map<std::string, ElfSection> sections = read_elf_sections(elf);
  // What the linker script does not name is constant and goes to flash, too.
  report.text_bytes = 0;
  for (const auto& [name, section] : sections) {
    if (!kVariables.contains(name)) report.text_bytes += section.bytes;
  }
  report.data_bytes = sections[".data"].bytes;
  report.bss_bytes = sections[".bss"].bytes + sections[".arena"].bytes;
  report.stack_bytes = sections[".stack"].bytes;
  const auto use = [](const std::string& name, const MemoryBank& bank, std::int64_t bytes) {
    return RegionUse{.name = name,
                     .used_bytes = std::max<std::int64_t>(bytes, 0),
                     .capacity_bytes = bank.size_kib * 1024};
  };
  const std::int64_t end_of_stack = sections[".stack"].end();
  const std::int64_t end_of_arena = sections[".arena"].end();
  report.regions = {
      use("flash", map.flash, report.flash_bytes()),
      use("SRAM", map.sram, (map.stack_bank ? end_of_arena : end_of_stack) - map.sram.origin)};
  if (map.stack_bank) {
    report.regions.push_back(
        use(map.stack_bank->name, *map.stack_bank, end_of_stack - map.stack_bank->origin));
  }
}

}  // namespace

void require_cross_compiler() {
  require_program(kCompiler, kPackage);
  require_program(kObjcopy, kPackage);
  // It gives the name back as it is if it has no such file.
  const ProcessResult answer =
      run_tool({kCompiler, "--print-file-name=nano.specs"}, fs::current_path());
  if (answer.exit_code == 0 && answer.log.starts_with("nano.specs")) fail_as_without_library();
}

std::string cpu_flags(const std::string& core) {
  return "-mthumb -mcpu=" + core + " " + core_named(core).flags;
}

std::vector<std::string> split_flags(const std::string& flags) {
  std::istringstream stream(flags);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::vector<fs::path> model_sources(const fs::path& project, const engine::ModelNames& names) {
  const std::string network = names.prefix() + ".c";
  const std::string weights = names.part("weights") + ".c";
  for (const std::string& name : {names.prefix() + ".h", network, weights}) {
    if (!fs::exists(project / name)) {
      throw Error("{}: holds no {}, so it is no generated network", project.string(), name);
    }
  }
  std::vector<fs::path> sources;
  std::error_code no_kernels;
  for (const auto& entry : fs::directory_iterator(project / "kernels", no_kernels)) {
    if (entry.path().extension() == ".c") sources.push_back(entry.path());
  }
  for (const char* part : {"features", "frame", "series", "detections"}) {
    const fs::path file = project / (names.part(part) + ".c");
    if (fs::exists(file)) sources.push_back(file);
  }
  std::sort(sources.begin(), sources.end());
  sources.insert(sources.begin(), {project / network, project / weights});
  return sources;
}

std::vector<fs::path> compile(const fs::path& project, const std::vector<fs::path>& sources,
                              const std::string& core, const std::string& defines,
                              const fs::path& out) {
  const fs::path root = fs::absolute(project);
  std::vector<std::string> command = {kCompiler};
  append(command, cpu_flags(core));
  append(command, kCompileFlags);
  append(command, defines);
  command.insert(command.end(), {"-I" + root.string(), "-I" + (root / "firmware").string(), "-c"});
  // The compiler names objects after sources alone, and a network may be called as a kernel is.
  std::map<fs::path, std::vector<std::string>> commands;
  std::vector<fs::path> objects;
  for (const fs::path& source : sources) {
    const fs::path file = fs::absolute(source);
    const fs::path folder = out / file.lexically_relative(root).parent_path();
    commands.try_emplace(folder, command).first->second.push_back(file.string());
    objects.push_back(folder / source.filename().replace_extension(".o"));
  }
  for (const auto& [folder, words] : commands) {
    make_folder(folder);
    const ProcessResult result = run_tool(words, folder);
    if (result.exit_code != 0) fail(result.log);
  }
  for (const fs::path& object : objects) require_made(object);
  return objects;
}

bool link(const std::vector<fs::path>& objects, const fs::path& script, const std::string& core,
          const MemoryMap& map, const fs::path& elf, FirmwareReport& report) {
  std::vector<std::string> command = {kCompiler};
  append(command, cpu_flags(core));
  append(command, kLinkFlags);
  for (const fs::path& object : objects) command.push_back(fs::absolute(object).string());
  // Not by -Wl, which would end at a comma in the folder's name.
  const std::string map_file = fs::path(elf).replace_extension(".map").string();
  command.insert(command.end(), {"-T", fs::absolute(script).string(), "-Xlinker",
                                 "-Map=" + map_file, "-o", elf.string()});
  ProcessResult result = run_tool(command, elf.parent_path());
  const bool has_room = result.exit_code == 0;
  if (!has_room) {
    if (result.log.find("overflowed by") == std::string::npos) fail(result.log);
    // Again for the sizes: the linker goes on where there is no room, and says so as before.
    command.emplace_back("-Wl,--noinhibit-exec");
    result = run_tool(command, elf.parent_path());
    if (!fs::exists(elf)) fail(result.log);
  }
  require_made(elf);
  measure(elf, map, report);
  if (!has_room) fs::remove(elf);
  return has_room;
}

std::string disassemble(const fs::path& elf) {
  ProcessResult result =
      run_tool({kObjdump, "-d", "--no-show-raw-insn", "-M", "reg-names-raw", elf.string()},
               elf.parent_path());
  if (result.exit_code != 0) throw Error("{}: {}", kObjdump, first_error(result.log));
  return std::move(result.log);
}

void copy_object(const fs::path& elf, const std::string& format, const fs::path& out) {
  const ProcessResult result =
      run_tool({kObjcopy, "-O", format, elf.string(), out.string()}, elf.parent_path());
  if (result.exit_code != 0) throw Error("{}: {}", kObjcopy, first_error(result.log));
}

}  // namespace mcunet::deploy
