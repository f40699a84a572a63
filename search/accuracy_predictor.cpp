#include "mcunet/search/accuracy_predictor.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "mcunet/core/error.hpp"

namespace mcunet::search {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr int kFolds = 5;

template <typename T>
void add_one_hot(std::vector<double>& row, const std::vector<T>& choices, const T& value,
                 bool is_active = true) {
  if (choices.size() < 2) return;
  for (const T& choice : choices) row.push_back(is_active && choice == value ? 1 : 0);
}

std::vector<double> features_of(const space::SearchSpace& space, const Candidate& candidate) {
  const space::Subnet& subnet = candidate.subnet;
  std::vector<double> row = {std::log(static_cast<double>(candidate.resources.macs + 1)),
                             std::log(static_cast<double>(candidate.resources.flash_bytes + 1))};
  add_one_hot(row, space.widths, subnet.width);
  add_one_hot(row, space.resolutions, subnet.resolution);
  std::size_t block = 0;
  for (std::size_t s = 0; s < space.stages.size(); ++s) {
    const space::Stage& stage = space.stages[s];
    add_one_hot(row, stage.depths, subnet.depths[s]);
    for (int b = 0; b < stage.max_depth(); ++b, ++block) {
      const bool is_active = b < subnet.depths[s];
      add_one_hot(row, stage.kernels, static_cast<int>(subnet.blocks[block].kernel), is_active);
      add_one_hot(row, stage.expand_ratios, subnet.blocks[block].expand_ratio, is_active);
    }
  }
  return row;
}

MatrixXd feature_matrix(const space::SearchSpace& space, std::span<const Candidate> candidates) {
  MatrixXd matrix;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const std::vector<double> row = features_of(space, candidates[i]);
    if (i == 0) {
      matrix.resize(static_cast<Eigen::Index>(candidates.size()),
                    static_cast<Eigen::Index>(row.size()));
    }
    matrix.row(static_cast<Eigen::Index>(i)) =
        Eigen::Map<const Eigen::RowVectorXd>(row.data(), static_cast<Eigen::Index>(row.size()));
  }
  return matrix;
}

// Ranks from 0; equal values share the mean of theirs.
std::vector<double> ranks_of(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (std::size_t i = 0; i < order.size();) {
    std::size_t end = i + 1;
    while (end < order.size() && values[order[end]] == values[order[i]]) ++end;
    for (std::size_t j = i; j < end; ++j) {
      ranks[order[j]] = 0.5 * static_cast<double>(i + end - 1);
    }
    i = end;
  }
  return ranks;
}

}  // namespace

double rank_correlation(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size() || a.size() < 2) return 0;
  const std::vector<double> ranks_a = ranks_of(a);
  const std::vector<double> ranks_b = ranks_of(b);
  const double mean = 0.5 * static_cast<double>(a.size() - 1);
  double products = 0;
  double squares_a = 0;
  double squares_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    products += (ranks_a[i] - mean) * (ranks_b[i] - mean);
    squares_a += (ranks_a[i] - mean) * (ranks_a[i] - mean);
    squares_b += (ranks_b[i] - mean) * (ranks_b[i] - mean);
  }
  return squares_a > 0 && squares_b > 0 ? products / std::sqrt(squares_a * squares_b) : 0;
}

struct AccuracyPredictor::Model {
  space::SearchSpace space;
  VectorXd mean;
  VectorXd scale;
  VectorXd weights;
  double intercept = 0;
};

// With the eigenvectors V and values s of X'X for centred features X, the residuals that leave one
// network out follow for every penalty from one decomposition: e_i / (1 - h_i), where
// h_i = 1/n + sum_j (XV)_ij² / (s_j + penalty).
AccuracyPredictor::AccuracyPredictor(const space::SearchSpace& space,
                                     std::span<const Candidate> evaluated)
    : model_(std::make_unique<Model>()) {
  if (evaluated.size() < 2) {
    throw Error("an accuracy predictor needs at least 2 networks to learn from, not {}",
                evaluated.size());
  }
  const auto n = static_cast<double>(evaluated.size());
  MatrixXd x = feature_matrix(space, evaluated);
  VectorXd y(x.rows());
  for (Eigen::Index i = 0; i < y.size(); ++i) {
    y[i] = evaluated[static_cast<std::size_t>(i)].accuracy;
  }
  model_->space = space;
  model_->mean = x.colwise().mean();
  x.rowwise() -= model_->mean.transpose();
  model_->scale = (x.colwise().squaredNorm() / n).cwiseSqrt();
  model_->scale = (model_->scale.array() > 1e-9).select(model_->scale, 1.0);
  x.array().rowwise() /= model_->scale.transpose().array();
  model_->intercept = y.mean();
  y.array() -= model_->intercept;

  const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(x.transpose() * x);
  const MatrixXd& v = solver.eigenvectors();
  const VectorXd s = solver.eigenvalues().cwiseMax(0);
  const MatrixXd z = x * v;
  const VectorXd zy = z.transpose() * y;
  const MatrixXd z_squared = z.cwiseAbs2();
  double least = std::numeric_limits<double>::infinity();
  for (double exponent = -3; exponent <= 3; exponent += 0.5) {
    const double penalty = n * std::pow(10, exponent);
    const VectorXd damping = (s.array() + penalty).inverse();
    const VectorXd rotated = damping.cwiseProduct(zy);
    const VectorXd leverage = (z_squared * damping).array() + 1 / n;
    const VectorXd residual =
        (y - z * rotated).cwiseQuotient((1 - leverage.array()).max(1e-6).matrix());
    if (residual.squaredNorm() >= least) continue;
    least = residual.squaredNorm();
    model_->weights = v * rotated;
  }
}

AccuracyPredictor::~AccuracyPredictor() = default;
AccuracyPredictor::AccuracyPredictor(AccuracyPredictor&&) noexcept = default;
AccuracyPredictor& AccuracyPredictor::operator=(AccuracyPredictor&&) noexcept = default;

std::vector<double> AccuracyPredictor::predict(std::span<const Candidate> candidates) const {
  if (candidates.empty()) return {};
  MatrixXd x = feature_matrix(model_->space, candidates);
  x.rowwise() -= model_->mean.transpose();
  x.array().rowwise() /= model_->scale.transpose().array();
  const VectorXd y = (x * model_->weights).array() + model_->intercept;
  return {y.data(), y.data() + y.size()};
}

double held_out_rank_correlation(const space::SearchSpace& space,
                                 std::span<const Candidate> evaluated) {
  if (evaluated.size() < 2 * kFolds) return 0;
  std::vector<double> measured;
  std::vector<double> predicted;
  for (int fold = 0; fold < kFolds; ++fold) {
    std::vector<Candidate> learnt;
    std::vector<Candidate> held_out;
    for (std::size_t i = 0; i < evaluated.size(); ++i) {
      (static_cast<int>(i) % kFolds == fold ? held_out : learnt).push_back(evaluated[i]);
    }
    const std::vector<double> expected = AccuracyPredictor(space, learnt).predict(held_out);
    predicted.insert(predicted.end(), expected.begin(), expected.end());
    for (const Candidate& candidate : held_out) measured.push_back(candidate.accuracy);
  }
  return rank_correlation(measured, predicted);
}

}  // namespace mcunet::search
