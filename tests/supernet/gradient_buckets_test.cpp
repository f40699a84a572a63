#include "gradient_buckets.hpp"

#include <ATen/Functions.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "supernet/rank_threads.hpp"

namespace mcunet::supernet {
namespace {

using testing::Each;

std::vector<at::Tensor> make_parameters() {
  std::vector<at::Tensor> parameters;
  for (const std::int64_t size : {3, 5, 2, 4, 6}) {
    parameters.push_back(at::arange(size, at::kFloat).set_requires_grad(true));
  }
  return parameters;
}

// Reaches parameters 0, 1, 3 and 4 when it is deep, else 0 and 4, by the rank's factor.
at::Tensor loss_of(const std::vector<at::Tensor>& parameters, bool is_deep, double factor) {
  at::Tensor loss = parameters[0].square().sum() + parameters[4].sum();
  if (is_deep) loss = loss + parameters[1].sum() * parameters[3].sum();
  return loss * factor;
}

TEST(GradientBuckets, AddUpWhatAllRanksAccumulated) {
  // One bucket for each parameter, for a few, for all.
  for (const std::int64_t bucket_bytes : {1, 24, 1 << 20}) {
    const auto errors = errors_of_ranks(2, [&](const std::shared_ptr<ProcessGroup>& group) {
      const std::vector<at::Tensor> parameters = make_parameters();
      const std::vector<at::Tensor> plain = make_parameters();
      GradientBuckets buckets(parameters, *group, bucket_bytes);
      EXPECT_EQ(buckets.bytes(), 20 * 4);
      for (int step = 0; step < 3; ++step) {
        for (const at::Tensor& parameter : parameters) parameter.mutable_grad().zero_();
        for (const at::Tensor& parameter : plain) {
          parameter.mutable_grad() = at::zeros_like(parameter);
        }
        // The last pass, which starts the sums, reaches the fewest.
        loss_of(parameters, true, group->rank() + 1).backward();
        const at::Tensor last = loss_of(parameters, step == 2, group->rank() + 1);
        buckets.expect_last_pass(last);
        last.backward();
        buckets.finish();
        for (const double factor : {1, 2}) {
          loss_of(plain, true, factor).backward();
          loss_of(plain, step == 2, factor).backward();
        }
        for (std::size_t i = 0; i < parameters.size(); ++i) {
          EXPECT_TRUE(parameters[i].grad().equal(plain[i].grad())) << i << " in step " << step;
        }
      }
      group->leave();
    });
    EXPECT_THAT(errors, Each("(no error)"));
  }
}

TEST(GradientBuckets, OfOneRankLeaveGradientsAlone) {
  const std::vector<at::Tensor> parameters = make_parameters();
  ProcessGroup group;
  GradientBuckets buckets(parameters, group);
  const at::Tensor loss = loss_of(parameters, true, 1);
  buckets.expect_last_pass(loss);
  loss.backward();
  buckets.finish();
  EXPECT_EQ(buckets.bytes(), 0);
  EXPECT_FALSE(parameters[2].grad().defined());
}

}  // namespace
}  // namespace mcunet::supernet
