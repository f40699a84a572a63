#pragma once

#include <string>

#include "mcunet/engine/planning/resources.hpp"

namespace mcunet::report {

// Why a network needs the SRAM that it needs, in lines of text: what each schedule would need, with the
// scratch of this engine's kernels; the steps that run in bands of rows, with the rows that they hold;
// and the step that needs the most, with what lies in memory then. Of the graph that the oracle
// measured last.
std::string explain_plan(const engine::Graph& graph, const engine::ResourceOracle& oracle);

}  // namespace mcunet::report
