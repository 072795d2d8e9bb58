#include "forensics/boundary_search.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "core/error.h"
#include "core/exact_math.h"
#include "forensics/searches.h"

namespace telltale::forensics {

Preset preset_named(const std::string& name) {
  if (name == "paper") return Preset::paper;
  if (name == "code") return Preset::code;
  if (name == "telltale") return Preset::telltale;
  throw InputError("there is no search \"" + name + "\"; there are: paper, code, telltale");
}

const char* name_of(Ending ending) {
  switch (ending) {
    case Ending::success: return "success";
    case Ending::saturated: return "saturated";
    case Ending::local_limit: return "local limit";
    case Ending::remote_limit: return "remote limit";
    case Ending::evaluation_limit: return "evaluation limit";
    case Ending::no_slope: return "no slope";
    case Ending::below_floor: return "below the PSNR floor";
  }
  throw Error("there is no such ending of a search");
}

double psnr(double mean_squared_error) { return 10 * exact::log10(1 / mean_squared_error); }

Verdict judge(const std::vector<int>& labels, const std::vector<int>& microarchitectures) {
  const std::set<int> different(labels.begin(), labels.end());
  if (different.size() != 2) return {};
  std::vector<std::set<int>> members(2);
  for (std::size_t i = 0; i < labels.size(); ++i)
    members[labels[i] == *different.begin() ? 0 : 1].insert(microarchitectures[i]);
  std::vector<int> shared;
  std::set_intersection(members[0].begin(), members[0].end(), members[1].begin(), members[1].end(),
                        std::back_inserter(shared));
  if (!shared.empty()) return {};
  // Of two machines either stands alone; the first is named.
  const std::size_t lone = members[0].size() == 1 && members[1].size() == 1
                               ? (labels.front() == *different.begin() ? 0 : 1)
                               : (members[0].size() == 1 ? 0 : 1);
  if (members[lone].size() != 1) return {};
  const int first = *different.begin(), second = *different.rbegin();
  return {*members[lone].begin(), lone == 0 ? first : second, lone == 0 ? second : first};
}

double mean_squared_error(const Point& a, const Point& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += difference * difference;
  }
  return sum / static_cast<double>(a.size());
}

Machines::Machines(Oracle& oracle, Attempt& attempt, std::size_t count)
    : oracle_(oracle), attempt_(attempt), all_(count) {
  std::iota(all_.begin(), all_.end(), 0);
}

Answer Machines::ask(int machine, Question question) {
  attempt_.evaluations += question.evaluations();
  return std::move(oracle_.ask({machine}, {std::move(question)}).front());
}

std::vector<Answer> Machines::ask_all(const Question& question) {
  attempt_.evaluations += question.evaluations() * static_cast<std::int64_t>(all_.size());
  return oracle_.ask(all_, std::vector<Question>(all_.size(), question));
}

void Machines::succeed(const Point& sample, const std::vector<Answer>& answers, const Verdict& verdict) {
  attempt_.ending = Ending::success;
  attempt_.sample = sample;
  attempt_.identified = verdict.identified;
  attempt_.identifying_label = verdict.identifying_label;
  attempt_.contrast_label = verdict.contrast_label;
  attempt_.labels.clear();
  attempt_.logits.clear();
  for (const Answer& answer : answers) {
    attempt_.labels.push_back(answer.label());
    attempt_.logits.push_back(answer.logits);
  }
}

Attempt search_boundary(Oracle& oracle, const Point& start, int label, const SearchOptions& options, Stream draws) {
  const auto& machines = options.microarchitectures;
  const std::set<int> different(machines.begin(), machines.end());
  if (different.size() < 2) throw Error("a boundary search needs machines of at least two microarchitectures");
  if (options.local < 0 || static_cast<std::size_t>(options.local) >= machines.size())
    throw Error("the local machine of a boundary search is none of its machines");
  if (options.target && !different.contains(*options.target))
    throw Error("the target of a boundary search is none of its machines");
  if (options.preset != Preset::telltale && (options.target || options.eight_bit))
    throw Error("the published searches have neither a target nor a grid");
  const auto plane = static_cast<std::size_t>(options.height) * static_cast<std::size_t>(options.width);
  if (options.eight_bit && (plane == 0 || start.size() % plane != 0))
    throw Error("a search on the 8-bit grid needs the input's height and width");
  Attempt attempt;
  attempt.sample = start;
  if (options.preset == Preset::telltale)
    search_nearest(oracle, start, options, draws, attempt);
  else
    search_published(oracle, start, label, options, attempt);
  attempt.squared_error = mean_squared_error(attempt.sample, start);
  if (attempt.ending == Ending::success && options.least_psnr > 0 &&
      !(psnr(attempt.squared_error) >= options.least_psnr))
    attempt.ending = Ending::below_floor;
  return attempt;
}

}  // namespace telltale::forensics
