#include "study/executors.h"

#include "core/error.h"
#include "study/boundary.h"
#include "study/compare.h"
#include "study/empty.h"
#include "study/new_label.h"

namespace telltale::study {

cluster::Executor make_executor(const std::string& experiment, const data::Dataset* data) {
  if (experiment == "new-label") return new_label::executor(*data);
  if (experiment == "compare") return compare::executor(*data);
  if (experiment == "boundary") return boundary::executor(*data);
  if (experiment == "empty") return empty::executor();
  throw InputError("there is no experiment " + experiment);
}

cluster::Responder make_responder(const std::string& experiment) {
  return experiment == "boundary" ? boundary::responder() : cluster::Responder();
}

}  // namespace telltale::study
