#include "sound_stream.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "feature_code.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/process.hpp"
#include "mcunet/core/scratch_folder.hpp"
#include "mcunet/datasets/audio_file.hpp"

namespace mcunet::pipeline {
namespace {

using datasets::LogMelParameters;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kSlice{100};

class PlayedFile : public SoundStream {
 public:
  PlayedFile(const std::string& file, const LogMelParameters& parameters,
             SoundStreamOptions options)
      : SoundStream(parameters, std::move(options)) {
    auto samples = datasets::read_audio_file(file, parameters.sample_rate);
    if (!samples) throw Error("{}: is no readable sound", file);
    const auto length = static_cast<std::size_t>(parameters.samples);
    samples_ = samples->size() < length ? datasets::cut_clip(*samples, parameters.samples)
                                        : std::move(*samples);
  }

 private:
  std::int64_t wait_for(std::int64_t count) override {
    const std::int64_t all = std::ssize(samples_);
    if (!in_real_time() || count > all) return all;
    if (!begin_) begin_ = Clock::now();
    for (;;) {
      const double seconds = std::chrono::duration<double>(Clock::now() - *begin_).count();
      const auto heard = std::min(all, static_cast<std::int64_t>(seconds * sample_rate()));
      if (heard >= count || is_stopped()) return heard;
      const double left = static_cast<double>(count - heard) / sample_rate();
      std::this_thread::sleep_for(
          std::min<std::chrono::duration<double>>(std::chrono::duration<double>(left), kSlice));
    }
  }

  std::vector<std::int16_t> samples(std::int64_t first, std::int64_t count) override {
    const auto begin = samples_.begin() + first;
    return {begin, begin + count};
  }

  std::vector<std::int16_t> samples_;
  std::optional<Clock::time_point> begin_;  // when somebody listened first
};

class Microphone : public SoundStream {
 public:
  Microphone(const std::string& device, const LogMelParameters& parameters,
             SoundStreamOptions options)
      : SoundStream(parameters, std::move(options)) {
    require_program("arecord", kPackage);
    command_ = {"arecord", "-q", "-t", "raw", "-f", "S16_LE", "-c", "1"};
    command_.insert(command_.end(), {"-r", std::to_string(parameters.sample_rate)});
    if (!device.empty()) command_.insert(command_.end(), {"-D", device});
  }

  ~Microphone() override {
    end();
    if (pipe_ >= 0) ::close(pipe_);
  }
  Microphone(const Microphone&) = delete;
  Microphone& operator=(const Microphone&) = delete;

 private:
  static constexpr char kLog[] = "log";
  static constexpr char kPackage[] = "alsa-utils";

  void start() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw Error("pipe: {}", std::strerror(errno));
    pipe_ = ends[0];
    const int log = ::open((scratch_.path() / kLog).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    try {
      process_ = start_process(command_,
                               {.folder = "",
                                .output = ends[1],
                                .error = log,
                                .blocked_signals = {},
                                .leads_group = true},
                               kPackage);
    } catch (...) {
      for (const int end : {ends[0], ends[1], log}) ::close(end);
      throw;
    }
    ::close(ends[1]);
    ::close(log);
  }

  void end() {
    if (process_ < 0) return;
    ::kill(process_, SIGKILL);
    while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
    }
    process_ = -1;
  }

  // All that has come is taken in, so that it is known what is late.
  std::int64_t wait_for(std::int64_t count) override {
    if (pipe_ < 0) start();
    while (!is_stopped()) {
      const bool is_enough = heard() >= count;
      pollfd waited{.fd = pipe_, .events = POLLIN, .revents = 0};
      const int ready = ::poll(&waited, 1, is_enough ? 0 : static_cast<int>(kSlice.count()));
      if (ready <= 0 && is_enough) break;
      if (ready > 0) receive();
    }
    return heard();
  }

  void receive() {
    char buffer[4096];
    const ssize_t size = ::read(pipe_, buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) return;
    if (size > 0) {
      bytes_.append(buffer, static_cast<std::size_t>(size));
      return;
    }
    end();
    const std::string log = read_file(scratch_.path() / kLog);
    throw Error("arecord: ended{}", log.empty() ? "" : ": " + log.substr(0, log.find('\n')));
  }

  std::int64_t heard() const { return first_ + std::ssize(bytes_) / 2; }

  std::vector<std::int16_t> samples(std::int64_t first, std::int64_t count) override {
    bytes_.erase(0, 2 * static_cast<std::size_t>(first - first_));
    first_ = first;
    std::vector<std::int16_t> values(static_cast<std::size_t>(count));
    std::memcpy(values.data(), bytes_.data(), 2 * values.size());
    return values;
  }

  ScratchFolder scratch_;
  std::vector<std::string> command_;
  int pipe_ = -1;
  pid_t process_ = -1;
  std::string bytes_;  // of samples from first_ on
  std::int64_t first_ = 0;
};

}  // namespace

std::unique_ptr<SoundStream> SoundStream::of_file(const std::string& file,
                                                  const LogMelParameters& parameters,
                                                  SoundStreamOptions options) {
  return std::make_unique<PlayedFile>(file, parameters, std::move(options));
}

std::unique_ptr<SoundStream> SoundStream::of_microphone(const std::string& device,
                                                        const LogMelParameters& parameters,
                                                        SoundStreamOptions options) {
  options.in_real_time = true;
  return std::make_unique<Microphone>(device, parameters, std::move(options));
}

std::optional<StreamedClip> SoundStream::next() {
  const std::int64_t length = parameters_.samples;
  const std::int64_t hop = options_.hop_samples;
  const std::int64_t heard = wait_for(next_start_ + length);
  if (heard < next_start_ + length || is_stopped()) return std::nullopt;
  if (in_real_time()) {
    const std::int64_t late = (heard - next_start_ - length) / hop;
    left_out_ += late;
    next_start_ += late * hop;
  }
  StreamedClip result{.start = next_start_,
                      .clip = make_sound_clip(samples(next_start_, length), parameters_)};
  next_start_ += hop;
  return result;
}

}  // namespace mcunet::pipeline
