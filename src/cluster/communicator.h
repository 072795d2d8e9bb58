// MPI behind a small door: a session that may also be one process alone, and messages and collectives that never spin.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/bytes.h"

namespace telltale::cluster {

class ParentWatch;

struct Message {
  int source = 0;
  int tag = 0;
  Bytes bytes;
};

/// The largest message or collective that MPI's int counts can carry; more is refused with an Error.
inline constexpr std::size_t largest_message_bytes = 0x7fffffff;

/// A group of ranks that talk to each other, on a duplicate of its own of the communicator it was made from. MPI errors
/// become Error. For the main thread only.
class Communicator {
 public:
  struct Impl;

  /// One process alone; MPI is not touched.
  Communicator();
  explicit Communicator(std::unique_ptr<Impl> impl);
  ~Communicator();
  Communicator(Communicator&&) noexcept;
  Communicator& operator=(Communicator&&) noexcept;

  [[nodiscard]] int rank() const;
  [[nodiscard]] int size() const;
  /// The host name of this process.
  [[nodiscard]] const std::string& host() const;

  /// The ranks that share this rank's memory, in order; the first one leads the node. At least this rank itself.
  [[nodiscard]] const std::vector<int>& node_ranks() const;
  [[nodiscard]] bool leads_node() const { return node_ranks().front() == rank(); }

  /// Starts sending and returns; the buffer is kept until MPI is done with it.
  void send(int destination, int tag, Bytes bytes);
  /// The next message, if one is here: in the order sent by each source. Also moves sends along.
  std::optional<Message> poll();
  /// True while MPI still works on a message: naps should then stay short, because it moves only while polled.
  [[nodiscard]] bool busy() const;

  // Collectives: every rank calls them in the same order; they nap while they wait.

  /// Everybody's blob, by rank.
  std::vector<Bytes> gather_all(const Bytes& mine);
  /// The root's blob, on every rank.
  Bytes broadcast(Bytes bytes, int root);
  void barrier();
  /// A barrier that nobody passes before every message is received; what still arrives is thrown away. After it nothing
  /// is left in flight. False if not all ranks came within `limit_s` (0: waits for ever).
  bool quiesce(double limit_s = 0);

  /// A communicator of the same ranks whose messages never meet this one's. Collective.
  [[nodiscard]] Communicator duplicate();

 private:
  std::unique_ptr<Impl> impl_;
};

/// MPI from start to end. Started without a launcher (mpirun, srun with PMIx) it is one process alone without MPI.
///
/// A rank does not outlive its launcher: within about a second after the parent process is gone it leaves with
/// _exit(3), so that its locks are free for the next start.
class MpiSession {
 public:
  MpiSession();
  /// Does not finalize: a rank that leaves by an exception never could, the others are elsewhere (see end_all()).
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;

  [[nodiscard]] Communicator& communicator();

  /// The orderly end, called by every rank: waits for the others in naps, then MPI_Finalize. No Communicator of this
  /// session may be used afterwards; those made by duplicate() must be gone. False if not all ranks came within
  /// `limit_s` (0: waits for ever): end_all() is left then.
  bool finalize(double limit_s = 0);

  /// For a rank that fails while others may wait for it: ends them all, and itself, with `exit_code`. Returns where
  /// there is nobody else.
  static void end_all(int exit_code);

 private:
  std::unique_ptr<ParentWatch> watch_;
  std::optional<Communicator> communicator_;
  bool started_ = false;
};

}  // namespace telltale::cluster
