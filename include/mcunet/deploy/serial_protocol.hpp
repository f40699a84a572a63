#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Frames between a host and live firmware, see deploy/README.md; templates/serial_link.h is the
// device's side.
namespace mcunet::deploy {

// As the fifth byte of a frame.
enum class FrameKind : char {
  kHello = 'h',
  kDescription = 'd',
  kInput = 'i',
  kOutput = 'o',
  kRowsWanted = 'w',
  kRows = 'r',
  kRepeat = 'n',
  kError = 'e',
  kFault = 'f',
};

// Beyond it a header is taken for noise: no microcontroller takes or gives as much.
inline constexpr std::uint32_t kMostPayloadBytes = std::uint32_t{1} << 26;

struct Frame {
  FrameKind kind = FrameKind::kHello;
  std::uint16_t sequence = 0;  // an answer has that of what it answers
  std::string payload;
  bool is_damaged = false;  // received with a payload that is not what its checksum says

  bool operator==(const Frame&) const = default;
};

std::string encode_frame(const Frame& frame);

// Finds the frames in what a line gives, however it is cut into pieces and whatever is between them.
class FrameReader {
 public:
  void append(std::string_view bytes) { bytes_ += bytes; }

  // The next one, once all of it is there. Of a damaged one the payload is looked through for further
  // frames: if bytes were lost, the next one begins in there.
  std::optional<Frame> next();

  // Gives up the frame that has begun: the rest of it will not come.
  void abandon();

  // That belonged to no frame.
  std::int64_t skipped_bytes() const { return skipped_bytes_; }

 private:
  void skip(std::size_t count);

  std::string bytes_;  // not yet read; skip() leaves it at what may be a header
  std::int64_t skipped_bytes_ = 0;
};

// The four bytes at `text`, little endian; and as such.
std::uint32_t read_word(std::string_view text);
std::string word_bytes(std::uint32_t word);

}  // namespace mcunet::deploy
