// Surroundings that fail the program: streams, limits, folders for temporary files, missing and
// hostile tools.
#include <sys/stat.h>

#include "engine/random_graphs.hpp"
#include "hostile_inputs.hpp"
#include "mcunet/engine/tflite/writer.hpp"

namespace mcunet {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class HostileEnvironment : public HostileInputs {
 protected:
  HostileEnvironment() {
    write("x.yaml", kSmallExperiment);
    const auto model = write_tflite(engine::random_graph(engine::OpKind::kConv2d, 3));
    write("x.tflite", {reinterpret_cast<const char*>(model.data()), model.size()});
  }

  // A program that shadows the installed one, in the folder `tools`.
  void install(const std::string& name, const std::string& script) {
    write("tools/" + name, "#!/bin/sh\n" + script + "\n");
    fs::permissions(folder_ / "work/tools" / name, fs::perms::owner_all);
  }

  static bool has_cross_compiler() {
    return std::system("command -v arm-none-eabi-gcc qemu-system-arm >/dev/null 2>&1") == 0;
  }

  const std::vector<std::string> plan_ = {"plan", "resnet18", "--resolution", "32", "--json"};
  const std::vector<std::string> space_ = {"space", "x.yaml", "--out", "o", "--no-report"};
  const std::vector<std::string> compile_ = {"compile",   "x.tflite", "--device",
                                             "stm32f746", "--out",    "c"};
};

TEST_F(HostileEnvironment, WorkGoesOnWhereNobodyHearsIt) {
  for (const char* setting :
       {"exec 2>/dev/full;", "exec 2>&-;", "exec <&-;", "exec <&- 2>&-;", "exec 2</dev/null;"}) {
    SCOPED_TRACE(setting);
    const Outcome outcome = run_bounded({"", plan_, "", setting});
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_GT(parse_output(outcome)["macs"], 0);
  }
  // What is said goes into no file that the program opens.
  for (const char* setting : {"exec 2>/dev/full;", "exec 2>&-;", "exec <&- >&- 2>&-;"}) {
    SCOPED_TRACE(setting);
    fs::remove_all(folder_ / "work/o");
    EXPECT_EQ(run_bounded({"", space_, "", setting}).exit_code, 0);
    EXPECT_TRUE(nlohmann::json::accept(read("o/manifest.json")));
    EXPECT_TRUE(nlohmann::json::accept(read("o/space.json")));
  }
}

TEST_F(HostileEnvironment, FailuresFailWhereNobodyHearsThem) {
  for (const char* setting :
       {"exec 2>/dev/full;", "exec 2>&-;", "exec <&- >&- 2>&-;", "exec >/dev/full 2>/dev/full;"}) {
    EXPECT_EQ(run_bounded({"", {"plan", "none.json", "--json"}, "", setting}).exit_code, 1)
        << setting;
    EXPECT_EQ(run_bounded({"", {"plan", "--none", "--json"}, "", setting}).exit_code, 2) << setting;
  }
}

TEST_F(HostileEnvironment, ResultsThatAreLost) {
  const std::string lost = "standard output: cannot be written: No space left on device";
  std::vector<std::string> table = plan_;
  table.pop_back();
  expect_refused(
      {{"a JSON object", plan_, lost, "exec >/dev/full;"},
       {"a table", table, lost, "exec >/dev/full;"},
       {"help", {"--help"}, lost, "exec >/dev/full;"},
       {"help of a command", {"plan", "--help"}, lost, "exec >/dev/full;"},
       {"the version", {"--version"}, "standard output: cannot be written", "exec >/dev/full;"},
       {"standard output that is read only", plan_, "standard output: ", "exec 1</dev/null;"}});
}

TEST_F(HostileEnvironment, FailuresAreJsonWhereItIsAskedFor) {
  write("bad.csv", "x");
  const std::vector<std::vector<std::string>> commands = {
      {"space", "none"},
      {"plan", "none"},
      {"plan", "x.yaml"},
      {"plan", "resnet18", "--width", "nan"},
      {"plan", "--none"},
      {"plan"},
      {"compile", "none.tflite", "--device", "stm32f746", "--out", "c"},
      {"compile", "x.tflite"},
      {"ablate", "none.tflite", "--device", "stm32f746"},
      {"emulate", "none", "--input", "x.bin"},
      {"emulate", "none", "--input", "x.png"},
      {"profile", "--fit", "bad.csv"},
      {"profile", "none"},
      {"flash", "none"},
      {"report", "none"},
      {"data", "check", "none"},
      {"data", "stats", "none"},
      {"data", "preview", "none"},
      {"train", "none"},
      {"eval", "none", "--subnet", "x.json"},
      {"search", "none"},
      {"finetune", "none"},
      {"export", "none"},
      {"run", "none"},
      {"spcae"}};
  for (std::vector<std::string> command : commands) {
    SCOPED_TRACE(testing::PrintToString(command));
    command.emplace_back("--json");
    const Outcome outcome = run_bounded({"", command, ""});
    EXPECT_TRUE(outcome.exit_code == 1 || outcome.exit_code == 2) << outcome.exit_code;
    const nlohmann::json json = parse_output(outcome);
    ASSERT_TRUE(json.contains("error"));
    EXPECT_EQ(json.size(), 1u);
    EXPECT_EQ(outcome.err, "mcunet: " + json["error"].get<std::string>() + "\n");
  }
  // In bytes that JSON does not know, and over several lines.
  for (const char* name : {"\xff.json", "a\nb.json", "\"\\.json"}) {
    EXPECT_THAT(
        parse_output(run_bounded({"", {"plan", name, "--json"}, ""}))["error"].get<std::string>(),
        HasSubstr(".json: cannot be read"));
  }
}

TEST_F(HostileEnvironment, FewDescriptors) {
  // Whoever started the tests may have left some open.
  const std::string none_else = "exec 3>&- 4>&- 5>&- 6>&- 7>&-; ";
  for (const char* setting : {"ulimit -n 4;", "ulimit -n 5;"}) {
    expect_refused({setting, compile_, "Too many open files", none_else + setting});
  }
  // Of these there are enough.
  EXPECT_EQ(run_bounded({"", plan_, "", none_else + "ulimit -n 8;"}).exit_code, 0);
  EXPECT_EQ(run_bounded({"", space_, "", none_else + "ulimit -n 8;"}).exit_code, 0);
}

TEST_F(HostileEnvironment, FilesThatMayNotBeLarge) {
  fs::create_directories(folder_ / "work/o");
  expect_refused({{"space", space_, "cannot be written: File too large", "ulimit -f 1;"},
                  {"compile", compile_, "cannot be written: File too large", "ulimit -f 1;"}});
}

TEST_F(HostileEnvironment, LittleMemory) {
  write("large.tflite", "");
  fs::resize_file(folder_ / "work/large.tflite", std::uintmax_t{3} << 30);
  expect_refused({"a large model",
                  {"plan", "large.tflite"},
                  "large.tflite: cannot be read: there is not enough memory",
                  "ulimit -v 1000000;"});
}

TEST_F(HostileEnvironment, NoFolderForTemporaryFiles) {
  if (!has_cross_compiler()) GTEST_SKIP() << "needs arm-none-eabi-gcc and qemu-system-arm";
  expect_refused({{"none",
                   {"ablate", "x.tflite", "--device", "stm32f746"},
                   "/no/such/folder",
                   "export TMPDIR=/no/such/folder;"},
                  {"a file",
                   {"ablate", "x.tflite", "--device", "stm32f746"},
                   "x.yaml",
                   "export TMPDIR=$PWD/x.yaml;"},
                  {"one that cannot be written",
                   {"ablate", "x.tflite", "--device", "stm32f746"},
                   "/proc",
                   "export TMPDIR=/proc;"}});
}

TEST_F(HostileEnvironment, MissingTools) {
  install("nothing", "");
  const std::string nothing = "PATH=$PWD/tools;";
  const std::string compiler = "arm-none-eabi-gcc: is not installed (package gcc-arm-none-eabi)";
  expect_refused({{"compile", compile_, compiler, nothing},
                  {"ablate", {"ablate", "x.tflite", "--device", "stm32f746"}, compiler, nothing},
                  {"sample",
                   {"profile", "--sample", "1", "--device", "stm32f746", "--out", "p"},
                   compiler,
                   nothing}});
  if (!has_cross_compiler()) return;
  install("arm-none-eabi-gcc", "exec " + std::string("/usr/bin/arm-none-eabi-gcc \"$@\""));
  install("arm-none-eabi-objcopy", "");
  expect_refused({"no emulator",
                  {"ablate", "x.tflite", "--device", "stm32f746"},
                  "qemu-system-arm: is not installed (package qemu-system-arm)",
                  nothing});
}

// By name: what a program may do instead of its work.
std::vector<std::pair<std::string, std::string>> hostile_scripts() {
  return {{"fails without a word", "exit 1"},
          {"fails with many",
           "i=0; while [ $i -lt 500 ]; do echo \"error: $i\"; i=$((i+1)); done; exit 1"},
          {"fails in binary", "printf '\\001\\002\\n\\377error\\033[31m\\n'; exit 1"},
          {"is killed", "kill -9 $$"},
          {"faults", "kill -11 $$"},
          {"makes nothing", "exit 0"},
          {"writes without end",
           "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; "
           "yes; done"}};
}

TEST_F(HostileEnvironment, HostileTools) {
  const std::string first = "PATH=$PWD/tools:$PATH;";
  for (const auto& [name, script] : hostile_scripts()) {
    install("arm-none-eabi-gcc", script);
    expect_refused({"compiler " + name, compile_, "arm-none-eabi-gcc: ", first});
  }
  write("tools/arm-none-eabi-gcc", "no program");
  fs::permissions(folder_ / "work/tools/arm-none-eabi-gcc", fs::perms::owner_all);
  expect_refused({"compiler that is a text", compile_, "arm-none-eabi-gcc: ", "PATH=$PWD/tools;"});
}

// No result is worth less for want of a picture.
TEST_F(HostileEnvironment, WithoutPlotsThereIsAllElse) {
  const std::vector<std::string> plan = {"plan", "resnet18", "--out", "p"};
  std::vector<std::pair<std::string, std::string>> scripts = hostile_scripts();
  scripts.emplace_back("is missing", "");
  for (const auto& [name, script] : scripts) {
    SCOPED_TRACE(name);
    const bool is_missing = script.empty();
    install(is_missing ? "nothing" : "gnuplot", script);
    const Outcome outcome =
        run_bounded({"", plan, "",
                     is_missing ? "rm tools/gnuplot; PATH=$PWD/tools;" : "PATH=$PWD/tools:$PATH;"});
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_THAT(outcome.err, HasSubstr("gnuplot: "));
    EXPECT_TRUE(fs::exists(folder_ / "work/p/index.html"));
    EXPECT_FALSE(fs::exists(folder_ / "work/p/memory_map.svg"));
    fs::remove_all(folder_ / "work/p");
  }
}

TEST_F(HostileEnvironment, AnEmulatorThatHangsIsKilled) {
  if (!has_cross_compiler()) GTEST_SKIP() << "needs arm-none-eabi-gcc and qemu-system-arm";
  ASSERT_EQ(run_bounded({"", compile_, ""}).exit_code, 0);
  const auto json = nlohmann::json::parse(read("c/model.json"))["inputs"][0];
  const auto bytes = json["height"].get<std::size_t>() * json["width"].get<std::size_t>() *
                     json["channels"].get<std::size_t>();
  write("x.bin", std::string(bytes, '\1'));
  install("qemu-system-arm", "sleep 1000 & sleep 1000");
  expect_refused({"hangs",
                  {"emulate", "c", "--input", "x.bin", "--timeout", "0.5"},
                  "did not end within 0.5 s",
                  "PATH=$PWD/tools:$PATH;"});
  install("qemu-system-arm", "echo nonsense; exit 0");
  expect_refused({"says nonsense",
                  {"emulate", "c", "--input", "x.bin"},
                  "nonsense",
                  "PATH=$PWD/tools:$PATH;"});
}

TEST_F(HostileEnvironment, OutputThroughLinks) {
  if (!has_cross_compiler()) GTEST_SKIP() << "needs arm-none-eabi-gcc and qemu-system-arm";
  fs::create_directories(folder_ / "work/there");
  fs::create_symlink("there", folder_ / "work/c");
  EXPECT_EQ(run_bounded({"", compile_, ""}).exit_code, 0);
  EXPECT_TRUE(fs::is_symlink(folder_ / "work/c"));
  EXPECT_TRUE(fs::exists(folder_ / "work/there/build/firmware.elf"));
  // A comma ends an option that is handed on to the linker, a space a word of the shell.
  const Outcome outcome =
      run_bounded({"", {"compile", "x.tflite", "--device", "stm32f746", "--out", "a, 'b' $c"}, ""});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(fs::exists(folder_ / "work/a, 'b' $c/build/firmware.map"));
}

}  // namespace
}  // namespace mcunet
