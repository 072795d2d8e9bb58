// The published search (Schloegl, Kupek, Boehme 2021, Sec. 2 and Algorithm 1): sign steps of the slope, first on one
// machine, then on all. Presets `paper` (the text) and `code` (what the authors' program did).
#include <algorithm>
#include <map>
#include <set>

#include "forensics/searches.h"

namespace telltale::forensics {
namespace {

// What the two presets do differently; the numbers are theirs.
struct Rules {
  double local_alpha, remote_alpha;
  double local_target;    // the local phase ends when delta is below it
  bool target_is_enough;  // or equal to it
  Slope slope;            // whose class is the true label
};
constexpr Rules paper_rules{1e-4, 1e-4, 1e-6, false, Slope::score};
constexpr Rules code_rules{1e-4, 2e-4, 1e-5, true, Slope::loss};

// How a stalled scale grows: the first factor for so many steps, then the second.
struct Growth {
  double first, second;
  std::int64_t steps;
  [[nodiscard]] double factor(std::int64_t taken) const { return taken < steps ? first : second; }
};
constexpr Growth local_growth{2, 1.5, 500};
constexpr Growth remote_growth{1.5, 1.25, 25};

// A difference of nothing would stop the search for good.
constexpr double least_delta = 1e-7;

struct View {
  int label = 0;
  float top = 0;
  double delta = 0;  // the two largest confidences' difference

  explicit View(const Answer& answer) : label(answer.label()) {
    std::vector<float> sorted = answer.confidences;
    std::partial_sort(sorted.begin(), sorted.begin() + 2, sorted.end(), std::greater<>());
    top = sorted[0];
    delta = static_cast<double>(sorted[0] - sorted[1]);
  }
};

class PublishedSearch {
 public:
  PublishedSearch(Oracle& oracle, const Point& start, int label, const SearchOptions& options, Attempt& attempt)
      : machines_(oracle, attempt, options.microarchitectures.size()),
        options_(options),
        rules_(options.preset == Preset::paper ? paper_rules : code_rules),
        label_(label),
        point_(start),
        attempt_(attempt) {}

  void run() {
    if (local_phase()) remote_phase();
    attempt_.sample = point_;
  }

 private:
  [[nodiscard]] bool is_paper() const { return options_.preset == Preset::paper; }
  [[nodiscard]] Question question() const { return {point_, rules_.slope, label_, {}}; }

  bool local_phase() {
    while (true) {
      const Answer answer = machines_.ask(options_.local, question());
      const View view(answer);
      if (attempt_.start_label < 0) attempt_.start_label = view.label;
      if (view.delta < rules_.local_target || (rules_.target_is_enough && view.delta == rules_.local_target))
        return true;
      if (view.top == 1.0F) return fail(Ending::saturated);
      if (attempt_.local_steps == options_.local_limit) return fail(Ending::local_limit);
      step(false, options_.local, view, answer.slopes.front(), rules_.local_alpha,
           local_growth.factor(attempt_.local_steps));
      ++attempt_.local_steps;
    }
  }

  void remote_phase() {
    while (true) {
      const std::vector<Answer> answers = machines_.ask_all(question());
      std::vector<View> views;
      for (const Answer& answer : answers) views.emplace_back(answer);
      const std::vector<int> group = smallest_group(views);
      if (stands_alone(group)) {
        machines_.succeed(point_, answers, verdict_of(group, views));
        return;
      }
      if (attempt_.remote_steps == options_.remote_limit) {
        fail(Ending::remote_limit);
        return;
      }
      const int chosen = choose(group, views);
      const auto at = static_cast<std::size_t>(chosen);
      step(true, chosen, views[at], answers[at].slopes.front(), rules_.remote_alpha,
           remote_growth.factor(attempt_.remote_steps));
      ++attempt_.remote_steps;
    }
  }

  bool fail(Ending ending) {
    attempt_.ending = ending;
    return false;
  }

  // The machines of the rarest label; of equally rare ones, that of the first machine.
  static std::vector<int> smallest_group(const std::vector<View>& views) {
    std::vector<std::vector<int>> groups;
    std::map<int, std::size_t> group_of;
    for (std::size_t i = 0; i < views.size(); ++i) {
      const auto [at, added] = group_of.try_emplace(views[i].label, groups.size());
      if (added) groups.emplace_back();
      groups[at->second].push_back(static_cast<int>(i));
    }
    return *std::min_element(groups.begin(), groups.end(),
                             [](const auto& a, const auto& b) { return a.size() < b.size(); });
  }

  [[nodiscard]] bool stands_alone(const std::vector<int>& group) const {
    const auto& kinds = options_.microarchitectures;
    if (group.size() == kinds.size()) return false;
    const int kind = kinds[static_cast<std::size_t>(group.front())];
    if (!std::all_of(group.begin(), group.end(), [&](int m) { return kinds[static_cast<std::size_t>(m)] == kind; }))
      return false;
    // The program counts all machines of the microarchitecture, the text any.
    return is_paper() || static_cast<std::ptrdiff_t>(group.size()) == std::count(kinds.begin(), kinds.end(), kind);
  }

  // The contrast label is that of most other machines.
  [[nodiscard]] Verdict verdict_of(const std::vector<int>& group, const std::vector<View>& views) const {
    const int label = views[static_cast<std::size_t>(group.front())].label;
    std::map<int, int> others;
    for (const View& view : views)
      if (view.label != label) ++others[view.label];
    const auto most = std::max_element(others.begin(), others.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    return {options_.microarchitectures[static_cast<std::size_t>(group.front())], label, most->first};
  }

  // All agree: the machine nearest to its boundary. Else the one that passes next: the group's second farthest.
  static int choose(std::vector<int> group, const std::vector<View>& views) {
    const auto delta = [&](int machine) { return views[static_cast<std::size_t>(machine)].delta; };
    if (group.size() == views.size())
      return *std::min_element(group.begin(), group.end(), [&](int a, int b) { return delta(a) < delta(b); });
    std::stable_sort(group.begin(), group.end(), [&](int a, int b) { return delta(a) > delta(b); });
    return group[std::min<std::size_t>(1, group.size() - 1)];
  }

  // +1 follows the slope, -1 goes against it.
  [[nodiscard]] int direction(int label) const {
    if (is_paper()) return label == label_ ? -1 : 1;
    const int start = attempt_.start_label == label_ ? 1 : -1;
    return label == attempt_.start_label ? start : -start;
  }

  void step(bool remote, int machine, const View& view, const Point& slope, double alpha, double growth) {
    const double delta = view.delta > 0 ? view.delta : least_delta;
    const bool moved = previous_ && (view.label != previous_->label || view.top != previous_->top);
    // The text begins with delta, the program with twice 1.
    if (moved || (!previous_ && is_paper()))
      scale_ = delta;
    else
      scale_ *= growth;
    previous_ = view;
    if (options_.keeps_steps) attempt_.steps.push_back({remote, machine, view.label, view.delta, scale_});
    const auto length = static_cast<float>(direction(view.label) * scale_ * alpha);
    for (std::size_t i = 0; i < point_.size(); ++i) {
      const float s = slope[i];
      if (s > 0)
        point_[i] += length;
      else if (s < 0)
        point_[i] -= length;
    }
  }

  Machines machines_;
  const SearchOptions& options_;
  const Rules& rules_;
  const int label_;
  Point point_;
  Attempt& attempt_;
  double scale_ = 1;
  std::optional<View> previous_;
};

}  // namespace

void search_published(Oracle& oracle, const Point& start, int label, const SearchOptions& options, Attempt& attempt) {
  PublishedSearch(oracle, start, label, options, attempt).run();
}

}  // namespace telltale::forensics
