#include "mcunet/search/accuracy_cache.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/json_numbers.hpp"
#include "mcunet/core/stopwatch.hpp"

namespace mcunet::search {
namespace {

using Json = nlohmann::ordered_json;

std::string header_line(const std::string& identity) {
  return Json{{"format", 1}, {"accuracies_of", identity}}.dump() + "\n";
}

std::string line_of(const space::SearchSpace& space, const space::Subnet& subnet, double accuracy) {
  return Json{{"accuracy", accuracy}, {"subnet", Json::parse(subnet_to_json(space, subnet))}}
             .dump() +
         "\n";
}

}  // namespace

AccuracyCache::AccuracyCache(AccuracyEstimator& estimator, space::SearchSpace space,
                             std::filesystem::path file, const std::string& identity,
                             std::function<void(std::int64_t)> advance)
    : estimator_(estimator),
      space_(std::move(space)),
      file_(std::move(file)),
      advance_(std::move(advance)) {
  descriptor_ = ::open(file_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor_ < 0) {
    throw Error("{}: cannot be opened: {}", file_.string(), std::strerror(errno));
  }
  try {
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      throw Error("{}: is in use by another process", file_.string());
    }
    load(identity);
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

AccuracyCache::~AccuracyCache() { ::close(descriptor_); }

void AccuracyCache::load(const std::string& identity) {
  const std::string text = read_file(file_);
  const std::size_t whole = text.rfind('\n') + 1;  // 0 if there is no whole line
  if (whole < text.size() && ::ftruncate(descriptor_, static_cast<off_t>(whole)) != 0) {
    throw Error("{}: cannot be written: {}", file_.string(), std::strerror(errno));
  }
  const std::string header = header_line(identity);
  if (whole == 0) return append(header);
  if (text.compare(0, text.find('\n') + 1, header) != 0) {
    throw Error(
        "{}: holds accuracies of another supernet or evaluation; "
        "remove it, or choose another folder",
        file_.string());
  }
  int line_number = 2;
  for (std::size_t at = header.size(); at < whole; ++line_number) {
    const std::size_t end = text.find('\n', at);
    const std::string place = fmt::format("{}:{}", file_.string(), line_number);
    try {
      const Json line = Json::parse(text.begin() + static_cast<std::ptrdiff_t>(at),
                                    text.begin() + static_cast<std::ptrdiff_t>(end));
      known_[space::subnet_from_json(space_, line.at("subnet").dump(), place)] =
          share_at(line, "accuracy");
    } catch (const std::exception& error) {
      throw Error("{}: is damaged: {}; remove this line, and its network is measured again", place,
                  error.what());
    }
    at = end + 1;
  }
}

void AccuracyCache::append(const std::string& lines) {
  if (write_all(descriptor_, lines)) return;
  throw Error("{}: cannot be written: {}", file_.string(), std::strerror(errno));
}

void AccuracyCache::learn(const space::Subnet& subnet, double accuracy) {
  if (!(accuracy >= 0 && accuracy <= 1)) {
    throw Error("the accuracy estimator gave {}, which is not in [0, 1], for {}", accuracy,
                subnet_to_json(space_, subnet));
  }
  known_[subnet] = accuracy;
  ++evaluations_;
  append(line_of(space_, subnet, accuracy));
  if (advance_) advance_(1);
}

void AccuracyCache::evaluate(std::span<const space::Subnet> subnets) {
  const Stopwatch stopwatch;
  estimator_.estimate_each(
      subnets, [&](std::size_t index, double accuracy) { learn(subnets[index], accuracy); });
  seconds_ += stopwatch.seconds();
}

double AccuracyCache::estimate(const space::Subnet& subnet) {
  return estimate_all({&subnet, 1}).front();
}

void AccuracyCache::estimate_each(std::span<const space::Subnet> subnets, const Arrival& arrived) {
  std::vector<space::Subnet> unknown;
  std::unordered_set<space::Subnet, space::SubnetHash> listed;
  for (const space::Subnet& subnet : subnets) {
    if (!known_.contains(subnet) && listed.insert(subnet).second) unknown.push_back(subnet);
  }
  if (advance_ && unknown.size() < subnets.size()) {
    advance_(static_cast<std::int64_t>(subnets.size() - unknown.size()));
  }
  if (!unknown.empty()) evaluate(unknown);
  for (std::size_t i = 0; i < subnets.size(); ++i) {
    if (const auto found = known_.find(subnets[i]); found != known_.end()) {
      arrived(i, found->second);
    }
  }
}

}  // namespace mcunet::search
