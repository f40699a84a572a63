#include "rank_store.hpp"

#ifdef MCUNET_HAS_GLOO

#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmath>
#include <fstream>

#include "mcunet/core/error.hpp"

namespace mcunet::supernet {
namespace {

std::string numeric(const sockaddr* address, socklen_t size) {
  char text[NI_MAXHOST] = "";
  ::getnameinfo(address, size, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
  return text;
}

bool is_loopback(const std::string& address) {
  return address.starts_with("127.") || address == "::1";
}

// Of the first network that leads anywhere; empty if there is none.
std::string address_on_a_network() {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return "";
  std::string found;
  for (const ifaddrs* item = list; item != nullptr && found.empty(); item = item->ifa_next) {
    const bool is_up = (item->ifa_flags & IFF_UP) != 0 && (item->ifa_flags & IFF_LOOPBACK) == 0;
    if (is_up && item->ifa_addr != nullptr && item->ifa_addr->sa_family == AF_INET) {
      found = numeric(item->ifa_addr, sizeof(sockaddr_in));
    }
  }
  ::freeifaddrs(list);
  return found;
}

}  // namespace

Milliseconds milliseconds(double seconds) {
  return Milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

std::vector<std::uint8_t> bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

std::optional<std::string> read_key(Store& store, const std::string& key) {
  if (!store.check({key})) return std::nullopt;
  const std::vector<std::uint8_t> bytes = store.get(key);
  return std::string(bytes.begin(), bytes.end());
}

std::string host_name() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return name;
}

std::string machine_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  return std::getline(file, id) ? id : host_name();
}

std::string own_address(const RankPlace& place) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(place.port);
  if (const int error = ::getaddrinfo(place.address.c_str(), port.c_str(), &hints, &found)) {
    throw Error("rank 0's address {}: {}", place.address, ::gai_strerror(error));
  }
  std::string address;
  for (const addrinfo* item = found; item != nullptr && address.empty(); item = item->ai_next) {
    const int socket = ::socket(item->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    auto* const any = reinterpret_cast<sockaddr*>(&own);
    if (socket >= 0 && ::connect(socket, item->ai_addr, item->ai_addrlen) == 0 &&
        ::getsockname(socket, any, &size) == 0) {
      address = numeric(any, size);
    }
    if (socket >= 0) ::close(socket);
  }
  ::freeaddrinfo(found);
  // Rank 0 on a machine whose own name is the loopback, with others elsewhere.
  if (is_loopback(address) && place.local_ranks < place.ranks) {
    const std::string other = address_on_a_network();
    if (!other.empty()) address = other;
  }
  if (address.empty()) throw Error("rank 0's address {}: no network leads there", place.address);
  return address;
}

c10::intrusive_ptr<Store> open_store(const RankPlace& place, double seconds, bool serves) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<std::uint16_t>(place.port);
  options.isServer = serves;
  options.waitWorkers = false;
  options.timeout = milliseconds(std::ceil(seconds));  // c10d counts whole ones
  try {
    return c10::make_intrusive<Store>(place.address, options);
  } catch (const std::exception& error) {
    if (serves) {
      throw Error("rank 0 cannot listen at port {}: {}", place.port,
                  std::string(error.what()).substr(0, std::string(error.what()).find('\n')));
    }
    throw Error("rank {} of {}: rank 0 cannot be reached at {}:{}", place.rank, place.ranks,
                place.address, place.port);
  }
}

std::string sign_of(int rank) { return "alive/" + std::to_string(rank); }
std::string host_of(int rank) { return "host/" + std::to_string(rank); }
std::string leaving_of(int rank) { return "left/" + std::to_string(rank); }

}  // namespace mcunet::supernet

#endif
