#pragma once

#include <string>

#include "mcunet/search/space/network.hpp"

namespace mcunet::report {

// A network as SVG, from the image to the classes: a box per block whose height grows with the
// output channels and whose colour is the kernel's size, labelled with the expansion and, where it states them, its weights' bits, and the size
// of the feature map above. Blocks with a residual connection have an arc.
std::string draw_network(const search::space::Network& network);

}  // namespace mcunet::report
