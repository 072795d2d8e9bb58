// A command whose rank fails while the others wait for it: `failing_rank RANK error|input|odd|freezes`. For test_ending.py.
#include <csignal>
#include <cstdlib>
#include <string>

#include "cli/command.h"
#include "cli/ranks.h"
#include "core/error.h"

int main(int argc, char** argv) {
  using namespace telltale;
  if (argc != 3) return 64;
  const int rank = std::atoi(argv[1]);
  const std::string how = argv[2];
  cli::run_on_ranks("run", stopped_early, [&](cluster::Communicator& communicator) {
    if (communicator.rank() == rank && how != "freezes") {
      if (how == "input") throw InputError("unusable");
      if (how == "odd") throw 7;
      throw Error("out of luck");
    }
    communicator.barrier();
    if (communicator.rank() == rank) raise(SIGSTOP);
    return cli::BodyResult{.patience_s = 2, .last_words = "all is done\n"};
  });
}
