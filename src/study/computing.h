// What a rank computes with. All of it needs LibTorch, which a rank that only coordinates does without.
#pragma once

#include <functional>
#include <vector>

#include "cluster/work.h"
#include "data/dataset.h"
#include "forensics/fingerprint.h"
#include "forensics/passport.h"

namespace telltale::study {

/// Empty functions where nothing is computed.
struct Computing {
  std::function<forensics::LibTorch()> libtorch;
  std::function<forensics::Fingerprints(const std::vector<forensics::Subject>&)> fingerprints;
  /// What computes tasks, given the data (nullptr where the experiment needs none), and what answers their questions.
  std::function<cluster::Executor(const data::Dataset*, const data::OtherData&)> make_executor;
  cluster::Responder responder;

  explicit operator bool() const { return make_executor != nullptr; }
};

}  // namespace telltale::study
