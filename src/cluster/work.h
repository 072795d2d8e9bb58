// What the cluster hands out: opaque payloads with an identity, a cost and a placement. Nothing here knows what a
// task means.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/array.h"
#include "core/bytes.h"
#include "core/identity.h"

namespace telltale::cluster {

/// One task as the coordinator sees it.
struct WorkItem {
  Identity identity;
  Bytes payload;                           ///< opaque to the cluster; the executor understands it
  double cost_s = 0;                       ///< estimated seconds on a rank of speed 1; 0 if unknown
  std::vector<std::size_t> prerequisites;  ///< indices of items that must be done first (their artifacts are inputs)
  std::vector<int> environments;           ///< indices of the environments that may compute it; empty: any
  bool keeps_checkpoints = false;  ///< may be begun though it will not end before the deadline: it goes on later
  /// It mostly waits for other ranks' answers (TaskContext::ask): several of them run on a rank at once, each on a
  /// thread of its own beside the one that computes.
  bool asks = false;
};

/// Something that a rank of an environment shall answer; opaque to the cluster.
struct Question {
  int environment = 0;
  Bytes request;
};

/// What an executor returns for a task that succeeded.
struct TaskResult {
  std::map<std::string, Array> values;  ///< the scientific content
  Bytes artifact;                       ///< the product other tasks need (a model); empty if none
};

/// Thrown out of TaskContext::check() when the study stops: nothing is decided, the task runs again later.
struct TaskStopped {};

/// The products of finished tasks.
class Artifacts {
 public:
  virtual ~Artifacts() = default;
  /// From this rank's cache or from the coordinator. Throws Error if it is gone.
  virtual std::shared_ptr<const Bytes> artifact(const Identity& identity) = 0;
};

/// What a running task may ask of its surroundings. Called from the task's own thread only.
class TaskContext : public Artifacts {
 public:
  /// The answers to some questions, all asked at once: each by a rank of its environment, this one included. For items
  /// that `asks` only. Throws Error with the reason if one could not be answered, TaskStopped when the study stops.
  virtual std::vector<Bytes> ask(const std::vector<Question>& questions) = 0;

  /// To be called often (every training step): throws TaskStopped when the study stops, Error when the task has run
  /// past its time limit.
  virtual void check() = 0;

  /// True when the last checkpoint is long enough ago, or when the study stops and a checkpoint would save work.
  virtual bool checkpoint_due() = 0;
  virtual void save_checkpoint(Bytes checkpoint) = 0;
  /// The last checkpoint of this very task by an earlier attempt, if there is one.
  virtual std::optional<Bytes> checkpoint() = 0;
};

/// Runs one task; its exceptions become failures with their message.
using Executor = std::function<TaskResult(ByteSpan payload, TaskContext& context)>;

/// Answers a question on a rank of the environment that was asked, on its compute thread: before the tasks that wait
/// there (which still get their turn), and whenever a running one calls check(). Exceptions travel back to who asked.
using Responder = std::function<Bytes(ByteSpan request, Artifacts& artifacts)>;

/// Where outcomes become durable. Implemented over the journal; called from the coordinator's thread only.
class Ledger {
 public:
  virtual ~Ledger() = default;

  /// Takes over an encoded Outcome (see core/outcome.h) of item `index` with its artifact, and returns a ticket:
  /// the outcome is on disk once durable() has reached it. Does not block on the disk.
  virtual std::uint64_t commit(std::size_t index, Bytes encoded_outcome, Bytes artifact) = 0;
  /// Every ticket up to this one is on disk. Throws Error when the disk refused (full, gone).
  virtual std::uint64_t durable() = 0;
  /// Returns when every ticket given out is on disk.
  virtual void flush() = 0;

  /// The artifact of a finished task; nullptr if it is missing or damaged.
  virtual std::shared_ptr<const Bytes> artifact(const Identity& identity) = 0;
  virtual void save_checkpoint(const Identity& identity, Bytes checkpoint) = 0;
  virtual std::optional<Bytes> checkpoint(const Identity& identity) = 0;
};

}  // namespace telltale::cluster
