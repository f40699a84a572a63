// A convolution's output of int8: sums are requantized where they belong. a4_out.h is the same for
// activations of four bits.

// Bytes from one column's output to the next one's.
MCUNET_INLINE int32_t output_stride(int32_t channels) { return channels; }

// Bytes that the outputs of a column wait in.
MCUNET_INLINE int32_t buffered_outputs(int32_t channels) {
  (void)channels;
  return 0;
}

// Prepares `buffer`, which lies behind what columns need, for the outputs of so many columns.
MCUNET_INLINE void begin_outputs(int8_t* buffer, int32_t columns, int32_t channels) {
  (void)buffer;
  (void)columns;
  (void)channels;
}

// Where the next columns' outputs go.
MCUNET_INLINE int8_t* outputs_at(int8_t* output, int8_t* buffer) {
  (void)buffer;
  return output;
}

// Moves them to `output`; returns where the next ones belong.
MCUNET_INLINE int8_t* finish_outputs(int8_t* output, const int8_t* buffer, int32_t columns,
                                     int32_t channels) {
  (void)buffer;
  return output + columns * channels;
}
