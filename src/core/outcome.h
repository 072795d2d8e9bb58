// What became of a task: the record that travels from worker to coordinator and, byte for byte, into the journal.
#pragma once

#include <map>
#include <string>

#include "core/array.h"
#include "core/identity.h"

namespace telltale {

enum class TaskStatus : std::uint8_t {
  done = 0,
  failed = 1,   ///< the task threw, ran past its time limit, or crashed its rank too often: `reason` says which
  stopped = 2,  ///< the study stopped first: nothing was decided, the task runs again at the next start
};

struct Outcome {
  Identity identity;
  TaskStatus status = TaskStatus::done;
  std::string reason;                   ///< empty unless failed or stopped
  std::map<std::string, Array> values;  ///< the scientific content: a function of the identity alone

  // Provenance: kept, shown, and never part of the scientific content.
  double seconds = 0;     ///< wall time in the task itself
  double finished_s = 0;  ///< when it ended, Unix time
  std::int32_t rank = 0;
  std::int32_t attempt = 1;  ///< 1 for the first
  std::string environment;   ///< name of the environment that computed it
  std::string host;

  bool operator==(const Outcome&) const = default;
};

/// Now, as Unix time in seconds.
double unix_time_s();

Bytes encode(const Outcome& outcome);
/// Throws Error if the bytes are no outcome.
Outcome decode_outcome(ByteSpan bytes);

/// The parts a coordinator needs, read without decoding the values.
struct OutcomeHead {
  Identity identity;
  TaskStatus status;
  std::string reason;
  double seconds;
};
OutcomeHead peek_outcome(ByteSpan bytes);

}  // namespace telltale
