#ifndef MCUNET_DETECTIONS_H
#define MCUNET_DETECTIONS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Boxes around objects made of a detector's output (YOLOv2; the layout of the values is told in
// mcunet/datasets/detector.hpp): in integer arithmetic, with the same bytes on every core, and without
// memory of its own.
//
//   1. A box whose objectness alone is below the least score is passed over: one byte is read of it.
//   2. Of the others the best class and its score; the best of them are kept, in the order of their
//      scores, of equal ones that which comes first in the output.
//   3. The best is told, and leaves out those of its class that cover too much of the same area; then
//      the next one of those that are left.
//
// Of the same output in real numbers, scores are at most 1/8192 away, and borders of boxes 1/8192 of
// the image.

struct mcunet_detection {
  // Within the image, in 1/16384 of its width and height.
  int16_t left;
  int16_t top;
  int16_t right;
  int16_t bottom;
  uint16_t score;  // in 1/32768, which is the most
  int16_t label;   // index of the class
};

struct mcunet_detection_layer {
  int32_t rows;
  int32_t columns;
  int32_t anchors;
  int32_t classes;        // 1 to 256
  uint32_t row_share;     // of the image's height, in 1/2^31
  uint32_t column_share;  // of its width
  const uint32_t* sides;  // [anchors, 2]: width and height, in 1/2^30 of the image's
  // By the value of an output, plus 128:
  const uint16_t* sigmoids;      // [256], in 1/32768
  const uint32_t* exponentials;  // [256], in 1/65536; 2^32 - 1 for all that is greater
  // By how far a class's output is below the best one's: what e to that is, in 1/2^23.
  const uint32_t* softmax;  // [256]
  int32_t objectness;       // the lowest output whose sigmoid reaches the score; 128: none does
  uint32_t score;           // at least, in 1/32768
  uint32_t overlap;         // intersection over union, at most, in 1/32768
  int32_t candidates;       // that are kept before overlaps are looked at, 1 or more
  int32_t most;             // that are told
};

// outputs [rows, columns, anchors, 5 + classes] -> how many detections were found, the best first.
// `detections` has room for the layer's candidates.
int32_t mcunet_find_detections(const int8_t* outputs, const struct mcunet_detection_layer* layer,
                               struct mcunet_detection* detections);

#ifdef __cplusplus
}
#endif

#endif
