#include "study/exporting.h"

#include <algorithm>
#include <filesystem>
#include <numeric>

#include "core/error.h"
#include "study/axis.h"

namespace telltale::study {
namespace {

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t most = 20;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), most); ++i) text += (text.empty() ? "" : ", ") + names[i];
  return names.size() > most ? text + ", ..." : text;
}

}  // namespace

std::vector<std::size_t> cases_where(const std::vector<std::string>& dimensions,
                                     const std::vector<std::vector<std::string>>& labels, const std::string& conditions,
                                     const std::string& what) {
  std::vector<std::size_t> selected(labels.size());
  std::iota(selected.begin(), selected.end(), 0);
  if (conditions.empty()) return selected;
  for (const std::string& condition : split_list(conditions)) {
    const std::size_t equals = std::min(condition.find('='), condition.size());
    const std::string dimension = condition.substr(0, equals);
    const auto found = std::find(dimensions.begin(), dimensions.end(), dimension);
    if (equals == condition.size() || found == dimensions.end())
      throw InputError("'" + condition + "' selects no " + what + "s: DIMENSION=LABEL is expected, of the dimensions " +
                       listed(dimensions));
    const auto at = static_cast<std::size_t>(found - dimensions.begin());
    const std::string label = condition.substr(equals + 1);
    std::vector<std::string> known;
    for (const auto& one : labels)
      if (std::find(known.begin(), known.end(), one[at]) == known.end()) known.push_back(one[at]);
    if (std::find(known.begin(), known.end(), label) == known.end())
      throw InputError("no " + what + " has the " + dimension + " " + label + "; there are: " + listed(known));
    std::erase_if(selected, [&](std::size_t i) { return labels[i][at] != label; });
  }
  if (selected.empty()) throw InputError("no " + what + " is of cases with " + conditions);
  return selected;
}

void make_empty_folder(const std::string& folder) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (fs::exists(folder) && !fs::is_directory(folder)) throw InputError(folder + " is there and is no folder");
  fs::create_directories(folder, error);
  if (error) throw InputError("cannot create the folder " + folder + ": " + error.message());
  const bool empty = fs::is_empty(folder, error);
  if (error) throw InputError("cannot read the folder " + folder + ": " + error.message());
  if (!empty) throw InputError("the folder " + folder + " is not empty: nothing in it is overwritten");
}

}  // namespace telltale::study
