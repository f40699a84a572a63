// Products of matrices that are both computed: two columns of the second one are widened at a time, and two rows of
// the first one go through them together.

#include "mcunet_kernels.h"
#include "scratch.h"

// Words of a column that four values take: two pairs. Those of two columns lie side by side.
enum { kWordsOfFour = 4 };

// Values of a column less its zero point, and zeros up to a multiple of 4: pairs of the first and third of four,
// and of the second and fourth.
static void widen_column(const int8_t* from, int32_t stride, int32_t depth, int32_t zero_point,
                         uint32_t* to) {
  for (int32_t k = 0; k < depth; k += 4, to += kWordsOfFour) {
    uint32_t values[4] = {0, 0, 0, 0};
    const int32_t count = depth - k < 4 ? depth - k : 4;
    for (int32_t i = 0; i < count; ++i, from += stride) values[i] = (uint32_t)(*from - zero_point);
    to[0] = mcunet_pack_low_low(values[0], values[2]);
    to[1] = mcunet_pack_low_low(values[1], values[3]);
  }
}

struct block {
  int32_t sums[2][2];  // of rows and columns
};

MCUNET_INLINE void add_products(uint32_t word, uint32_t offsets, const uint32_t* columns,
                                int32_t sums[2]) {
  const uint32_t even = mcunet_widen_even_add(offsets, word);
  const uint32_t odd = mcunet_widen_odd_add(offsets, word);
  sums[0] = mcunet_mac_pairs(even, columns[0], sums[0]);
  sums[0] = mcunet_mac_pairs(odd, columns[1], sums[0]);
  sums[1] = mcunet_mac_pairs(even, columns[2], sums[1]);
  sums[1] = mcunet_mac_pairs(odd, columns[3], sums[1]);
}

// One or two rows, `depth` bytes apart.
MCUNET_INLINE struct block multiply(const int8_t* row, int32_t rows, int32_t depth,
                                    uint32_t offsets, const uint32_t* columns) {
  struct block block = {{{0, 0}, {0, 0}}};
  const int32_t rest = depth & 3;
  const int8_t* const end = row + (depth - rest);
  for (; row != end; row += 4, columns += kWordsOfFour) {
    add_products(mcunet_load_word(row), offsets, columns, block.sums[0]);
    if (rows == 2) add_products(mcunet_load_word(row + depth), offsets, columns, block.sums[1]);
  }
  if (rest != 0) {  // beyond it, columns are 0
    for (int32_t i = 0; i < rows; ++i, row += depth) {
      uint32_t word = 0;
      for (int32_t k = 0; k < rest; ++k) word |= (uint32_t)(uint8_t)row[k] << (8 * k);
      add_products(word, offsets, columns, block.sums[i]);
    }
  }
  return block;
}

static void store(const struct block* block, int32_t rows, int32_t count, int8_t* output,
                  const struct mcunet_batch_matmul_layer* layer) {
  for (int32_t i = 0; i < rows; ++i, output += layer->columns) {
    for (int32_t j = 0; j < count; ++j) {
      const int32_t value = mcunet_rescale(block->sums[i][j], layer->multiplier, layer->shift);
      output[j] = (int8_t)mcunet_clamp(mcunet_wrapping_add(value, layer->output.zero_point),
                                       layer->output.min, layer->output.max);
    }
  }
}

void mcunet_batch_matmul(const int8_t* a, const int8_t* b, int8_t* output,
                         const struct mcunet_batch_matmul_layer* layer, void* scratch) {
  uint32_t* const columns = (uint32_t*)scratch;
  const int32_t depth = layer->depth;
  const uint32_t offset = (uint32_t)-layer->zero_points[0];
  const uint32_t offsets = mcunet_pack_low_low(offset, offset);
  for (int32_t i = 0; i < layer->matrices; ++i, a += layer->stride, b += layer->strides[0]) {
    for (int32_t column = 0; column < layer->columns; column += 2) {
      const int32_t count = layer->columns - column < 2 ? 1 : 2;
      const int8_t* const from = b + column * layer->strides[2];
      widen_column(from, layer->strides[1], depth, layer->zero_points[1], columns);
      // Without a second one, the first one again.
      widen_column(from + (count - 1) * layer->strides[2], layer->strides[1], depth,
                   layer->zero_points[1], columns + 2);
      const int8_t* row = a;
      int8_t* to = output + column;
      int32_t left = layer->rows;
      for (; left >= 2; left -= 2, row += 2 * depth, to += 2 * layer->columns) {
        const struct block block = multiply(row, 2, depth, offsets, columns);
        store(&block, 2, count, to, layer);
      }
      if (left == 1) {
        const struct block block = multiply(row, 1, depth, offsets, columns);
        store(&block, 1, count, to, layer);
      }
    }
    output += layer->rows * layer->columns;
  }
}
