#include "mcunet/core/rank_place.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "mcunet/core/error.hpp"

namespace mcunet {
namespace {

constexpr int kMost = 1'000'000;
constexpr int kMostPort = 65'535;

// Ports that the jobs of a cluster's Slurm use, by their numbers, so that two on one machine seldom meet.
constexpr int kFirstSlurmPort = 20'000;
constexpr int kSlurmPorts = 10'000;

int number_in(const std::string& text, const std::string& name, int least, int most) {
  int number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc{} || result.ptr != text.data() + text.size() || number < least ||
      number > most) {
    throw Error("{}: must be a number from {} to {}, is {}", name, least, most, text);
  }
  return number;
}

std::string required(const Variables& variables, const std::string& name, const std::string& why) {
  const std::optional<std::string> value = variables(name);
  if (!value) throw Error("{}: is not set, but {}", name, why);
  return *value;
}

// "node[03-05,9],x" -> "node03"; "a,b" -> "a". Brackets hold ranges of numbers.
std::string first_host(const std::string& list) {
  std::string host;
  for (std::size_t i = 0; i < list.size() && list[i] != ','; ++i) {
    if (list[i] != '[') {
      host += list[i];
      continue;
    }
    const std::size_t end = list.find_first_of(",-]", i);
    const std::size_t close = list.find(']', i);
    if (close == std::string::npos) throw Error("SLURM_STEP_NODELIST: makes no sense: {}", list);
    host += list.substr(i + 1, end - i - 1);
    i = close;
  }
  return host;
}

// Of a node, in a list such as "2(x3),1": two tasks on each of three nodes, then one.
int tasks_of_node(const std::string& list, int node) {
  const char* const name = "SLURM_STEP_TASKS_PER_NODE";
  for (std::size_t start = 0; start < list.size();) {
    const std::size_t comma = std::min(list.find(',', start), list.size());
    const std::string item = list.substr(start, comma - start);
    const std::size_t times = item.find("(x");
    const int tasks = number_in(item.substr(0, times), name, 1, kMost);
    const int nodes =
        times == std::string::npos
            ? 1
            : number_in(item.substr(times + 2, item.size() - times - 3), name, 1, kMost);
    if (node < nodes) return tasks;
    node -= nodes;
    start = comma + 1;
  }
  throw Error("{}: tells nothing of this node: {}", name, list);
}

RankPlace torchrun_place(const Variables& variables) {
  const std::string why = "WORLD_SIZE is";
  const auto number = [&](const char* name, int least, int most) {
    return number_in(required(variables, name, why), name, least, most);
  };
  RankPlace place;
  place.ranks = number("WORLD_SIZE", 1, kMost);
  place.rank = number("RANK", 0, place.ranks - 1);
  if (place.ranks == 1) return place;
  place.address = required(variables, "MASTER_ADDR", why);
  place.port = number("MASTER_PORT", 1, kMostPort);
  if (variables("LOCAL_WORLD_SIZE")) {
    place.local_ranks = number("LOCAL_WORLD_SIZE", 1, place.ranks);
    place.local_rank = number("LOCAL_RANK", 0, place.local_ranks - 1);
  } else if (variables("LOCAL_RANK")) {
    place.local_rank = number("LOCAL_RANK", 0, place.ranks - 1);
  }
  return place;
}

RankPlace slurm_place(const Variables& variables) {
  const std::string why = "SLURM_STEP_NUM_TASKS is";
  const auto number = [&](const char* name, int least, int most) {
    return number_in(required(variables, name, why), name, least, most);
  };
  RankPlace place;
  place.ranks = number("SLURM_STEP_NUM_TASKS", 1, kMost);
  if (place.ranks == 1) return place;
  place.rank = number("SLURM_PROCID", 0, place.ranks - 1);
  place.local_rank = number("SLURM_LOCALID", 0, place.ranks - 1);
  place.local_ranks = tasks_of_node(required(variables, "SLURM_STEP_TASKS_PER_NODE", why),
                                    number("SLURM_NODEID", 0, kMost));
  const std::optional<std::string> address = variables("MASTER_ADDR");
  place.address = address ? *address : first_host(required(variables, "SLURM_STEP_NODELIST", why));
  place.port = variables("MASTER_PORT")
                   ? number("MASTER_PORT", 1, kMostPort)
                   : kFirstSlurmPort +
                         number("SLURM_JOB_ID", 0, std::numeric_limits<int>::max()) % kSlurmPorts;
  return place;
}

}  // namespace

std::optional<std::string> environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

RankPlace rank_place(const Variables& variables) {
  if (variables("WORLD_SIZE")) return torchrun_place(variables);
  if (variables("SLURM_STEP_NUM_TASKS")) return slurm_place(variables);
  return {};
}

int free_port() {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  const bool found =
      listener >= 0 && ::bind(listener, any, size) == 0 && ::getsockname(listener, any, &size) == 0;
  const int error = errno;
  if (listener >= 0) ::close(listener);
  if (!found) throw Error("there is no free TCP port: {}", std::strerror(error));
  return ntohs(address.sin_port);
}

}  // namespace mcunet
