#include <chrono>
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <thread>

#include "cli/command.h"
#include "core/error.h"
#include "core/process.h"
#include "study/version.h"

namespace {

void print_usage(std::ostream& out) {
  out << "telltale " << telltale::study::program_version()
      << ": who owns a neural network, and which machine ran it\n\n";
  for (const auto& command : telltale::cli::commands()) {
    char line[160];
    std::snprintf(line, sizeof line, "  telltale %-40s %s\n", command.usage, command.summary);
    out << line;
  }
  out << "\n`telltale COMMAND --help` shows a command's options. run, plan and probe also work under mpirun or srun.\n"
         "Exit codes: 0 all done; 1 some cases failed; 2 unusable input; 3 stopped early, can be resumed;\n"
         "4 another run has taken the study over.\n";
}

}  // namespace

int main(int argc, char** argv) {
  using namespace telltale;
  const std::string name = argc > 1 ? argv[1] : "--help";
  if (name == "--help" || name == "-h" || name == "help") {
    print_usage(std::cout);
    return telltale::all_done;
  }
  if (name == "--version") {
    std::cout << study::program_version() << " (" << study::git_state() << ")\n";
    return telltale::all_done;
  }
  for (const cli::Command& command : cli::commands()) {
    if (name != command.name) continue;
    try {
      return command.run(cli::Arguments(argv + 2, argv + argc), argv);
    } catch (const std::exception& error) {
      // Mostly before MPI has started. Most is found by every rank alike, and rank 0 says it: the launcher then ends
      // the others. What a rank finds alone (its CPU, its node's files) it says itself, a little later.
      if (launcher_rank() != 0) std::this_thread::sleep_for(std::chrono::seconds(2));
      std::cerr << "telltale " + name + ": " + error.what() + "\n" << std::flush;
      cli::end_all_ranks(telltale::unusable_input);
      return telltale::unusable_input;
    }
  }
  std::cerr << "telltale: there is no command '" << name << "'\n";
  print_usage(std::cerr);
  return telltale::unusable_input;
}
