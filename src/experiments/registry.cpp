// The experiments that there are: one line each.
#include "experiments/aime/aime.h"
#include "experiments/backdoor/backdoor.h"
#include "experiments/boundary/boundary.h"
#include "experiments/compare/compare.h"
#include "experiments/empty.h"
#include "experiments/matrix/matrix.h"
#include "experiments/new_label/new_label.h"
#include "experiments/piracy/piracy.h"

namespace telltale::study {

const std::vector<std::unique_ptr<Experiment>>& all_experiments() {
  static const auto all = [] {
    std::vector<std::unique_ptr<Experiment>> list;
    list.push_back(std::make_unique<experiments::NewLabel>());
    list.push_back(std::make_unique<experiments::Compare>());
    list.push_back(std::make_unique<experiments::Boundary>());
    list.push_back(std::make_unique<experiments::Backdoor>());
    list.push_back(std::make_unique<experiments::Aime>());
    list.push_back(std::make_unique<experiments::AntiPiracy>());
    list.push_back(std::make_unique<experiments::OwnershipMatrix>());
    list.push_back(std::make_unique<experiments::Empty>());
    return list;
  }();
  return all;
}

}  // namespace telltale::study
