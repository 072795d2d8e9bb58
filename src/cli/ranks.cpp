#include "cli/ranks.h"

#include <chrono>
#include <iostream>
#include <optional>
#include <thread>

#include "cli/command.h"
#include "cluster/agreement.h"
#include "cluster/worker.h"
#include "core/error.h"

namespace telltale::cli {
namespace {

struct Failure {
  std::string reason;
  bool input = false;   // it is the input's fault
  bool shared = false;  // no rank waits for another because of it
};

std::optional<Failure> failure_of(const std::function<void()>& action) {
  try {
    action();
    return std::nullopt;
  } catch (const std::exception& error) {
    return Failure{error.what(), dynamic_cast<const InputError*>(&error) != nullptr, cluster::is_shared(error)};
  } catch (...) {
    return Failure{"something was thrown that is no std::exception", false, false};
  }
}

}  // namespace

void run_on_ranks(const char* command, int code_of_error,
                  const std::function<BodyResult(cluster::Communicator&)>& body) {
  cluster::MpiSession mpi;
  const int rank = mpi.communicator().rank();
  const bool speaks = rank == 0, alone = mpi.communicator().size() == 1;
  BodyResult result;
  const auto take = [&](const Failure& failure) {
    result.exit_code = failure.input ? int{unusable_input} : code_of_error;
    result.last_words += std::string("telltale ") + command + ": " + failure.reason + "\n";
    if (result.exit_code == stopped_early)
      result.last_words +=
          "Everything committed is kept: once that is mended, the same command goes on (whatever mpirun says above or "
          "below).\n";
  };
  // The others may wait for this rank, or it for them: said first, then all are ended.
  const auto end_all = [&] {
    // What every rank finds by itself, rank 0 says.
    if (!speaks) std::this_thread::sleep_for(std::chrono::seconds(2));
    std::cerr << (speaks ? "" : "rank " + std::to_string(rank) + ": ") + result.last_words << std::flush;
    cluster::MpiSession::end_all(result.exit_code);
  };

  if (const auto failure = failure_of([&] { result = body(mpi.communicator()); })) {
    take(*failure);
    if (!failure->shared && !alone) end_all();
  }
  if (result.frozen) end_all();
  const auto leave = [&] {
    if (mpi.finalize(result.patience_s)) return;
    result.last_words += "not all ranks have left: they are ended\n";
    end_all();
  };
  if (const auto failure = failure_of(leave)) {
    take(*failure);
    end_all();  // returns where this rank is alone
  } else if (speaks) {
    (result.exit_code == 0 ? std::cout : std::cerr) << result.last_words << std::flush;
  }
  cluster::leave_process(speaks ? result.exit_code : 0);
}

void end_all_ranks(int exit_code) { cluster::MpiSession::end_all(exit_code); }

}  // namespace telltale::cli
