#pragma once

// libtorch's own transport between processes comes with Gloo.
#if __has_include(<gloo/algorithm.h>)
#define MCUNET_HAS_GLOO

#include <chrono>
#include <optional>
#include <string>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <vector>

#include "mcunet/core/rank_place.hpp"

// Where the ranks of a job meet: a board of keys and values, which rank 0 keeps.
namespace mcunet::supernet {

using Store = c10d::TCPStore;
using Milliseconds = std::chrono::milliseconds;

Milliseconds milliseconds(double seconds);

// Rank 0's board, or a connection to it. Throws Error if it is not reached within so many seconds.
c10::intrusive_ptr<Store> open_store(const RankPlace& place, double seconds, bool serves);

std::vector<std::uint8_t> bytes_of(const std::string& text);
std::optional<std::string> read_key(Store& store, const std::string& key);

// What is on it: why the group has ended; that a rank lives, where, and that it has left.
inline constexpr char kVerdict[] = "verdict";
std::string sign_of(int rank);
std::string host_of(int rank);
std::string leaving_of(int rank);

std::string host_name();

// Tells machines apart, in containers as well, where many have the same name.
std::string machine_id();

// The address by which this machine talks to rank 0's: the others reach this one by it. A host name would often
// stand for the loopback. Throws Error if no network leads there.
std::string own_address(const RankPlace& place);

}  // namespace mcunet::supernet

#endif
