#pragma once

#include <functional>
#include <optional>
#include <string>

// Which of a job's processes, its ranks, this one is: as whoever started it says in the environment.
namespace mcunet {

struct RankPlace {
  int rank = 0;  // rank 0 leads: it decides, writes and prints
  int ranks = 1;
  int local_rank = 0;   // among those of this machine
  int local_ranks = 1;  // that share this machine
  std::string address;  // of rank 0's machine: a name or an IP address
  int port = 0;         // that rank 0 listens at
};

// Gives the value of an environment variable; nothing if it is unset or empty.
using Variables = std::function<std::optional<std::string>(const std::string& name)>;
std::optional<std::string> environment_variable(const std::string& name);

// torchrun's RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT, LOCAL_RANK and LOCAL_WORLD_SIZE; else what
// Slurm's srun tells each task of a step, where rank 0's machine is the step's first and the port
// follows from the job's number, unless MASTER_ADDR and MASTER_PORT are there; else one rank.
// Throws Error that names the variable which is missing or makes no sense.
RankPlace rank_place(const Variables& variables = environment_variable);

// A TCP port that nobody listens at now. Throws Error if there is none.
int free_port();

}  // namespace mcunet
