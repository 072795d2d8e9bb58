// How the tasks of each experiment are computed: what needs LibTorch, apart from the experiments' declarations.
#pragma once

#include <string>

#include "cluster/work.h"
#include "data/dataset.h"

namespace telltale::study {

/// The function that computes an experiment's tasks on a rank; keeps that rank's caches. `data`, which may be nullptr
/// where the experiment needs none, outlives it. Throws InputError for an unknown name.
cluster::Executor make_executor(const std::string& experiment, const data::Dataset* data);

/// Answers the questions of tasks that ask; empty where none does. Keeps the rank's caches.
cluster::Responder make_responder(const std::string& experiment);

}  // namespace telltale::study
