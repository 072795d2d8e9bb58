#include "cli/ranks.h"

#include <iostream>

#include "cli/command.h"
#include "cluster/worker.h"
#include "core/error.h"
#include "study/session.h"

namespace telltale::cli {

int run_on_ranks(const char* command, int code_of_error,
                 const std::function<BodyResult(cluster::Communicator&)>& body) {
  cluster::MpiSession mpi;
  const bool speaks = mpi.communicator().rank() == 0;
  BodyResult result;
  try {
    result = body(mpi.communicator());
  } catch (const InputError& error) {
    // Thrown by every rank alike.
    result.exit_code = unusable_input;
    result.last_words = std::string("telltale ") + command + ": " + error.what() + "\n";
  } catch (const std::exception& error) {
    result.exit_code = code_of_error;
    result.last_words = std::string("telltale ") + command + ": " + error.what() + "\n";
    if (code_of_error == stopped_early)
      result.last_words +=
          "Everything committed is kept: once that is mended, the same command goes on (whatever mpirun says above or "
          "below).\n";
    if (!speaks && dynamic_cast<const study::SharedError*>(&error) == nullptr) {
      // The others may wait for this rank: only the launcher can end them now.
      std::cerr << "rank " << mpi.communicator().rank() << ": " << result.last_words << std::flush;
      return code_of_error;
    }
  }
  mpi.finalize();
  if (speaks) (result.exit_code == 0 ? std::cout : std::cerr) << result.last_words << std::flush;
  if (result.stuck) cluster::leave_process(speaks ? result.exit_code : 0);
  return speaks ? result.exit_code : 0;
}

}  // namespace telltale::cli
