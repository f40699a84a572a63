#include "mcunet/deploy/serial_protocol.hpp"

#include <algorithm>

#include "mcunet/core/crc32c.hpp"

namespace mcunet::deploy {
namespace {

constexpr std::string_view kMagic = "\xB5MCU";
constexpr std::size_t kHeaderBytes = 16;  // magic, what is checked, its checksum
constexpr std::size_t kCheckedBytes = 8;
constexpr std::size_t kChecksumBytes = 4;

struct Header {
  FrameKind kind;
  std::uint16_t sequence;
  std::uint32_t payload_bytes;
};

std::optional<Header> parse_header(std::string_view bytes) {
  const std::string_view checked = bytes.substr(kMagic.size(), kCheckedBytes);
  if (!bytes.starts_with(kMagic) ||
      crc32c(checked) != read_word(bytes.substr(kHeaderBytes - kChecksumBytes))) {
    return std::nullopt;
  }
  const Header header{.kind = static_cast<FrameKind>(checked[0]),
                      .sequence = static_cast<std::uint16_t>(read_word(checked) >> 16),
                      .payload_bytes = read_word(checked.substr(4))};
  if (header.payload_bytes > kMostPayloadBytes) return std::nullopt;
  return header;
}

}  // namespace

std::uint32_t read_word(std::string_view text) {
  std::uint32_t word = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    word |= std::uint32_t{static_cast<std::uint8_t>(text.at(i))} << 8 * i;
  }
  return word;
}

std::string word_bytes(std::uint32_t word) {
  std::string bytes;
  for (int i = 0; i < 4; ++i) bytes += static_cast<char>(word >> 8 * i);
  return bytes;
}

std::string encode_frame(const Frame& frame) {
  const std::string checked = static_cast<char>(frame.kind) +
                              word_bytes(std::uint32_t{frame.sequence} << 8).substr(0, 3) +
                              word_bytes(static_cast<std::uint32_t>(frame.payload.size()));
  return std::string(kMagic) + checked + word_bytes(crc32c(checked)) + frame.payload +
         word_bytes(crc32c(frame.payload));
}

void FrameReader::skip(std::size_t count) {
  skipped_bytes_ += static_cast<std::int64_t>(count);
  bytes_.erase(0, count);
}

std::optional<Frame> FrameReader::next() {
  for (;;) {
    // Of what may be the beginning of the magic at the end, the rest may come.
    const std::size_t found = bytes_.find(kMagic.front());
    skip(std::min(found, bytes_.size()));
    if (bytes_.size() < kHeaderBytes) return std::nullopt;
    const auto header = parse_header(bytes_);
    if (!header) {
      skip(1);
      continue;
    }
    if (bytes_.size() < kHeaderBytes + header->payload_bytes + kChecksumBytes) return std::nullopt;
    Frame frame{.kind = header->kind,
                .sequence = header->sequence,
                .payload = bytes_.substr(kHeaderBytes, header->payload_bytes)};
    const std::size_t end = kHeaderBytes + header->payload_bytes;
    frame.is_damaged = crc32c(frame.payload) != read_word(std::string_view(bytes_).substr(end));
    if (frame.is_damaged) {
      skip(kHeaderBytes);
      frame.payload.clear();
    } else {
      bytes_.erase(0, end + kChecksumBytes);
    }
    return frame;
  }
}

void FrameReader::abandon() {
  if (!bytes_.empty()) skip(1);
}

}  // namespace mcunet::deploy
