#include "detections.h"

enum {
  kOne = 1 << 14,
  kBoxValues = 5
};  // the image's width or height; outputs before the classes'

typedef struct mcunet_detection Detection;
typedef struct mcunet_detection_layer Layer;

static uint32_t high_word(uint32_t a, uint32_t b) { return (uint32_t)(((uint64_t)a * b) >> 32); }

// The best class, with its score: objectness times softmax.
static void classify(const int8_t* values, const Layer* layer, Detection* found) {
  const int8_t* const classes = values + kBoxValues;
  int32_t best = 0;
  for (int32_t c = 1; c < layer->classes; ++c) {
    if (classes[c] > classes[best]) best = c;
  }
  const int32_t largest = classes[best];
  uint32_t sum = 0;
  for (int32_t c = 0; c < layer->classes; ++c) sum += layer->softmax[largest - classes[c]];
  // In 1/65536, so that 16 more bits of the objectness give the score in its own unit, rounded.
  sum = (sum + (1 << 6)) >> 7;
  const uint32_t objectness = layer->sigmoids[values[4] + 128];
  found->score = (uint16_t)(((objectness << 16) + (sum >> 1)) / sum);
  found->label = (int16_t)best;
}

// A box along one axis: its centre in 1/32768 of a cell, which has a share of the image.
static void place(uint32_t centre, uint32_t share, uint32_t side, uint32_t factor, int16_t* first,
                  int16_t* last) {
  const int32_t middle = (int32_t)((high_word(2 * centre, share) + 1) >> 1);
  uint32_t half = (high_word(side, factor) + 1) >> 1;
  if (half > kOne) half = kOne;  // which reaches both borders from anywhere
  const int32_t low = middle - (int32_t)half;
  const int32_t high = middle + (int32_t)half;
  *first = (int16_t)(low < 0 ? 0 : low);
  *last = (int16_t)(high > kOne ? kOne : high);
}

static uint32_t area(const Detection* box) {
  return (uint32_t)(box->right - box->left) * (uint32_t)(box->bottom - box->top);
}

static uint32_t intersection(const Detection* a, const Detection* b) {
  const int32_t left = a->left > b->left ? a->left : b->left;
  const int32_t right = a->right < b->right ? a->right : b->right;
  if (right <= left) return 0;
  const int32_t top = a->top > b->top ? a->top : b->top;
  const int32_t bottom = a->bottom < b->bottom ? a->bottom : b->bottom;
  if (bottom <= top) return 0;
  return (uint32_t)(right - left) * (uint32_t)(bottom - top);
}

static int overlaps(const Detection* a, const Detection* b, uint32_t most) {
  if (a->label != b->label) return 0;
  const uint32_t both = intersection(a, b);
  if (both == 0) return 0;
  return (uint64_t)both << 15 > (uint64_t)most * (area(a) + area(b) - both);
}

// Room for a score in the order; -1 if there are enough better ones.
static int32_t insert(Detection* candidates, int32_t* count, int32_t most, uint32_t score) {
  int32_t at = *count;
  if (at == most) {
    if (candidates[at - 1].score >= score) return -1;
    --at;
  } else {
    ++*count;
  }
  for (; at > 0 && candidates[at - 1].score < score; --at) candidates[at] = candidates[at - 1];
  return at;
}

// Leaves those that no better one of their class covers, the best first.
static int32_t suppress(Detection* candidates, int32_t count, const Layer* layer) {
  int32_t kept = 0;
  for (int32_t i = 0; i < count && kept < layer->most; ++i) {
    int32_t k = 0;
    while (k < kept && !overlaps(&candidates[k], &candidates[i], layer->overlap)) ++k;
    if (k == kept) candidates[kept++] = candidates[i];
  }
  return kept;
}

int32_t mcunet_find_detections(const int8_t* outputs, const struct mcunet_detection_layer* layer,
                               struct mcunet_detection* detections) {
  const int32_t values = kBoxValues + layer->classes;
  int32_t count = 0;
  for (int32_t row = 0; row < layer->rows; ++row) {
    for (int32_t column = 0; column < layer->columns; ++column) {
      for (int32_t anchor = 0; anchor < layer->anchors; ++anchor, outputs += values) {
        if (outputs[4] < layer->objectness) continue;
        Detection found;
        classify(outputs, layer, &found);
        if (found.score < layer->score) continue;
        const int32_t at = insert(detections, &count, layer->candidates, found.score);
        if (at < 0) continue;
        const uint32_t* const sides = layer->sides + 2 * anchor;
        const uint32_t x = ((uint32_t)column << 15) + layer->sigmoids[outputs[0] + 128];
        const uint32_t y = ((uint32_t)row << 15) + layer->sigmoids[outputs[1] + 128];
        place(x, layer->column_share, sides[0], layer->exponentials[outputs[2] + 128], &found.left,
              &found.right);
        place(y, layer->row_share, sides[1], layer->exponentials[outputs[3] + 128], &found.top,
              &found.bottom);
        detections[at] = found;
      }
    }
  }
  return suppress(detections, count, layer);
}
