#include "mcunet_kernels.h"

static int32_t within(int32_t low, int32_t rows, int32_t high) {
  return rows < low ? low : rows < high ? rows : high;
}

// Rows of the stage's output that are there before the band.
static int32_t rows_before(const struct mcunet_stage* stage, int32_t band) {
  return within(0, stage->rows_per_band * band + stage->lead, stage->height);
}

// The first of those that its memory has room for in the band.
static int32_t first_row(const struct mcunet_stage* stage, int32_t band) {
  return within(-stage->above, stage->rows_per_band * band + stage->kept, stage->height);
}

static const int8_t* row_at(const struct mcunet_stage* stage, int32_t row, int32_t band) {
  return stage->rows + (row - first_row(stage, band)) * stage->row_bytes;
}

// Downwards; in words, as long as there are some.
static void move(int8_t* to, const int8_t* from, int32_t bytes) {
  for (; bytes >= 16; bytes -= 16, to += 16, from += 16) {
    const uint32_t a = mcunet_load_word(from);
    const uint32_t b = mcunet_load_word(from + 4);
    const uint32_t c = mcunet_load_word(from + 8);
    const uint32_t d = mcunet_load_word(from + 12);
    mcunet_store_word(to, a);
    mcunet_store_word(to + 4, b);
    mcunet_store_word(to + 8, c);
    mcunet_store_word(to + 12, d);
  }
  for (; bytes > 0; --bytes) *to++ = *from++;
}

static void advance(const struct mcunet_stage* stages, const struct mcunet_stage* stage,
                    int32_t number) {
  const int32_t begin = rows_before(stage, number);
  const int32_t end = rows_before(stage, number + 1);
  const int32_t oldest = within(0, first_row(stage, number), begin);
  int8_t* const to = (int8_t*)row_at(stage, oldest, number);
  const int8_t* const from = row_at(stage, oldest, number - 1);
  if (from != to) move(to, from, (begin - oldest) * stage->row_bytes);
  if (begin == end) return;

  const int32_t top = begin * stage->stride - stage->pad;
  const int32_t first = top < 0 ? 0 : top;
  struct mcunet_band band = {.first_row = begin, .rows = end - begin, .pad_top = first - top};
  band.output = (int8_t*)row_at(stage, begin, number);
  for (int32_t i = 0; i < stage->input_count; ++i) {
    band.inputs[i] = row_at(stages + stage->inputs[i], first, number);
  }
  const int32_t below = top + (band.rows - 1) * stage->stride + stage->span;
  band.input_rows = within(0, below, stages[stage->inputs[0]].height) - first;
  stage->compute(&band);
}

void mcunet_stream(const struct mcunet_stage* stages, int32_t count, int32_t first_band,
                   int32_t end_band) {
  for (int32_t band = first_band; band < end_band; ++band) {
    for (int32_t i = 0; i < count; ++i) {
      if (stages[i].compute) advance(stages, stages + i, band);
    }
  }
}
