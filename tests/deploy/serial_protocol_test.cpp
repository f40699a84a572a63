#include "mcunet/deploy/serial_protocol.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.hpp"
#include "mcunet/core/crc32c.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/process.hpp"
#include "mcunet/core/random.hpp"
#include "templates.hpp"

namespace mcunet::deploy {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Frame input_frame(std::uint16_t sequence, std::string payload) {
  return {.kind = FrameKind::kInput, .sequence = sequence, .payload = std::move(payload)};
}

std::vector<Frame> all_of(FrameReader& reader) {
  std::vector<Frame> frames;
  while (auto frame = reader.next()) frames.push_back(*frame);
  return frames;
}

std::string random_bytes(RandomStream& random, std::size_t count) {
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) bytes += static_cast<char>(random.index(256));
  return bytes;
}

TEST(SerialProtocol, FramesAreAsDocumented) {
  // CRC-32C of "123456789" is 0xE3069283, of nothing 0.
  const std::string frame = encode_frame(input_frame(0x0201, "123456789"));
  EXPECT_EQ(frame.substr(0, 12), std::string("\xB5MCUi\0\1\2\x09\0\0\0", 12));
  EXPECT_EQ(frame.substr(16), std::string("123456789\x83\x92\x06\xE3"));
  EXPECT_EQ(encode_frame({}).size(), 20u);
  EXPECT_EQ(encode_frame({}).substr(16), std::string(4, '\0'));
}

TEST(SerialProtocol, FramesMayBeSplitAnywhere) {
  RandomStream random(1);
  std::vector<Frame> sent;
  std::string bytes;
  for (std::uint16_t i = 0; i < 20; ++i) {
    sent.push_back(input_frame(i, random_bytes(random, random.index(60))));
    bytes += encode_frame(sent.back());
  }
  for (const std::size_t piece : {1, 3, 16, 17, 50, 5000}) {
    FrameReader reader;
    std::vector<Frame> received;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      reader.append(std::string_view(bytes).substr(at, piece));
      for (Frame& frame : all_of(reader)) received.push_back(std::move(frame));
    }
    EXPECT_EQ(received, sent) << piece;
    EXPECT_EQ(reader.skipped_bytes(), 0);
  }
}

TEST(SerialProtocol, NoiseBetweenFramesIsSkipped) {
  RandomStream random(2);
  FrameReader reader;
  std::int64_t noise = 0;
  for (std::uint16_t i = 0; i < 50; ++i) {
    std::string skipped = random_bytes(random, random.index(40));
    if (i % 3 == 0) skipped += std::string("\xB5MCUi\0\1\2", 8);  // a header without its end
    if (i % 3 == 1) skipped += "\xB5\xB5MC";
    noise += static_cast<std::int64_t>(skipped.size());
    const Frame frame = input_frame(i, random_bytes(random, 30));
    reader.append(skipped + encode_frame(frame));
    EXPECT_THAT(all_of(reader), ElementsAre(frame));
  }
  EXPECT_EQ(reader.skipped_bytes(), noise);
}

TEST(SerialProtocol, ADamagedPayloadIsTold) {
  std::string damaged = encode_frame(input_frame(7, "0123456789"));
  damaged[20] ^= 1;
  FrameReader reader;
  reader.append(damaged);
  const std::vector<Frame> frames = all_of(reader);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_TRUE(frames[0].is_damaged);
  EXPECT_EQ(frames[0].sequence, 7);
  EXPECT_EQ(frames[0].payload, "");
}

TEST(SerialProtocol, ADamagedHeaderIsNoise) {
  const Frame next = input_frame(8, "next");
  for (std::size_t at = 0; at < 16; ++at) {
    std::string damaged = encode_frame(input_frame(7, "0123456789"));
    damaged[at] ^= 0x10;
    FrameReader reader;
    reader.append(damaged + encode_frame(next));
    EXPECT_THAT(all_of(reader), ElementsAre(next)) << at;
  }
}

TEST(SerialProtocol, TheFrameAfterLostBytesIsFound) {
  const Frame next = input_frame(8, "next one");
  for (std::size_t lost = 1; lost < 30; ++lost) {
    std::string cut = encode_frame(input_frame(7, std::string(30, 'x')));
    cut.erase(16, lost);
    FrameReader reader;
    reader.append(cut + encode_frame(next) + encode_frame(next));
    std::vector<Frame> frames = all_of(reader);
    std::erase_if(frames, [](const Frame& frame) { return frame.is_damaged; });
    EXPECT_THAT(frames, ElementsAre(next, next)) << lost;
  }
}

TEST(SerialProtocol, AFrameThatDoesNotEndCanBeGivenUp) {
  const Frame next = input_frame(8, "next");
  std::string cut = encode_frame(input_frame(7, std::string(300, 'x')));
  FrameReader reader;
  reader.append(cut.substr(0, 100));
  EXPECT_THAT(all_of(reader), IsEmpty());
  reader.append(encode_frame(next));
  EXPECT_THAT(all_of(reader), IsEmpty()) << "taken for what is missing";
  reader.abandon();
  EXPECT_THAT(all_of(reader), ElementsAre(next));
  reader.abandon();
  EXPECT_THAT(all_of(reader), IsEmpty());
}

TEST(SerialProtocol, ALengthOfNoDeviceIsNoise) {
  const auto header_of = [](std::uint32_t bytes) {
    const std::string checked = std::string("i\0\1\0", 4) + word_bytes(bytes);
    return "\xB5MCU" + checked + word_bytes(crc32c(checked));
  };
  FrameReader reader;
  reader.append(header_of(kMostPayloadBytes + 1));
  EXPECT_THAT(all_of(reader), IsEmpty());
  EXPECT_EQ(reader.skipped_bytes(), 16);
  reader.append(header_of(kMostPayloadBytes));
  EXPECT_THAT(all_of(reader), IsEmpty());
  EXPECT_EQ(reader.skipped_bytes(), 16);
}

// The device's C, compiled for the host: answers each input with its payload, backwards; asks for
// damaged ones again.
constexpr char kEcho[] = R"(
#include <stdio.h>
#include <stdlib.h>
#include "serial_link.h"

uint8_t receive_byte(void) {
  const int byte = getchar();
  if (byte == EOF) exit(0);
  return (uint8_t)byte;
}
void send_byte(uint8_t byte) { putchar(byte); }

int main(void) {
  static uint8_t bytes[4096];
  for (;;) {
    const struct link_header header = receive_header();
    const uint32_t first = header.bytes / 2;
    receive_payload(bytes, first);
    receive_payload(bytes + first, header.bytes - first);
    if (!payload_is_whole()) {
      send_frame(kLinkRepeat, header.sequence, 0, 0);
      continue;
    }
    begin_frame(kLinkOutput, header.sequence, header.bytes);
    for (uint32_t i = header.bytes; i > 0; --i) send_payload(bytes + i - 1, 1);
    end_frame();
  }
}
)";

TEST(SerialProtocol, IsThatOfTheDevicesC) {
  const TemporaryFolder folder;
  for (const char* name : {"serial_link.c", "serial_link.h"}) {
    folder.write(name, std::string(find_template(name)));
  }
  folder.write("echo.c", kEcho);
  RandomStream random(3);
  std::string sent;
  std::vector<Frame> expected;
  for (std::uint16_t i = 0; i < 40; ++i) {
    const std::string payload = random_bytes(random, random.index(200));
    std::string frame = encode_frame(input_frame(i, payload));
    Frame answer{.kind = FrameKind::kOutput,
                 .sequence = i,
                 .payload = std::string(payload.rbegin(), payload.rend())};
    if (i % 5 == 4) {
      frame.back() ^= 1;
      answer = {.kind = FrameKind::kRepeat, .sequence = i, .payload = ""};
    }
    sent += random_bytes(random, random.index(20)) + frame;
    expected.push_back(std::move(answer));
  }
  folder.write("sent.bin", sent);
  const ProcessOptions options{.folder = folder.path(), .package = "gcc", .timeout_seconds = 60};
  const ProcessResult compiled =
      run_process({"cc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fsanitize=undefined",
                   "echo.c", "serial_link.c", "-o", "echo"},
                  options);
  ASSERT_EQ(compiled.exit_code, 0) << compiled.log;
  const ProcessResult run = run_process({"sh", "-c", "./echo < sent.bin > answers.bin"}, options);
  ASSERT_EQ(run.exit_code, 0) << run.log;
  FrameReader reader;
  reader.append(read_file(folder / "answers.bin"));
  EXPECT_EQ(all_of(reader), expected);
  EXPECT_EQ(reader.skipped_bytes(), 0);
}

}  // namespace
}  // namespace mcunet::deploy
