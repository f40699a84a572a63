#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "experiment.hpp"

namespace mcunet::supernet {
class ProcessGroup;
}

// A job of several ranks. Rank 0 runs it as if it were alone: it alone decides which stages there are to
// do, reads and writes the run directory, and prints. For work that can be shared it calls the others.
namespace mcunet::pipeline {

using Ranks = std::shared_ptr<supernet::ProcessGroup>;

Ranks alone();  // of one rank

// Begins to listen whether the user wants a stop, and returns what tells.
using Listen = std::function<std::function<bool()>()>;

// Joins the ranks that the environment tells of (mcunet/core/rank_place.hpp). Rank 0 does the job; the
// others take part in what it calls for until it has ended. Returns the exit code: of the others 0, or 1
// if rank 0 is to tell what went wrong. Throws Error as the job does, and if the ranks do not come
// together.
int with_ranks(const Listen& listen, const std::function<int(const Ranks&)>& job);

// By rank 0: what the others are to take part in, and of which experiment. `more` is for that work.
enum class SharedWork { kTrain, kSearch, kFinetune, kQuantizationAware };
void call_ranks(const Ranks& ranks, SharedWork work, const Experiment& experiment,
                const std::filesystem::path& run, const nlohmann::ordered_json& more);

}  // namespace mcunet::pipeline
