// The threads of a worker that run tasks.
#pragma once

#include <memory>
#include <string>

#include "cluster/worker_state.h"

namespace telltale::cluster {

/// The life of the compute thread: tasks one after the other, and questions that other ranks ask.
void compute(const std::shared_ptr<WorkerState>& state);
/// The life of a thread of tasks that ask.
void search(const std::shared_ptr<WorkerState>& state, Slot& slot);

/// "ran past its time limit of 2.5 s"
std::string past_time_limit(double limit_s);

}  // namespace telltale::cluster
