#include "widen_nibbles.h"

// The pairs of a word: of its channels 0 and 2, 1 and 3, 4 and 6, 5 and 7.
MCUNET_INLINE void widen_word(uint32_t word, uint32_t* column, int32_t pitch) {
  const uint32_t mask = 0x000f000fu;
  column[0] = word & mask;
  column[pitch] = word >> 8 & mask;
  column[2 * pitch] = word >> 4 & mask;
  column[3 * pitch] = word >> 12 & mask;
}

// The same with odd channels 256 times as much.
MCUNET_INLINE void widen_word_s4(uint32_t word, uint32_t* column, int32_t pitch) {
  const uint32_t even = 0x000f000fu;
  const uint32_t odd = 0x0f000f00u;
  column[0] = word & even;
  column[pitch] = word & odd;
  column[2 * pitch] = word >> 4 & even;
  column[3 * pitch] = word >> 4 & odd;
}

#define WIDEN_NIBBLES(suffix)                                                                   \
  uint32_t* mcunet_widen_column_nibbles##suffix(uint32_t* column, int32_t pitch,                \
                                                const int8_t* nibbles, int32_t values) {        \
    for (; values > 0; values -= 8, nibbles += 4, column += 4 * pitch) {                        \
      widen_word##suffix(mcunet_load_word(nibbles), column, pitch);                             \
    }                                                                                           \
    return column;                                                                              \
  }                                                                                             \
                                                                                                \
  uint32_t* mcunet_widen_four_columns_nibbles##suffix(uint32_t* columns, const int8_t* nibbles, \
                                                      int32_t values, int32_t distance) {       \
    const int8_t* const end = nibbles + values / 2;                                             \
    for (; nibbles != end; nibbles += 4, columns += 4 * MCUNET_COLUMNS) {                       \
      const uint32_t first = mcunet_load_word(nibbles);                                         \
      const uint32_t second = mcunet_load_word(nibbles + distance);                             \
      const uint32_t third = mcunet_load_word(nibbles + 2 * distance);                          \
      const uint32_t fourth = mcunet_load_word(nibbles + 3 * distance);                         \
      widen_word##suffix(first, columns, MCUNET_COLUMNS);                                       \
      widen_word##suffix(second, columns + 1, MCUNET_COLUMNS);                                  \
      widen_word##suffix(third, columns + 2, MCUNET_COLUMNS);                                   \
      widen_word##suffix(fourth, columns + 3, MCUNET_COLUMNS);                                  \
    }                                                                                           \
    return columns;                                                                             \
  }

WIDEN_NIBBLES()
WIDEN_NIBBLES(_s4)
