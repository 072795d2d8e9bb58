// What Slurm is asked: how a job stands, and when it ends.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace telltale::slurm {

/// The id of the Slurm job that this process belongs to (SLURM_JOB_ID).
std::optional<std::string> job_id();

/// How a job stands, in Slurm's own words ("PENDING (BeginTime)"), whatever they are; none: Slurm does not know it (any
/// more), or there is no Slurm here, or it does not answer.
std::optional<std::string> state_of(const std::string& job);

/// "job 12: PENDING (BeginTime)", for people; it says so where Slurm knows nothing of it.
std::string describe(const std::string& job);

/// The end of the job in Unix seconds, from what `squeue -o %e` prints with SLURM_TIME_FORMAT=%s. None: unlimited, or
/// it says nothing of the kind.
std::optional<double> end_printed_by_squeue(const std::string& output);

/// A watch over the end of a Slurm job. Slurm 22.05 tells a job nothing of its end, 23.02 and later what it was at the
/// start (SLURM_JOB_END_TIME); what it is now, only Slurm's controller knows. While that does not answer, what was
/// known last holds.
class JobEnd {
 public:
  /// `changed` is called, on a thread of the watch, with every new end but the first. Waits some seconds for that one.
  JobEnd(std::string job, std::chrono::milliseconds interval,
         std::function<void(std::optional<double> unix_s)> changed = {});

  /// Unix seconds; none: there is no limit, or nothing is known.
  [[nodiscard]] std::optional<double> unix_s() const;

  /// Asks Slurm again now, without waiting for the answer: somebody has said that there is news.
  void ask_again();

 private:
  void run(const std::stop_token& stop);

  const std::string job_;
  const std::chrono::milliseconds interval_;
  const std::function<void(std::optional<double>)> changed_;
  mutable std::mutex mutex_;
  std::condition_variable_any condition_;
  std::optional<double> end_;
  bool asked_ = false;
  bool wanted_ = false;  ///< ask_again() was called since the last question
  std::jthread thread_;  // the last: it uses all the others
};

}  // namespace telltale::slurm
