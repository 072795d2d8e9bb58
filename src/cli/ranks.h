// Running a command on all ranks: who speaks, and how every rank leaves.
#pragma once

#include <functional>

#include "cluster/communicator.h"

namespace telltale::cli {

/// Starts MPI (if there is a launcher), runs `body` on every rank, ends MPI, and leaves with the exit code: the body's
/// on rank 0, 0 elsewhere, so that only one rank tells the launcher. Errors are printed once, by rank 0: InputError
/// gives 2, any other `code_of_error`. One that is not shared (see cluster/agreement.h) is printed by the rank that has
/// it, which then ends all ranks with that code: others may wait for it for ever.
struct BodyResult {
  int exit_code = 0;
  bool frozen = false;     ///< another rank will never leave: all are ended
  double patience_s = 0;   ///< how long rank 0 waits for the others to leave, before it ends them; 0: for ever
  std::string last_words;  ///< printed by rank 0 after MPI has ended
};
[[noreturn]] void run_on_ranks(const char* command, int code_of_error,
                               const std::function<BodyResult(cluster::Communicator&)>& body);

}  // namespace telltale::cli
