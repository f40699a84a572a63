#pragma once

#include <cstddef>
#include <functional>

namespace mcunet::supernet {

// Calls task(0) ... task(tasks - 1), in this order but beside each other, on threads that share those of
// libtorch: with as many tasks as threads each task has one, and no operator in it waits for threads, of
// which on a busy machine one always lacks a core. How many libtorch has here decides; with one the tasks
// are called one after the other. All tasks have equally many, so that what they compute does not depend on
// who comes first. A task may wait for an earlier one. Returns when all are done; throws what one of them threw,
// after which no more are begun.
void side_by_side(std::size_t tasks, const std::function<void(std::size_t)>& task);

}  // namespace mcunet::supernet
