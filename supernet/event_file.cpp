#include "event_file.hpp"

#include <bit>

#include "mcunet/core/crc32c.hpp"

namespace mcunet::supernet {
namespace {

// Wire types of protocol buffers.
enum WireType { kVarint = 0, kFixed64 = 1, kLengthDelimited = 2, kFixed32 = 5 };

template <typename T>
void append_little_endian(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof value; ++i) {
    out += static_cast<char>((value >> (8 * i)) & 0xFF);
  }
}

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7F) | 0x80);
  out += static_cast<char>(value);
}

void append_key(std::string& out, int field, WireType type) {
  append_varint(out, static_cast<std::uint64_t>(field) << 3 | type);
}

void append_bytes(std::string& out, int field, std::string_view bytes) {
  append_key(out, field, kLengthDelimited);
  append_varint(out, bytes.size());
  out += bytes;
}

std::uint32_t masked_crc(std::string_view bytes) {
  const std::uint32_t crc = crc32c(bytes);
  return std::rotr(crc, 15) + 0xA282EAD8;
}

// Event: wall_time = 1, step = 2, file_version = 3, summary = 5.
std::string event_start(double wall_seconds) {
  std::string event;
  append_key(event, 1, kFixed64);
  append_little_endian(event, std::bit_cast<std::uint64_t>(wall_seconds));
  return event;
}

}  // namespace

std::string event_record(std::string_view bytes) {
  std::string record;
  append_little_endian(record, std::uint64_t{bytes.size()});
  append_little_endian(record, masked_crc(record));
  record += bytes;
  append_little_endian(record, masked_crc(bytes));
  return record;
}

std::string event_file_start(double wall_seconds) {
  std::string event = event_start(wall_seconds);
  append_bytes(event, 3, "brain.Event:2");
  return event_record(event);
}

std::string scalars_event(double wall_seconds, std::int64_t step, std::span<const Scalar> scalars) {
  std::string summary;
  for (const auto& [tag, number] : scalars) {
    std::string value;  // Summary.Value: tag = 1, simple_value = 2
    append_bytes(value, 1, tag);
    append_key(value, 2, kFixed32);
    append_little_endian(value, std::bit_cast<std::uint32_t>(static_cast<float>(number)));
    append_bytes(summary, 1, value);
  }
  std::string event = event_start(wall_seconds);
  append_key(event, 2, kVarint);
  append_varint(event, static_cast<std::uint64_t>(step));
  append_bytes(event, 5, summary);
  return event_record(event);
}

}  // namespace mcunet::supernet
