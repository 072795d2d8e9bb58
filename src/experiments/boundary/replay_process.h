// Predictions by a process of its own: what a boundary sample is worth only shows outside of the search that found it.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/bytes.h"
#include "core/identity.h"
#include "data/dataset.h"
#include "forensics/oracle.h"

namespace telltale::experiments {

/// A child process, `telltale replay --serve`: started outside of MPI with this process' profile by the first
/// prediction, and once only, because its start takes most of a second. It knows nothing of a search but the sample. It
/// ends with this object, when this process dies, or when a prediction is given up; the next one starts it anew.
class ReplayProcess {
 public:
  ReplayProcess();
  ~ReplayProcess();
  ReplayProcess(const ReplayProcess&) = delete;
  ReplayProcess& operator=(const ReplayProcess&) = delete;

  /// The logits that it predicts for `point` in batches of `batch` copies. `network` (safetensors) is what `model`
  /// names. `check` is called while it runs; an exception of its own ends the child too. Throws Error, with what the
  /// child said, if it fails.
  std::vector<float> predict(const Identity& model, ByteSpan network, const forensics::Point& point,
                             const data::ImageShape& shape, int batch, const std::function<void()>& check);

 private:
  class Child;
  std::unique_ptr<Child> child_;
};

}  // namespace telltale::experiments
