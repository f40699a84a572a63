#pragma once

#include "mcunet/engine/graph/graph.hpp"
#include "mcunet/engine/graph/operator_table.hpp"

// What the rows of the table of operators point to. Declared together for the table; defined by
// subject: operator_shapes.cpp, operator_checks.cpp, operator_channels.cpp.
namespace mcunet::engine {

// The output's shape.
Shape shape_of_convolution(const Graph& graph, const Op& op, std::int32_t output_channels);
Shape shape_of_depthwise_convolution(const Graph& graph, const Op& op,
                                     std::int32_t output_channels);
Shape shape_of_features(const Graph& graph, const Op& op, std::int32_t output_channels);
Shape shape_of_pool(const Graph& graph, const Op& op, std::int32_t output_channels);
Shape shape_of_both(const Graph& graph, const Op& op, std::int32_t output_channels);  // broadcast
// Products of {rows, depth} and {depth, columns}, as many as there are along the height.
Shape shape_of_matrices(const Graph& graph, const Op& op, std::int32_t output_channels);
Shape shape_of_first(const Graph& graph, const Op& op, std::int32_t output_channels);
// With the reduced axes kept.
Shape shape_of_reduction(const Graph& graph, const Op& op, std::int32_t output_channels);
Shape shape_of_pad(const Graph& graph, const Op& op, std::int32_t output_channels);
Shape shape_of_concatenation(const Graph& graph, const Op& op, std::int32_t output_channels);
Shape shape_of_transpose(const Graph& graph, const Op& op, std::int32_t output_channels);
Shape shape_of_part(const Graph& graph, const Op& op, std::int32_t output_channels);
// As many vectors as the input has, of an element for each cell.
Shape shape_of_steps(const Graph& graph, const Op& op, std::int32_t output_channels);
// Throws Error: the inputs do not determine the output.
Shape shape_unknown(const Graph& graph, const Op& op, std::int32_t output_channels);

// Whether the output has such a shape.
bool accepts_inferred(const Graph& graph, const Op& op);
bool accepts_reduction(const Graph& graph, const Op& op);  // also without the reduced axes
bool accepts_as_many_elements(const Graph& graph, const Op& op);
bool accepts_rows(const Graph& graph, const Op& op);  // of features, see rows_of()
bool accepts_as_many_channels(const Graph& graph, const Op& op);
bool accepts_transposed(const Graph& graph, const Op& op);  // windows over it lead to the input

// Multiply-accumulates.
std::int64_t macs_of_none(const Graph& graph, const Op& op, const WeightLayout& layout);
// Every output takes the weights of its channel.
std::int64_t macs_per_output(const Graph& graph, const Op& op, const WeightLayout& layout);
std::int64_t macs_of_matrices(const Graph& graph, const Op& op, const WeightLayout& layout);
// Every input pixel takes all weights; those whose outputs are cut off at the borders count too.
std::int64_t macs_per_input(const Graph& graph, const Op& op, const WeightLayout& layout);

// Rules of single operators; throw Error.
void check_nothing(const CheckedOp& op);
void check_pool(const CheckedOp& op);
void check_undilated(const CheckedOp& op);
void check_pad(const CheckedOp& op);
void check_softmax(const CheckedOp& op);
void check_log_softmax(const CheckedOp& op);
void check_logistic(const CheckedOp& op);
void check_leaky_relu(const CheckedOp& op);
void check_hard_swish(const CheckedOp& op);
void check_transpose(const CheckedOp& op);
void check_resize(const CheckedOp& op);
void check_resize_bilinear(const CheckedOp& op);
void check_part(const CheckedOp& op);
void check_extremum(const CheckedOp& op);
void check_prelu(const CheckedOp& op);
void check_mirror_pad(const CheckedOp& op);
void check_neg(const CheckedOp& op);
void check_lstm(const CheckedOp& op);

// The largest factor from input to output.
double factor_of_one(const Graph& graph, const Op& op);  // input scale / output scale
double factor_with_weights(const Graph& graph, const Op& op);
double factor_of_larger(const Graph& graph, const Op& op);  // of two operands
double factor_of_product(const Graph& graph, const Op& op);
double factor_of_leak(const Graph& graph, const Op& op);
double factor_of_prelu(const Graph& graph, const Op& op);
double factor_of_square(const Graph& graph, const Op& op);  // of the larger of two operands
double factor_of_inverse_root(const Graph& graph, const Op& op);
double factor_of_gates(const Graph& graph, const Op& op);  // of sums, products and the hidden state

// How channels pass.
ChannelFlow channels_mix(const Graph& graph, const Op& op);
ChannelFlow channels_multiply(const Graph& graph, const Op& op);
ChannelFlow channels_pass(const Graph& graph, const Op& op);
ChannelFlow channels_opaque(const Graph& graph, const Op& op);
ChannelFlow channels_of_reduction(const Graph& graph, const Op& op);
ChannelFlow channels_of_pad(const Graph& graph, const Op& op);
ChannelFlow channels_of_reshape(const Graph& graph, const Op& op);
ChannelFlow channels_of_concatenation(const Graph& graph, const Op& op);

}  // namespace mcunet::engine
