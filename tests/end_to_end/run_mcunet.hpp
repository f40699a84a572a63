#pragma once

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/temporary_folder.hpp"
#include "mcunet/core/files.hpp"

namespace mcunet {

// What one run of the program gave.
struct Outcome {
  int exit_code = -1;  // -1: it was killed
  std::string out;
  std::string err;
};

// Runs the real program in a folder of its own, with the shipped configurations.
class CommandTest : public testing::Test {
 protected:
  CommandTest() { std::filesystem::create_directories(folder_ / "work"); }

  Outcome run(const std::vector<std::string>& arguments,
              const std::string& program = MCUNET_BINARY) const {
    return finish(start(arguments, program));
  }

  // The process of the program, to be finished.
  pid_t start(std::vector<std::string> arguments,
              const std::string& program = MCUNET_BINARY) const {
    arguments.insert(arguments.begin(), program);
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);

    const std::string out = (folder_ / "stdout").string();
    const std::string err = (folder_ / "stderr").string();
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addchdir_np(&actions, (folder_ / "work").c_str());
    constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC;
    ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(), kFlags, 0644);
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err.c_str(), kFlags, 0644);
    pid_t child = 0;
    const int error =
        ::posix_spawn(&child, program.c_str(), &actions, nullptr, pointers.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    EXPECT_EQ(error, 0) << program;
    return child;
  }

  Outcome finish(pid_t child) const {
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_file(folder_ / "stdout"),
            read_file(folder_ / "stderr")};
  }

  // Expects exit code 1, one line on standard error and none on standard output; returns the line.
  std::string failure(const std::vector<std::string>& arguments) const {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_EQ(outcome.out, "");
    EXPECT_TRUE(outcome.err.starts_with("mcunet: ")) << outcome.err;
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
    return outcome.err.substr(std::min<std::size_t>(8, outcome.err.size()),
                              outcome.err.find('\n') - 8);
  }

  // Standard output as the one JSON object that it must be.
  static nlohmann::json parse_output(const Outcome& outcome) {
    EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 1);
    const auto json = nlohmann::json::parse(outcome.out, nullptr, /*allow_exceptions=*/false);
    EXPECT_TRUE(json.is_object()) << outcome.out;
    return json;
  }

  // Files in the working directory, but for those that the test wrote itself.
  std::vector<std::string> created() const {
    std::vector<std::string> names;
    for (const std::string& name : folder_.list()) {
      if (name.starts_with("work/")) names.push_back(name.substr(5));
    }
    for (const std::string& name : own_files_) std::erase(names, name);
    return names;
  }

  void write(const std::string& name, const std::string& text) {
    folder_.write("work/" + name, text);
    own_files_.push_back(name);
  }
  std::string read(const std::string& name) const { return read_file(folder_ / "work" / name); }

  TemporaryFolder folder_;
  ScopedVariable configs_{"MCUNET_CONFIGS", MCUNET_SOURCE_DIR "/configs"};

 private:
  std::vector<std::string> own_files_;
};

// An experiment that takes milliseconds: four spaces of a few networks.
inline constexpr char kSmallExperiment[] =
    "device: stm32f746\n"
    "space: proxyless\n"
    "space_optimization:\n"
    "  widths: [0.3, 0.5]\n"
    "  resolutions: [48, 96]\n"
    "  samples: 20\n"
    "  sweep: {sram_kib: [128, 320], flash_kib: [512, 1024]}\n";

}  // namespace mcunet
