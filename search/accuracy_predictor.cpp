#include "mcunet/search/accuracy_predictor.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <limits>

#include "mcunet/core/error.hpp"
#include "mcunet/search/rank_correlation.hpp"
#include "mcunet/search/space/genes.hpp"

namespace mcunet::search {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr int kFolds = 5;

std::vector<double> features_of(const space::SearchSpace& space, const Candidate& candidate) {
  const space::Subnet& subnet = candidate.subnet;
  std::vector<double> row = {std::log(static_cast<double>(candidate.resources.macs + 1)),
                             std::log(static_cast<double>(candidate.resources.flash_bytes + 1))};
  // One-hot, where there is a choice; all zero for a block that is not active.
  space::for_each_gene(space, [&](const auto& gene, const auto& choices) {
    if (choices.size() < 2) return;
    for (const auto& choice : choices) {
      row.push_back(gene.is_in(subnet) && gene.of(subnet) == choice ? 1 : 0);
    }
  });
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

}  // namespace

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
  return rank_correlation(measured, predicted).value_or(0);
}

}  // namespace mcunet::search
