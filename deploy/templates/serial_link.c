#include "serial_link.h"

#include <string.h>

enum { kHeaderBytes = 16, kCheckedFrom = 4, kCheckedBytes = 8 };

static const uint8_t kMagic[4] = {0xB5, 'M', 'C', 'U'};

// Of what of the payload has come, or gone.
static uint32_t received_crc;
static uint32_t sent_crc;

// CRC-32C, four bits at a time: the table for eight has a kilobyte.
static uint32_t add_to_crc(uint32_t crc, uint8_t byte) {
  static const uint32_t kTable[16] = {
      0x00000000, 0x105EC76F, 0x20BD8EDE, 0x30E349B1, 0x417B1DBC, 0x5125DAD3,
      0x61C69362, 0x7198540D, 0x82F63B78, 0x92A8FC17, 0xA24BB5A6, 0xB21572C9,
      0xC38D26C4, 0xD3D3E1AB, 0xE330A81A, 0xF36E6F75,
  };
  crc ^= byte;
  crc = kTable[crc & 15] ^ crc >> 4;
  return kTable[crc & 15] ^ crc >> 4;
}

static uint32_t crc_of(const uint8_t* bytes, uint32_t count) {
  uint32_t crc = ~0u;
  for (uint32_t i = 0; i < count; ++i) crc = add_to_crc(crc, bytes[i]);
  return ~crc;
}

static void write_word(uint8_t* to, uint32_t word) {
  for (int i = 0; i < 4; ++i) to[i] = (uint8_t)(word >> 8 * i);
}

static uint32_t read_word(const uint8_t* from) {
  return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

struct link_header receive_header(void) {
  uint8_t bytes[kHeaderBytes] = {0};
  do {
    memmove(bytes, bytes + 1, kHeaderBytes - 1);
    bytes[kHeaderBytes - 1] = receive_byte();
  } while (memcmp(bytes, kMagic, sizeof kMagic) != 0 ||
           crc_of(bytes + kCheckedFrom, kCheckedBytes) != read_word(bytes + 12));
  received_crc = ~0u;
  return (struct link_header){.kind = bytes[4],
                              .sequence = (uint16_t)(bytes[6] | bytes[7] << 8),
                              .bytes = read_word(bytes + 8)};
}

void receive_payload(void* to, uint32_t bytes) {
  uint8_t* at = to;
  for (; bytes > 0; --bytes) {
    const uint8_t byte = receive_byte();
    received_crc = add_to_crc(received_crc, byte);
    if (at != 0) *at++ = byte;
  }
}

int payload_is_whole(void) {
  uint8_t bytes[4];
  for (int i = 0; i < 4; ++i) bytes[i] = receive_byte();
  return read_word(bytes) == ~received_crc;
}

static void send_bytes(const uint8_t* bytes, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) send_byte(bytes[i]);
}

void begin_frame(uint8_t kind, uint16_t sequence, uint32_t bytes) {
  uint8_t header[kHeaderBytes];
  memcpy(header, kMagic, sizeof kMagic);
  header[4] = kind;
  header[5] = 0;
  header[6] = (uint8_t)sequence;
  header[7] = (uint8_t)(sequence >> 8);
  write_word(header + 8, bytes);
  write_word(header + 12, crc_of(header + kCheckedFrom, kCheckedBytes));
  send_bytes(header, sizeof header);
  sent_crc = ~0u;
}

void send_payload(const void* from, uint32_t bytes) {
  const uint8_t* const at = from;
  for (uint32_t i = 0; i < bytes; ++i) sent_crc = add_to_crc(sent_crc, at[i]);
  send_bytes(at, bytes);
}

void end_frame(void) {
  uint8_t bytes[4];
  write_word(bytes, ~sent_crc);
  send_bytes(bytes, sizeof bytes);
}

void send_frame(uint8_t kind, uint16_t sequence, const void* payload, uint32_t bytes) {
  begin_frame(kind, sequence, bytes);
  send_payload(payload, bytes);
  end_frame();
}
