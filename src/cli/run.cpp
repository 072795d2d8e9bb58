#include "study/run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>

#include "cli/jobs.h"
#include "cli/options.h"
#include "cli/ranks.h"
#include "core/error.h"

namespace telltale::cli {
namespace {

std::atomic<int> stop_signal{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler sets it");

void on_stop_signal(int signal) { stop_signal = signal; }

std::atomic<bool> end_may_be_moved{false};
static_assert(std::atomic<bool>::is_always_lock_free, "likewise");

void on_news_of_the_end(int) { end_may_be_moved = true; }

// One line that is rewritten on a terminal; elsewhere a line every ten seconds.
class ProgressLine {
 public:
  void show(const cluster::Progress& p) {
    using Clock = std::chrono::steady_clock;
    if (!terminal_ && shown_ && Clock::now() - last_ < std::chrono::seconds(10)) return;
    last_ = Clock::now();
    shown_ = true;
    const std::size_t total = p.done + p.failed + p.remaining;
    char line[200];
    std::snprintf(line, sizeof line, "%zu/%zu tasks  %zu running  %zu failed  %.3g tasks/s  %s gone  %s left", p.done,
                  total, p.running, p.failed, p.tasks_per_s, duration_text(p.elapsed_s).c_str(), left(p).c_str());
    std::fprintf(stderr, terminal_ ? "\r\033[K%s" : "%s\n", line);
    std::fflush(stderr);
  }
  // Until the first task is done, all of it is the plan's estimate.
  static std::string left(const cluster::Progress& p) {
    const auto left_s = p.left_s();
    if (!left_s) return "?";
    return (p.tasks_per_s > 0 ? "" : "about ") + duration_text(*left_s);
  }
  void end() const {
    if (terminal_ && shown_) std::fputs("\r\033[K", stderr);
  }

 private:
  // Under mpirun a rank never sees the terminal: the variable says that there is one at the other end.
  bool terminal_ = isatty(STDERR_FILENO) != 0 || std::getenv("TELLTALE_TERMINAL") != nullptr;
  bool shown_ = false;
  std::chrono::steady_clock::time_point last_;
};

std::string last_words(const study::RunReport& report, const std::string& output) {
  if (report.exit_code() == taken_over)
    return fmt::format(
        "telltale run: {}. Nothing is lost or overwritten: what was done here is done, or that run does it.\n",
        report.taken_over);
  std::string text;
  const auto add = [&text]<typename... T>(fmt::format_string<T...> format, T&&... values) {
    fmt::format_to(std::back_inserter(text), format, std::forward<T>(values)...);
  };
  add("{} of {} tasks done, {} failed, {} open, in {}", report.done, report.tasks, report.failed, report.remaining,
      duration_text(report.seconds));
  if (report.reused > 0) add(" ({} tasks taken from the artifacts of other studies)", report.reused);
  add("\ntime: plan {:.3f} s, tasks {:.3f} s, results file {:.3f} s; commits: median {:.3f} ms\n", report.plan_s,
      report.tasks_s, report.results_s, 1e3 * report.median_commit_s);
  if (report.questions > 0)
    add("questions: {} answered by {} ranks in {:.3f} s, busy with them {:.0f}% of the time\n", report.questions,
        report.answerers, report.answering_s, 100 * report.answering_share());
  constexpr std::size_t shown = 10;
  for (std::size_t i = 0; i < std::min(shown, report.failures.size()); ++i)
    add("failed: {}: {}\n", report.failures[i].task, report.failures[i].reason);
  if (report.failures.size() > shown)
    add("... and {} more (group `tasks` of the results file)\n", report.failures.size() - shown);
  if (report.exit_code() == stopped_early)
    add("stopped early{}{}. All is well: everything done is kept, and the same command goes on (whatever mpirun says "
        "above or below).\n",
        report.stop_reason.empty() ? "" : ": ", report.stop_reason);
  add("results: {}\n", output);
  return text;
}

}  // namespace

void run_job(JobRequest request, const study::Computing& computing) {
  study::Job& job = request.job;
  const std::string output = *request.options.value("output");
  start_log(request.options);

  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) std::signal(signal, on_stop_signal);
  std::signal(SIGUSR2, on_news_of_the_end);
  run_on_ranks("run", stopped_early, [&](cluster::Communicator& communicator) {
    ProgressLine line;
    const double patience_s = job.number("rank-timeout");
    study::RunOptions run;
    run.output = output;
    run.break_lock = request.options.value("break-lock").value_or("");
    run.computing = computing;
    run.stop_signal = &stop_signal;
    run.end_may_be_moved = &end_may_be_moved;
    run.say = [](const std::string& text) { std::cerr << "note: " << text << "\n"; };
    run.progress = [&](const cluster::Progress& progress) { line.show(progress); };
    const study::RunReport report = study::run_study(std::move(job), communicator, run);
    line.end();
    return BodyResult{.exit_code = report.exit_code(),
                      .frozen = report.frozen,
                      .patience_s = patience_s,
                      .last_words = last_words(report, output)};
  });
}

}  // namespace telltale::cli
