#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>

// Standard input, output and error, whatever they are: closed, a full disk, a pipe that nobody
// reads.
namespace mcunet {

// To be called first of all in main(). Opens /dev/null where one is closed, so that no file that is
// opened later takes its number; and makes writing to a pipe without a reader, or beyond a limit on
// the size of files, an error of that write instead of a signal that ends the program.
void secure_standard_streams();

// Says something on standard error. What cannot be written there is lost, and nothing else is: work
// does not end because nobody listens.
void say(std::string_view text) noexcept;
template <typename... Args>
requires(sizeof...(Args) > 0) void say(fmt::format_string<Args...> format, Args&&... args) {
  say(std::string_view(fmt::format(format, std::forward<Args>(args)...)));
}

// Results go to standard output by fmt::print(). This writes what is still to be written of them,
// and throws Error if anything was lost.
void finish_standard_output();

}  // namespace mcunet
