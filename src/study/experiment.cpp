#include "study/experiment.h"

#include "core/error.h"
#include "study/boundary.h"
#include "study/compare.h"
#include "study/empty.h"
#include "study/new_label.h"

namespace telltale::study {

std::unique_ptr<Experiment> make_experiment(const std::string& name) {
  if (name == "new-label") return std::make_unique<NewLabel>();
  if (name == "compare") return std::make_unique<Compare>();
  if (name == "boundary") return std::make_unique<Boundary>();
  if (name == "empty") return std::make_unique<Empty>();
  throw InputError("there is no experiment " + name);
}

}  // namespace telltale::study
