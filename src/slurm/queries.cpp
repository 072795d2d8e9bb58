#include "slurm/queries.h"

#include <signal.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include "core/command.h"
#include "core/error.h"
#include "core/log.h"

namespace telltale::slurm {
namespace {

using namespace std::chrono_literals;

// squeue itself gives up on a controller that does not answer only after minutes.
constexpr auto longest_question = 30s;
constexpr auto longest_wait_at_start = 10s;

std::optional<double> number_in(const std::string& text) {
  double number = 0;
  const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || stop != text.data() + text.size() || number <= 0) return std::nullopt;
  return number;
}

}  // namespace

std::optional<std::string> job_id() {
  const char* id = std::getenv("SLURM_JOB_ID");
  if (id == nullptr || *id == '\0') return std::nullopt;
  // It becomes a word of a command: nothing but what Slurm gives.
  const std::string text(id);
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  return text;
}

std::optional<std::string> state_of(const std::string& job) {
  try {
    const CommandResult answer =
        run_command({"squeue", "--noheader", "--states", "all", "--jobs", job, "--format", "%T (%r)"}, {}, 10s);
    std::string state = answer.output.substr(0, answer.output.find('\n'));
    if (answer.exit_code != 0 || state.empty()) return std::nullopt;
    constexpr std::string_view no_reason = " (None)";
    if (state.ends_with(no_reason)) state.resize(state.size() - no_reason.size());
    return state;
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::string describe(const std::string& job) {
  return "job " + job + ": " + state_of(job).value_or("not known to Slurm here, or no more");
}

std::optional<double> end_printed_by_squeue(const std::string& output) {
  return number_in(output.substr(0, output.find('\n')));
}

JobEnd::JobEnd(std::string job, std::chrono::milliseconds interval, std::function<void(std::optional<double>)> changed)
    : job_(std::move(job)), interval_(interval), changed_(std::move(changed)) {
  if (const char* told = std::getenv("SLURM_JOB_END_TIME")) end_ = number_in(told);
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  std::unique_lock lock(mutex_);
  condition_.wait_for(lock, longest_wait_at_start, [this] { return asked_; });
}

std::optional<double> JobEnd::unix_s() const {
  const std::lock_guard lock(mutex_);
  return end_;
}

void JobEnd::ask_again() {
  const std::lock_guard lock(mutex_);
  wanted_ = true;
  condition_.notify_all();
}

void JobEnd::run(const std::stop_token& stop) {
  // Signals are for the main thread, whose naps they cut short.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  bool told = false;
  while (!stop.stop_requested()) {
    std::optional<CommandResult> answer;
    try {
      answer = run_command({"squeue", "--noheader", "--jobs", job_, "--format", "%e"}, {"SLURM_TIME_FORMAT=%s"},
                           longest_question, [&] { return stop.stop_requested(); });
    } catch (const Error& error) {
      if (!std::exchange(told, true)) log::warn("the end of Slurm job {} is not known: {}", job_, error.what());
    }
    std::unique_lock lock(mutex_);
    const bool first = !std::exchange(asked_, true);
    bool news = false;
    if (answer && answer->exit_code == 0) {
      const std::optional<double> now = end_printed_by_squeue(answer->output);
      news = now != end_ && !first;
      end_ = now;
    }
    const std::optional<double> now_known = end_;
    condition_.notify_all();
    if (news && changed_) {
      lock.unlock();
      changed_(now_known);
      lock.lock();
    }
    condition_.wait_for(lock, stop, interval_, [this] { return wanted_; });
    wanted_ = false;
  }
}

}  // namespace telltale::slurm
