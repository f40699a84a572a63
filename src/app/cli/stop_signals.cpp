#include "stop_signals.hpp"

#include <csignal>

namespace mcunet::cli {
namespace {

volatile sig_atomic_t stop_requested = 0;

void request_stop(int signal) {
  stop_requested = 1;
  ::signal(signal, SIG_DFL);
}

}  // namespace

std::function<bool()> stop_on_signals() {
  ::signal(SIGINT, request_stop);
  ::signal(SIGTERM, request_stop);
  return [] { return stop_requested != 0; };
}

}  // namespace mcunet::cli
