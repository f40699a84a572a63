#include "lesson.hpp"

#include <ATen/Context.h>
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <future>
#include <mutex>
#include <numeric>
#include <utility>

#include "mcunet/supernet/side_by_side.hpp"

namespace mcunet::supernet {

using search::space::InvertedResidual;
using search::space::Network;
using search::space::SearchSpace;
using search::space::Subnet;

namespace {

// First number of the paths of random streams; those of the trainer begin with 1.
constexpr std::uint64_t kDropout = 2;

// For what a sub-network draws for a batch.
at::Generator make_generator(const TrainerContext& context, const StepBatch& batch,
                             std::size_t place) {
  RandomStream random(context.seed, {kDropout, static_cast<std::uint64_t>(batch.number),
                                     static_cast<std::uint64_t>(batch.step), place});
  at::Generator generator = at::globalContext().defaultGenerator(context.device).clone();
  generator.set_current_seed(random());
  return generator;
}

// What its blocks multiply, but for a factor that all networks of a space share.
double cost_of(const Network& network) {
  double pixels = static_cast<double>(network.resolution) * network.resolution;
  double cost = 0;
  for (const InvertedResidual& block : network.blocks) {
    if (block.expand_ratio != 1) cost += pixels * block.in_channels * block.mid_channels;
    pixels /= block.stride * block.stride;
    cost += pixels * block.mid_channels * (block.kernel * block.kernel + block.out_channels);
  }
  return cost;
}

// The costly ones first.
std::vector<std::size_t> by_cost(const SearchSpace& space, const std::vector<Learner>& learners) {
  std::vector<double> costs;
  for (const Learner& learner : learners) {
    costs.push_back(cost_of(build_network(space, learner.subnet)));
  }
  std::vector<std::size_t> order(learners.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return costs[a] > costs[b]; });
  return order;
}

// Sub-networks that learn the outputs of one, by several threads: until these are there, they make outputs of their
// own; how many are ahead so, and keep their graphs, the time that it takes decides.
class Students {
 public:
  explicit Students(std::vector<std::size_t> students) : waiting_(std::move(students)) {}

  // Makes the outputs that the others wait for.
  void teach(const std::function<void()>& run) {
    try {
      run();
    } catch (...) {
      taught_.set_exception(std::current_exception());
      throw;
    }
    taught_.set_value();
  }

  // A student that has its outputs and may learn; called once for each. Throws what teach() threw.
  std::size_t prepare_one(const std::function<void(std::size_t)>& run) {
    std::unique_lock lock(mutex_);
    while (!waiting_.empty() && (ready_.empty() || !is_taught())) {
      const std::size_t student = waiting_.front();
      waiting_.erase(waiting_.begin());
      lock.unlock();
      run(student);
      lock.lock();
      ready_.push_back(student);
    }
    // Every other thread in here has taken at most one.
    const std::size_t student = ready_.front();
    ready_.erase(ready_.begin());
    lock.unlock();
    teacher_.get();
    return student;
  }

 private:
  bool is_taught() const {
    return teacher_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }

  std::promise<void> taught_;
  std::shared_future<void> teacher_ = taught_.get_future().share();
  std::mutex mutex_;
  std::vector<std::size_t> waiting_;  // for a thread that makes their outputs
  std::vector<std::size_t> ready_;    // to learn
};

}  // namespace

struct Lesson::Work {
  at::Tensor outputs;
  std::vector<at::Tensor> gradients;  // for each parameter; empty if they are added already
  Marks marks;
};

Lesson::Lesson(const TrainerOptions& options, const TrainerContext& context, Supernet& supernet,
               Sgd& optimizer, GradientBuckets& buckets)
    : options_(options),
      context_(context),
      supernet_(supernet),
      optimizer_(optimizer),
      buckets_(buckets) {}

bool Lesson::can_be_side_by_side() const {
  return context_.device.is_cpu() && context_.group->ranks() == 1 && at::get_num_threads() > 1;
}

// In a group of ranks gradients are on their way while the last sub-network is at work: the longer that is, the
// better. The largest, if the others learn from it, then holds its graph meanwhile; a GPU, whose links are
// fast, spares the memory.
std::size_t Lesson::last_of(const std::vector<std::size_t>& by_cost, const StepBatch& batch,
                            bool distils) const {
  if (context_.group->ranks() == 1 || !batch.is_last || by_cost.size() == 1) {
    return by_cost.size() - 1;
  }
  const bool spares_memory = distils && !context_.device.is_cpu();
  return spares_memory && by_cost[0] == 0 ? by_cost[1] : by_cost[0];
}

at::Tensor Lesson::forward(const StepBatch& batch, const Subnet& subnet, std::size_t place) {
  const at::Tensor images = at_resolution(batch.tensors.images, subnet.resolution);
  if (context_.forward) return context_.forward(supernet_, subnet, images);
  return supernet_->forward(images, subnet,
                            {.precision = options_.precision,
                             .dropout = options_.dropout,
                             .generator = make_generator(context_, batch, place),
                             .moves_statistics = place == 0});
}

// `given` are the outputs of a teacher from outside, if there is one.
at::Tensor Lesson::loss_of(const Work& work, const Work& first, const StepBatch& batch,
                           const at::Tensor& given, bool distils) const {
  const Objective& objective = *context_.objective;
  const at::Tensor& targets = batch.tensors.targets;
  const at::Tensor own =
      distils && &work != &first
          ? objective.distillation_loss(work.outputs, first.outputs.detach(), targets)
          : objective.loss(work.outputs, targets);
  if (!given.defined()) return own;
  return (own + objective.distillation_loss(work.outputs, given, targets)) / 2;
}

Marks Lesson::give(const StepBatch& batch, const std::vector<Learner>& learners, bool distils) {
  at::Tensor given;
  if (context_.teacher) {
    const at::NoGradGuard no_grad;
    given = context_.teacher(batch.tensors.images);
  }
  std::vector<Work> works(learners.size());
  const auto run = [&](std::size_t i) { works[i].outputs = forward(batch, learners[i].subnet, i); };
  const bool is_side_by_side = can_be_side_by_side();
  std::vector<std::size_t> order = by_cost(supernet_->space(), learners);
  const std::size_t last = last_of(order, batch, distils);
  const auto learn = [&](std::size_t i) {
    const at::Tensor loss = loss_of(works[i], works.front(), batch, given, distils);
    const at::Tensor share =
        loss * (batch.loss_factor * learners[i].weight / options_.gradient_accumulation);
    if (is_side_by_side) {
      works[i].gradients = torch::autograd::grad({share}, optimizer_.parameters(),
                                                 /*grad_outputs=*/{}, /*retain_graph=*/{},
                                                 /*create_graph=*/false, /*allow_unused=*/true);
    } else {
      if (batch.is_last && i == last) buckets_.expect_last_pass(share);
      share.backward();
    }
    const Measure measure =
        context_.objective->measure(works[i].outputs.detach(), batch.tensors.targets);
    works[i].marks = {.sums = at::stack({loss.detach().to(at::kDouble), measure.sum.to(at::kDouble),
                                         measure.count.to(at::kDouble)}),
                      .losses = 1};
  };
  if (is_side_by_side && distils) {
    // The teacher first, then the costly ones, so that at the end nobody waits long.
    order.erase(std::find(order.begin(), order.end(), 0));
    Students students(order);
    side_by_side(learners.size(), [&](std::size_t task) {
      if (task == 0) {
        students.teach([&] { run(0); });
        learn(0);
      } else {
        learn(students.prepare_one(run));
      }
    });
  } else if (is_side_by_side) {
    side_by_side(order.size(), [&](std::size_t i) {
      run(order[i]);
      learn(order[i]);
    });
  } else {
    if (distils) run(0);
    const auto go = [&](std::size_t i) {
      if (!works[i].outputs.defined()) run(i);
      learn(i);
    };
    for (std::size_t i = 0; i < learners.size(); ++i) {
      if (i != last) go(i);
    }
    go(last);
  }
  Marks marks;
  for (const Work& work : works) {
    optimizer_.add_gradients(work.gradients);
    marks += work.marks;
  }
  return marks;
}

}  // namespace mcunet::supernet
