#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

// What TensorBoard reads: a sequence of records (length, its checksum, bytes, their checksum), each
// an Event message. Only what scalars need.
namespace mcunet::supernet {

using Scalar = std::pair<std::string, double>;

// One record around some bytes.
std::string event_record(std::string_view bytes);

// The record that an event file begins with.
std::string event_file_start(double wall_seconds);

// A record of values at a step; wall_seconds since 1970.
std::string scalars_event(double wall_seconds, std::int64_t step, std::span<const Scalar> scalars);

}  // namespace mcunet::supernet
