// The starts of a study under Slurm: what each did, how it ended, and whether there should be another.
//
// They stand in a file beside the results (x.h5.starts, a JSON object a line), written by `telltale submit` and by the
// batch script through `telltale starts`: a start that is killed before it has opened the journal is known here all the
// same.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace telltale::slurm {

/// How far a study has come, as its journal says.
struct Standing {
  std::size_t done = 0;
  bool complete = false;  ///< nothing is open
};

struct Start {
  std::string job;  ///< its id
  int restart = 0;  ///< how often Slurm had queued the job again
  double begun_s = 0;
  std::size_t done_before = 0;
  std::optional<int> exit_code;  ///< of `telltale run`; none: it was killed, or still runs
  double ended_s = 0;
  std::size_t done_after = 0;
};

/// The starts since the study was last submitted, by `telltale submit` or by hand.
struct Chain {
  std::vector<std::string> jobs;  ///< that were submitted together; the first is not waited for by others
  double submitted_s = 0;
  std::vector<Start> starts;

  [[nodiscard]] bool holds(const std::string& job) const;

  std::string stopped;  ///< why there is to be no further start; empty: nobody has said so
};

/// How often a study may be started again after each kind of end.
struct Budgets {
  int interruptions = 100;  ///< killed from outside: preemption, a node's failure, a time limit that came too soon
  int time_limits = 1000;   ///< stopped in time (exit code 3)
  int failures = 3;         ///< any other end that leaves something open
  int idle = 3;             ///< in a row, of whatever kind, without a single new result
};

class Starts {
 public:
  explicit Starts(std::string path) : path_(std::move(path)) {}

  /// The last chain; none: the file is not there. Lines that were cut off are skipped. Throws Error if it cannot be
  /// read.
  [[nodiscard]] std::optional<Chain> last() const;

  // Each adds a line, durably. They throw Error.
  void note_submission(const std::vector<std::string>& jobs) const;
  void note_begin(const std::string& job, int restart, const Standing& standing) const;
  void note_end(int exit_code, const Standing& standing) const;
  void note_stop(const std::string& reason) const;

 private:
  std::string path_;
};

/// Why there should be no further start; empty: there should be one. The last start has ended; one without an exit code
/// was killed, and `now` is where it came to.
std::string why_no_further_start(const Chain& chain, const Standing& now, const Budgets& budgets);

/// "killed", "stopped in time", "failed (exit code 134)", ...
std::string how_it_ended(const Start& start);

}  // namespace telltale::slurm
