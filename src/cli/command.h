// The commands: one file each, found by name.
#pragma once

#include <string>
#include <vector>

#include "core/exit_code.h"

namespace telltale::cli {

using Arguments = std::vector<std::string>;  ///< what stands after the command's name

struct Command {
  const char* name;
  const char* usage;
  const char* summary;
  int (*run)(const Arguments& arguments, char** argv);
};

const std::vector<Command>& commands();

int run_probe(const Arguments& arguments, char** argv);
int run_plan(const Arguments& arguments, char** argv);
int run_run(const Arguments& arguments, char** argv);
int run_status(const Arguments& arguments, char** argv);
int run_verify(const Arguments& arguments, char** argv);
int run_replay(const Arguments& arguments, char** argv);
int run_report(const Arguments& arguments, char** argv);
int run_page(const Arguments& arguments, char** argv);
int run_export(const Arguments& arguments, char** argv);
/// What run_export() does with --models, which needs LibTorch.
int run_export_models(const Arguments& arguments, char** argv);
int run_transform(const Arguments& arguments, char** argv);
int run_key(const Arguments& arguments, char** argv);
int run_claim(const Arguments& arguments, char** argv);
int run_answer(const Arguments& arguments, char** argv);
int run_identify(const Arguments& arguments, char** argv);
int run_submit(const Arguments& arguments, char** argv);
int run_starts(const Arguments& arguments, char** argv);
int run_validate(const Arguments& arguments, char** argv);

/// Ends every rank, this one too, where MPI has started; else returns.
void end_all_ranks(int exit_code);

}  // namespace telltale::cli
