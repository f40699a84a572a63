#pragma once

#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

namespace mcunet {

struct ProcessStatus {
  char state = 0;  // 'Z': it has ended, but its parent has not heard
  pid_t parent = 0;
};

// None: there is no such process.
inline std::optional<ProcessStatus> status_of(pid_t process) {
  std::string stat;
  std::getline(std::ifstream("/proc/" + std::to_string(process) + "/stat"), stat);
  const std::size_t end_of_name = stat.rfind(')');  // which may hold anything
  ProcessStatus status;
  if (end_of_name == std::string::npos ||
      std::sscanf(stat.c_str() + end_of_name + 1, " %c %d", &status.state, &status.parent) != 2) {
    return std::nullopt;
  }
  return status;
}

inline bool is_running(pid_t process) {
  const std::optional<ProcessStatus> status = status_of(process);
  return status && status->state != 'Z';
}

// The processes that `parent` started and that run; with `zombies`, also those that have ended
// without its waiting for them.
inline std::vector<pid_t> children_of(pid_t parent, bool zombies = false) {
  std::vector<pid_t> children;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename().string();
    pid_t process = 0;
    const auto result = std::from_chars(name.data(), name.data() + name.size(), process);
    if (result.ec != std::errc{} || result.ptr != name.data() + name.size()) continue;
    const std::optional<ProcessStatus> status = status_of(process);
    if (status && status->parent == parent && (zombies || status->state != 'Z')) {
      children.push_back(process);
    }
  }
  return children;
}

// What the open file descriptors of a process lead to: "socket:[123]", "/dev/null".
inline std::vector<std::string> descriptors_of(pid_t process) {
  std::vector<std::string> targets;
  std::error_code error;
  const std::filesystem::path folder = "/proc/" + std::to_string(process) + "/fd";
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const auto target = std::filesystem::read_symlink(entry.path(), error);
    if (!error) targets.push_back(target.string());
  }
  return targets;
}

}  // namespace mcunet
