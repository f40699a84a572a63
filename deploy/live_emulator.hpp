#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

#include "mcunet/core/scratch_folder.hpp"

// Live firmware of a project, running on an emulated board.
namespace mcunet::deploy {

class LiveEmulator {
 public:
  // Builds it for a board, by name or by the device's core, in a temporary folder and starts it.
  // Throws Error.
  LiveEmulator(const std::filesystem::path& project, const std::string& board);
  ~LiveEmulator();
  LiveEmulator(const LiveEmulator&) = delete;
  LiveEmulator& operator=(const LiveEmulator&) = delete;

  const std::string& board() const { return board_; }

  // A socket that is the board's serial line; belongs to who takes it.
  int take_socket();

  // Once the socket has ended: what became of the emulator, in words.
  std::string describe_end();

 private:
  void end();

  ScratchFolder scratch_;
  std::string board_;
  int socket_ = -1;
  pid_t process_ = -1;
  int status_ = 0;
};

}  // namespace mcunet::deploy
