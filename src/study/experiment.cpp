#include "study/experiment.h"

#include "core/error.h"
#include "core/text.h"

namespace telltale::study {

const Experiment& experiment_named(const std::string& name) {
  std::vector<std::string> known;
  for (const auto& experiment : all_experiments()) {
    if (experiment->name() == name) return *experiment;
    known.push_back(experiment->name());
  }
  throw InputError("there is no experiment " + name + "; there are: " + joined(known));
}

}  // namespace telltale::study
