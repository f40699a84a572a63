// Framed messages over a serial line, in both directions; deploy/README.md describes them, and the
// host's side is mcunet live. One file defines send_byte() and receive_byte(): that of the console.
#ifndef MCUNET_SERIAL_LINK_H
#define MCUNET_SERIAL_LINK_H

#include <stdint.h>

// Of a frame, as its fifth byte.
enum link_kind {
  kLinkHello = 'h',        // to the device: who are you?
  kLinkDescription = 'd',  // what it answers
  kLinkInput = 'i',        // to the device: of one inference
  kLinkOutput = 'o',       // what it answers
  kLinkRowsWanted = 'w',   // while it computes: more of the input, from where, how many bytes
  kLinkRows = 'r',         // what it is answered
  kLinkRepeat = 'n',       // what came was damaged: send it again
  kLinkError = 'e',        // a message for people: it is of no use to send that again
  kLinkFault = 'f',        // the core faulted: exception, program counter, link register
};

struct link_header {
  uint8_t kind;
  uint16_t sequence;  // an answer has that of what it answers
  uint32_t bytes;     // of the payload
};

// Waits for a byte; sends one.
uint8_t receive_byte(void);
void send_byte(uint8_t byte);

// Waits for the header of a frame. Skips all that is none, or damaged.
struct link_header receive_header(void);

// The next bytes of the payload; with no place to write to they are lost.
void receive_payload(void* to, uint32_t bytes);

// After the whole payload: whether it is as it was sent.
int payload_is_whole(void);

// A frame: its header, as many bytes as that says, and the end.
void begin_frame(uint8_t kind, uint16_t sequence, uint32_t bytes);
void send_payload(const void* from, uint32_t bytes);
void end_frame(void);

// All of one.
void send_frame(uint8_t kind, uint16_t sequence, const void* payload, uint32_t bytes);

#endif
