#ifndef MCUNET_FRAME_H
#define MCUNET_FRAME_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The network's input made of a frame as a camera gives it: cropped or stretched, resized and
// quantized, in integer arithmetic, without memory of its own.
//
// It follows what an evaluation does on the host with the pixels of a file (OpenCV's resize of 8
// bits: areas are averaged where a side shrinks to half or below, else four neighbours are weighed).
// Frames that need no resizing give the same bytes; others differ by 1 of 255 before quantization in
// a few bytes, where the host rounds in 32-bit floats. Evaluations of JPEG files shrink them while
// they decode, which is further off: by 2 to 7 in the mean, and at edges by more.

struct mcunet_frame {
  const uint8_t* pixels;  // rows from the top; of each pixel red, green, blue, or gray alone
  int32_t height;         // 1 to 8192
  int32_t width;          // 1 to 8192; no more than 2^24 pixels are shown to the network
  int32_t row_bytes;      // from the beginning of a row to that of the next
  int32_t channels;       // 3 or 1
};

struct mcunet_frame_layer {
  int32_t height;  // of the input
  int32_t width;
  int32_t channels;  // 3, or 1: gray
  // The share of the shorter side that is kept, of 65536, in the shape of the input; 0: the whole
  // frame is stretched. A frame that has the size of the input is never cropped.
  int32_t crop;
  const int8_t* values;  // [256]: the input that a value of 0 to 255 is
};

// -> input [height, width, channels] of the layer.
void mcunet_frame_to_input(const struct mcunet_frame* frame, int8_t* input,
                           const struct mcunet_frame_layer* layer);

// The same of some rows of the input, for one that comes in rows.
void mcunet_frame_rows_to_input(const struct mcunet_frame* frame, int32_t first_row, int32_t rows,
                                int8_t* input, const struct mcunet_frame_layer* layer);

#ifdef __cplusplus
}
#endif

#endif
