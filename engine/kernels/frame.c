#include "frame.h"

// Of a side of the frame, what the network sees.
struct part {
  int32_t first;
  int32_t length;
};

struct view {
  const struct mcunet_frame* frame;
  const struct mcunet_frame_layer* layer;
  struct part rows;
  struct part columns;
};

// a / b to the nearest whole number, halves to the even one; neither is negative.
static int64_t nearest_of_long(int64_t a, int64_t b) {
  const int64_t whole = a / b;
  const int64_t twice = 2 * (a - whole * b);
  return whole + (twice > b || (twice == b && (whole & 1)));
}

static uint32_t nearest(uint32_t a, uint32_t b) {
  const uint32_t whole = a / b;
  const uint32_t rest = a - whole * b;
  return whole + (rest > b - rest || (rest == b - rest && (whole & 1)));
}

static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }
static int32_t most(int32_t a, int32_t b) { return a > b ? a : b; }

// `kept` / `unit` pixels in the middle of a side.
static struct part middle_of(int32_t side, int64_t kept, int64_t unit) {
  const int64_t around = side * unit - kept;
  struct part part = {(int32_t)nearest_of_long(around, 2 * unit),
                      (int32_t)nearest_of_long(kept, unit)};
  part.first = least(part.first, side - 1);
  part.length = least(most(part.length, 1), side - part.first);
  return part;
}

static void look_at_part(struct view* view) {
  const struct mcunet_frame* frame = view->frame;
  const struct mcunet_frame_layer* layer = view->layer;
  view->rows = (struct part){0, frame->height};
  view->columns = (struct part){0, frame->width};
  const int has_its_size = frame->height == layer->height && frame->width == layer->width;
  if (layer->crop == 0 || has_its_size) return;
  // The side that has fewer pixels for each of the input's limits the part.
  const int is_upright =
      (int64_t)frame->width * layer->height <= (int64_t)frame->height * layer->width;
  const int64_t unit = 65536 * (int64_t)(is_upright ? layer->width : layer->height);
  const int64_t kept = layer->crop * (int64_t)(is_upright ? frame->width : frame->height);
  view->rows = middle_of(frame->height, kept * layer->height, unit);
  view->columns = middle_of(frame->width, kept * layer->width, unit);
}

// 0 to 255, of a pixel of the part.
static uint32_t level_at(const struct view* view, int32_t row, int32_t column, int32_t channel) {
  const struct mcunet_frame* frame = view->frame;
  const uint8_t* pixel = frame->pixels + (row + view->rows.first) * frame->row_bytes +
                         (column + view->columns.first) * frame->channels;
  if (frame->channels == 1) return pixel[0];
  if (view->layer->channels == 3) return pixel[channel];
  return (9798u * pixel[0] + 19235u * pixel[1] + 3735u * pixel[2] + (1u << 14)) >> 15;
}

// The mean over the pixels, and parts of pixels, that become one of the input. Places are measured
// such that a pixel is as long as the input has rows or columns.
static uint32_t mean_at(const struct view* view, int32_t y, int32_t x, int32_t channel) {
  const int32_t height = view->layer->height;
  const int32_t width = view->layer->width;
  const struct part rows = {y * view->rows.length, view->rows.length};
  const struct part columns = {x * view->columns.length, view->columns.length};
  const int32_t bottom = rows.first + rows.length;
  const int32_t right = columns.first + columns.length;
  uint32_t sum = 0;
  for (int32_t i = rows.first / height; i * height < bottom; ++i) {
    uint32_t of_row = 0;
    for (int32_t j = columns.first / width; j * width < right; ++j) {
      const int32_t along = least(right, (j + 1) * width) - most(columns.first, j * width);
      of_row += (uint32_t)along * level_at(view, i, j, channel);
    }
    const int32_t down = least(bottom, (i + 1) * height) - most(rows.first, i * height);
    sum += (uint32_t)down * of_row;
  }
  const uint32_t area = (uint32_t)rows.length * (uint32_t)columns.length;
  // The host rounds halves up for blocks of 2 x 2 pixels alone.
  if (rows.length == 2 * height && columns.length == 2 * width) return (sum + area / 2) / area;
  return nearest(sum, area);
}

// Two pixels along a side between which the centre of one of the input lies.
struct neighbours {
  int32_t first;
  int32_t second;
  uint32_t weight;  // of the second one, of 2048
};

static struct neighbours neighbours_at(int32_t at, int32_t source, int32_t target) {
  int32_t place = (2 * at + 1) * source - target;  // in halves of a target's pixel
  int32_t first = 0;
  if (place < 0) {
    first = -1;
    place += 2 * target;
  }
  first += place / (2 * target);
  const uint32_t rest = (uint32_t)(place % (2 * target));
  return (struct neighbours){least(most(first, 0), source - 1), least(first + 1, source - 1),
                             nearest(rest << 11, 2 * (uint32_t)target)};
}

static uint32_t between(const struct view* view, const struct neighbours* rows,
                        const struct neighbours* columns, int32_t channel) {
  const uint32_t right = columns->weight;
  const uint32_t left = 2048 - right;
  const uint32_t upper = left * level_at(view, rows->first, columns->first, channel) +
                         right * level_at(view, rows->first, columns->second, channel);
  const uint32_t lower = left * level_at(view, rows->second, columns->first, channel) +
                         right * level_at(view, rows->second, columns->second, channel);
  return ((((2048 - rows->weight) * (upper >> 4)) >> 16) + ((rows->weight * (lower >> 4)) >> 16) +
          2) >>
         2;
}

void mcunet_frame_to_input(const struct mcunet_frame* frame, int8_t* input,
                           const struct mcunet_frame_layer* layer) {
  mcunet_frame_rows_to_input(frame, 0, layer->height, input, layer);
}

void mcunet_frame_rows_to_input(const struct mcunet_frame* frame, int32_t first_row, int32_t rows,
                                int8_t* input, const struct mcunet_frame_layer* layer) {
  struct view view = {.frame = frame, .layer = layer};
  look_at_part(&view);
  const int grows = view.rows.length < layer->height || view.columns.length < layer->width;
  const int averages =
      !grows && (view.rows.length >= 2 * layer->height || view.columns.length >= 2 * layer->width);
  for (int32_t y = first_row; y < first_row + rows; ++y) {
    const struct neighbours around = neighbours_at(y, view.rows.length, layer->height);
    for (int32_t x = 0; x < layer->width; ++x) {
      const struct neighbours columns = neighbours_at(x, view.columns.length, layer->width);
      for (int32_t c = 0; c < layer->channels; ++c) {
        const uint32_t level =
            averages ? mean_at(&view, y, x, c) : between(&view, &around, &columns, c);
        *input++ = layer->values[level];
      }
    }
  }
}
