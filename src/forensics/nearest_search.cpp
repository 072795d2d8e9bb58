// Our search for boundary samples (preset `telltale`).
//
// The margin m(x) = logit[a] - logit[b] between the start's label a and a rival b is a number on every machine; on the
// boundary it is zero but for each machine's own rounding, about the last bit of the logits. So:
//
// 1. Approach: Newton steps to the boundary m = 0 (DeepFool, Moosavi-Dezfooli et al. 2016), then along it towards the
//    start: the linearised boundary's point nearest to the *start* (the iteration of Hasofer-Lind and Rackwitz-Fiessler
//    1978; FAB, Croce and Hein 2020), as long as that comes nearer. One machine answers.
// 2. Newton steps of the margin, without new slopes, down to the last bits.
// 3. Draws: all machines are asked there. Their margins lie apart by their rounding; the input is moved by so much that
//    zero falls into the widest gap beside one machine, and by a jitter of last bits, which draws the rounding anew.
//
// On the 8-bit grid a slope does not say precisely enough what a step of 1/255 does: it crosses kinks. But what steps
// do that were *measured* one by one adds up almost exactly where they lie far apart. So some tens are measured, and of
// all their pairs and triples those are tried whose sum is the shift that is wanted.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <unordered_set>

#include "core/identity.h"
#include "forensics/searches.h"

namespace telltale::forensics {
namespace {

constexpr int rivals_tried = 3;       // classes next to the start's whose boundaries are compared
constexpr int approach_steps = 12;    // at most
constexpr int refinements = 3;        // at most
constexpr double near_enough = 1e-2;  // of the start's margin: then steps go along the boundary
constexpr double nearer = 0.995;      // a refinement must shorten the way by more than this
constexpr int newton_steps = 12;      // without a new slope
constexpr double noise_units = 4;     // a margin of so many last bits of the largest logit may be rounding alone
constexpr int draws_of_a_place = 24;  // then another place of the boundary is tried
constexpr std::size_t jittered = 8;   // values that a draw moves
constexpr double jitter_step = 0x1p-24;

double dot(const Point& a, const Point& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

// g . (a - b)
double dot_difference(const Point& g, const Point& a, const Point& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    sum += static_cast<double>(g[i]) * (static_cast<double>(a[i]) - static_cast<double>(b[i]));
  return sum;
}

class NearestSearch {
 public:
  NearestSearch(Oracle& oracle, const Point& start, const SearchOptions& options, const Stream& draws, Attempt& attempt)
      : machines_(oracle, attempt, options.microarchitectures.size()),
        options_(options),
        start_(start),
        draws_(draws.derive("draws")),
        point_(start),
        attempt_(attempt) {}

  void run() {
    choose_rival() && approach() && (options_.eight_bit ? search_grid() : search_floats());
    if (attempt_.ending != Ending::success) attempt_.sample = point_;
  }

 private:
  // --- what the machines say ---

  [[nodiscard]] double margin_of(const Answer& answer) const {
    return static_cast<double>(answer.logits[label_at()]) - static_cast<double>(answer.logits[rival_at()]);
  }
  [[nodiscard]] std::size_t label_at() const { return static_cast<std::size_t>(attempt_.start_label); }
  [[nodiscard]] std::size_t rival_at() const { return static_cast<std::size_t>(rival_); }

  bool fail(Ending ending) {
    attempt_.ending = ending;
    return false;
  }
  [[nodiscard]] bool spent() const { return attempt_.evaluations >= options_.evaluation_limit; }

  void note(bool remote, const Answer& answer, double aim) {
    if (!remote)
      ++attempt_.local_steps;
    else
      ++attempt_.remote_steps;
    if (options_.keeps_steps)
      attempt_.steps.push_back({remote, remote ? -1 : options_.local, answer.label(), margin_of(answer), aim});
  }

  // Rounding alone may make a margin of this size.
  static double noise_of(const Answer& answer) {
    float most = 0;
    for (const float logit : answer.logits) most = std::max(most, std::abs(logit));
    return noise_units * static_cast<double>(std::nextafter(most, std::numeric_limits<float>::infinity()) - most);
  }

  // Margin, label and slope at the point.
  bool look_with_slope(double aim) {
    const Answer answer = machines_.ask(options_.local, {point_, Slope::margin, attempt_.start_label, {rival_}});
    note(false, answer, aim);
    take(answer);
    slope_ = answer.slopes.front();
    slope_square_ = dot(slope_, slope_);
    if (slope_square_ > 0 && std::isfinite(slope_square_) && std::isfinite(margin_)) return true;
    return fail(Ending::no_slope);
  }
  void look(double aim) {
    const Answer answer = machines_.ask(options_.local, {point_, Slope::none, 0, {}});
    note(false, answer, aim);
    take(answer);
  }
  void take(const Answer& answer) {
    margin_ = margin_of(answer);
    noise_ = noise_of(answer);
    seen_label_ = answer.label();
  }
  // A third class on top: the boundary that we are at is not the one we look for.
  [[nodiscard]] bool overtaken() const { return seen_label_ != attempt_.start_label && seen_label_ != rival_; }

  // --- the approach ---

  // The rival whose linearised boundary is nearest.
  bool choose_rival() {
    const Answer first = machines_.ask(options_.local, {start_, Slope::none, 0, {}});
    attempt_.start_label = first.label();
    std::vector<int> classes(first.logits.size());
    std::iota(classes.begin(), classes.end(), 0);
    std::erase(classes, attempt_.start_label);
    std::stable_sort(classes.begin(), classes.end(), [&](int a, int b) {
      return first.logits[static_cast<std::size_t>(a)] > first.logits[static_cast<std::size_t>(b)];
    });
    classes.resize(std::min<std::size_t>(classes.size(), rivals_tried));
    const Answer answer = machines_.ask(options_.local, {start_, Slope::margin, attempt_.start_label, classes});
    double nearest = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < classes.size(); ++i) {
      const double square = dot(answer.slopes[i], answer.slopes[i]);
      const double margin = static_cast<double>(answer.logits[label_at()]) -
                            static_cast<double>(answer.logits[static_cast<std::size_t>(classes[i])]);
      const double distance = std::sqrt(margin * margin / square);
      if (!(distance < nearest)) continue;
      nearest = distance;
      rival_ = classes[i];
      slope_ = answer.slopes[i];
      slope_square_ = square;
    }
    if (rival_ < 0) return fail(Ending::no_slope);
    take(answer);
    note(false, answer, 0);
    return true;
  }

  // The point of the linearised boundary nearest to `origin`: origin + w slope, kept within [0, 1] where that is
  // wanted.
  [[nodiscard]] Point nearest_on_boundary(const Point& origin) const {
    const double needed = dot_difference(slope_, point_, origin) - margin_;
    const bool bounded = options_.clip || options_.eight_bit;
    const auto at = [&](double w) {
      Point moved(origin.size());
      for (std::size_t i = 0; i < moved.size(); ++i) {
        const double value = static_cast<double>(origin[i]) + w * static_cast<double>(slope_[i]);
        moved[i] = static_cast<float>(bounded ? std::clamp(value, 0.0, 1.0) : value);
      }
      return moved;
    };
    double w = needed / slope_square_;
    if (!bounded) return at(w);
    // What the bounds cut off, the other values make up for: secant steps, as the sum is piecewise linear in w.
    for (int i = 0; i < 30; ++i) {
      const Point moved = at(w);
      const double reached = dot_difference(slope_, moved, origin);
      if (std::abs(needed - reached) <= 1e-6 * std::abs(needed)) return moved;
      double free = 0;
      for (std::size_t k = 0; k < moved.size(); ++k)
        if (moved[k] > 0 && moved[k] < 1) free += static_cast<double>(slope_[k]) * static_cast<double>(slope_[k]);
      w += (needed - reached) / (free > 0 ? free : slope_square_);
    }
    return at(w);
  }

  // Steps to the point of the linearised boundary nearest to `origin`, and looks there.
  bool step_from(const Point& origin) {
    point_ = nearest_on_boundary(origin);
    if (spent()) return fail(Ending::evaluation_limit);
    if (!look_with_slope(0)) return false;
    if (!overtaken()) return true;
    rival_ = seen_label_;
    return look_with_slope(0);
  }

  // Newton steps until the margin is at most `enough`.
  bool reach_boundary(double enough, int steps) {
    for (int step = 0; step < steps && std::abs(margin_) > enough; ++step)
      if (!step_from(Point(point_))) return false;
    return true;
  }

  bool approach() {
    const double enough = near_enough * std::abs(margin_);
    if (!reach_boundary(enough, approach_steps)) return false;
    for (int refinement = 0; refinement < refinements; ++refinement) {
      const Place before{point_, slope_, slope_square_, margin_, noise_, rival_, seen_label_};
      if (!step_from(start_) || !reach_boundary(enough, refinements)) return false;
      const double distance = mean_squared_error(point_, start_),
                   old_distance = mean_squared_error(before.point, start_);
      const bool arrived = std::abs(margin_) <= enough;
      if (arrived && distance < nearer * nearer * old_distance) continue;
      if (!arrived || distance >= old_distance) restore(before);
      break;
    }
    return true;
  }

  // What is known of a point.
  struct Place {
    Point point, slope;
    double slope_square, margin, noise;
    int rival, seen_label;
  };
  void restore(const Place& place) {
    point_ = place.point;
    slope_ = place.slope;
    slope_square_ = place.slope_square;
    margin_ = place.margin;
    noise_ = place.noise;
    rival_ = place.rival;
    seen_label_ = place.seen_label;
  }

  // --- floats ---

  // Moves the margin by `shift` along the slope; far below the last bits of most values, by whole last bits of a few.
  [[nodiscard]] Point shifted(double shift) const {
    Point moved = point_;
    for (std::size_t i = 0; i < moved.size(); ++i)
      moved[i] = bound(static_cast<double>(moved[i]) + shift / slope_square_ * static_cast<double>(slope_[i]));
    return moved;
  }
  [[nodiscard]] float bound(double value) const {
    return static_cast<float>(options_.clip ? std::clamp(value, 0.0, 1.0) : value);
  }

  // Down to where rounding decides. False: not reached here.
  bool newton() {
    double before = std::numeric_limits<double>::infinity();
    for (int step = 0; step < newton_steps && !spent(); ++step) {
      if (std::abs(margin_) <= noise_ && !overtaken()) return true;
      if (std::abs(margin_) > before / 2) {  // the slope is another one here
        if (!look_with_slope(0)) return false;
        before = std::numeric_limits<double>::infinity();
      }
      before = std::abs(margin_);
      point_ = shifted(-margin_);
      look(-margin_);
      if (overtaken()) {
        rival_ = seen_label_;
        if (!look_with_slope(0)) return false;
        before = std::numeric_limits<double>::infinity();
      }
    }
    return std::abs(margin_) <= noise_ && !overtaken();
  }

  // Some values moved by last bits, and then those with the steepest slopes, until the margin has moved by `shift`.
  [[nodiscard]] Point drawn(double shift, double amplitude) {
    Point moved = point_;
    double left = shift;
    const auto move = [&](std::size_t i, double by) {
      const float value = bound(static_cast<double>(moved[i]) + by);
      left -= static_cast<double>(slope_[i]) * (static_cast<double>(value) - static_cast<double>(moved[i]));
      moved[i] = value;
    };
    for (std::size_t k = 0; k < jittered; ++k) move(draws_.below(moved.size()), draws_.uniform(-amplitude, amplitude));
    for (const std::size_t i : steepest()) {
      if (std::abs(left) < noise_ / 100) break;
      move(i, left / static_cast<double>(slope_[i]));
    }
    return moved;
  }

  // A few of the values with the largest slopes, the largest first.
  [[nodiscard]] std::vector<std::size_t> steepest() const {
    constexpr std::size_t some = 8;
    std::vector<std::size_t> order(slope_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const std::size_t count = std::min(some, order.size());
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                      [this](std::size_t a, std::size_t b) {
                        const float left = std::abs(slope_[a]), right = std::abs(slope_[b]);
                        return left != right ? left > right : a < b;
                      });
    order.resize(count);
    std::erase_if(order, [this](std::size_t i) { return slope_[i] == 0; });
    return order;
  }

  // All machines at the point: true if one stands alone as wanted. Else `shift_` is where zero should lie.
  bool ask_all() {
    const std::vector<Answer> answers = machines_.ask_all({point_, Slope::none, 0, {}});
    note(true, answers[static_cast<std::size_t>(options_.local)], shift_);
    std::vector<int> labels;
    std::vector<double> margins;
    for (const Answer& answer : answers) {
      labels.push_back(answer.label());
      margins.push_back(margin_of(answer));
    }
    take(answers[static_cast<std::size_t>(options_.local)]);
    const Verdict verdict = judge(labels, options_.microarchitectures);
    // Of two machines either stands alone, whichever is the target.
    const bool either = count_of_kinds() == 2;
    if (verdict.identified >= 0 && (!options_.target || verdict.identified == *options_.target || either)) {
      Verdict wanted = verdict;
      if (options_.target && verdict.identified != *options_.target)
        wanted = {*options_.target, verdict.contrast_label, verdict.identifying_label};
      machines_.succeed(point_, answers, wanted);
      return true;
    }
    aim(margins);
    return false;
  }

  [[nodiscard]] std::size_t count_of_kinds() const {
    std::vector<int> kinds = options_.microarchitectures;
    std::sort(kinds.begin(), kinds.end());
    return static_cast<std::size_t>(std::unique(kinds.begin(), kinds.end()) - kinds.begin());
  }

  // Sets `shift_` so that zero comes to lie in the widest gap between one wanted microarchitecture and all others;
  // `has_gap_` says whether there is one.
  void aim(const std::vector<double>& margins) {
    std::vector<int> kinds = options_.microarchitectures;
    std::sort(kinds.begin(), kinds.end());
    kinds.erase(std::unique(kinds.begin(), kinds.end()), kinds.end());
    double widest = 0;
    has_gap_ = false;
    for (const int kind : kinds) {
      if (options_.target && kind != *options_.target && kinds.size() > 2) continue;
      double low = std::numeric_limits<double>::infinity(), high = -low, other_low = low, other_high = high;
      for (std::size_t m = 0; m < margins.size(); ++m) {
        const bool own = options_.microarchitectures[m] == kind;
        (own ? low : other_low) = std::min(own ? low : other_low, margins[m]);
        (own ? high : other_high) = std::max(own ? high : other_high, margins[m]);
      }
      const auto consider = [&](double below, double above) {
        if (!(above - below > widest)) return;
        widest = above - below;
        shift_ = -(below + above) / 2;
        has_gap_ = true;
      };
      consider(high, other_low);
      consider(other_high, low);
    }
    if (has_gap_) return;
    const auto [low, high] = std::minmax_element(margins.begin(), margins.end());
    shift_ = -(*low + *high) / 2;
  }

  bool search_floats() {
    double amplitude = jitter_step;
    while (!spent()) {
      if (!newton()) {
        if (attempt_.ending == Ending::no_slope) return false;
        wander();
        continue;
      }
      for (int draw = 0; draw < draws_of_a_place && !spent(); ++draw) {
        if (ask_all()) return true;
        if (overtaken() || std::abs(margin_) > 64 * noise_) break;
        // Where no wanted machine lies outermost, rounding must be drawn anew by more.
        amplitude = has_gap_ ? jitter_step : std::min(2 * amplitude, 1e-4);
        point_ = drawn(shift_, amplitude);
      }
      if (spent()) break;
      wander();
    }
    return fail(Ending::evaluation_limit);
  }

  // To another place of the boundary nearby: a jitter that can be seen in no picture, and a new slope.
  void wander() {
    wandered_ = std::min(wandered_ * 2, 1e-3);
    for (float& value : point_) value = bound(static_cast<double>(value) + draws_.uniform(-wandered_, wandered_));
    look_with_slope(0);
    if (overtaken()) {
      rival_ = seen_label_;
      look_with_slope(0);
    }
  }

  // --- the 8-bit grid ---

  // A step of 1/255 in one value, and what it should do to the margin.
  struct GridStep {
    double effect;
    std::int32_t value;
    std::int8_t direction;
  };

  void to_grid() {
    bytes_.resize(point_.size());
    for (std::size_t i = 0; i < point_.size(); ++i)
      bytes_[i] = static_cast<std::int16_t>(std::lround(255 * std::clamp(static_cast<double>(point_[i]), 0.0, 1.0)));
    show_bytes();
  }
  void show_bytes() {
    for (std::size_t i = 0; i < point_.size(); ++i) point_[i] = static_cast<float>(bytes_[i]) / 255.0F;
  }

  // Every possible step, by its effect.
  [[nodiscard]] std::vector<GridStep> grid_steps() const {
    std::vector<GridStep> steps;
    for (std::size_t i = 0; i < bytes_.size(); ++i)
      for (const int direction : {-1, 1}) {
        const int value = bytes_[i] + direction;
        if (value < 0 || value > 255 || slope_[i] == 0) continue;
        steps.push_back({direction * static_cast<double>(slope_[i]) / 255, static_cast<std::int32_t>(i),
                         static_cast<std::int8_t>(direction)});
      }
    std::sort(steps.begin(), steps.end(), [](const GridStep& a, const GridStep& b) {
      return a.effect != b.effect ? a.effect < b.effect : a.value < b.value;
    });
    return steps;
  }

  using Bytes16 = std::vector<std::int16_t>;
  static Identity key_of(const Bytes16& bytes) {
    return Identity::of(
        ByteSpan(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size() * sizeof(std::int16_t)));
  }

  // Steps from `base` that should move the margin by `shift`, to a place where we have not been: the largest ones while
  // it is far, and then one or two, as gentle as possible (small steps cross few kinks, so what they do is what the
  // slope says). False if there are none.
  bool step_by(double shift, const std::vector<GridStep>& steps, const Bytes16& base) {
    if (steps.empty()) return false;
    Bytes16 next = base;
    const auto apply = [&next](const GridStep& step) {
      auto& byte = next[static_cast<std::size_t>(step.value)];
      byte = static_cast<std::int16_t>(byte + step.direction);
    };
    // Sorted by effect: those of the wanted sign that do most stand at one end.
    std::size_t strides = 0;
    const auto stride = [&]() -> const GridStep& {
      return shift > 0 ? steps[steps.size() - 1 - strides] : steps[strides];
    };
    while (strides + 2 < steps.size() && std::abs(shift) > std::abs(stride().effect) && shift * stride().effect > 0) {
      apply(stride());
      shift -= stride().effect;
      ++strides;
    }
    for (double tolerance = std::max(noise_ / 16, std::abs(shift) / 1000); tolerance < 1; tolerance *= 8)
      if (gentle_step(shift, tolerance, steps, base, next)) {
        bytes_ = std::move(next);
        show_bytes();
        return true;
      }
    return false;
  }

  // The last one or two steps of step_by(), on values that `next` has as `base` has them.
  bool gentle_step(double shift, double tolerance, const std::vector<GridStep>& steps, const Bytes16& base,
                   Bytes16& next) {
    struct Choice {
      double cost;
      std::size_t first, second;
    };
    constexpr auto single = std::numeric_limits<std::size_t>::max();
    constexpr std::size_t enough = 20000;
    std::vector<Choice> choices;
    const auto from = [&](double effect) {
      return static_cast<std::size_t>(std::lower_bound(steps.begin(), steps.end(), effect,
                                                       [](const GridStep& s, double e) { return s.effect < e; }) -
                                      steps.begin());
    };
    const auto free = [&](std::size_t k) {
      const auto value = static_cast<std::size_t>(steps[k].value);
      return next[value] == base[value];
    };
    for (std::size_t k = from(shift - tolerance); k < steps.size() && steps[k].effect <= shift + tolerance; ++k)
      if (free(k)) choices.push_back({std::abs(steps[k].effect), k, single});
    for (std::size_t k = 0; k < steps.size() && choices.size() < enough; ++k) {
      if (!free(k)) continue;
      const double rest = shift - steps[k].effect;
      for (std::size_t j = from(rest - tolerance); j < steps.size() && steps[j].effect <= rest + tolerance; ++j) {
        if (j <= k || steps[j].value == steps[k].value || !free(j)) continue;
        choices.push_back({std::abs(steps[k].effect) + std::abs(steps[j].effect), k, j});
      }
    }
    std::sort(choices.begin(), choices.end(), [](const Choice& x, const Choice& y) {
      return x.cost != y.cost ? x.cost < y.cost : std::pair(x.first, x.second) < std::pair(y.first, y.second);
    });
    const auto move = [&](std::size_t k, int times) {
      auto& byte = next[static_cast<std::size_t>(steps[k].value)];
      byte = static_cast<std::int16_t>(byte + times * steps[k].direction);
    };
    for (const Choice& choice : choices) {
      move(choice.first, 1);
      if (choice.second != single) move(choice.second, 1);
      if (looked_.insert(key_of(next)).second) return true;
      move(choice.first, -1);
      if (choice.second != single) move(choice.second, -1);
    }
    return false;
  }

  // By slopes: near enough that a few single steps more may reach the boundary.
  bool near_on_grid() {
    constexpr int tries = 8;
    for (int attempt = 0; attempt < tries && !spent(); ++attempt) {
      std::vector<GridStep> steps = grid_steps();
      if (steps.empty()) return fail(Ending::no_slope);
      const double largest = std::max(std::abs(steps.front().effect), std::abs(steps.back().effect));
      if (std::abs(margin_) <= largest && !overtaken()) return true;
      if (overtaken()) {
        rival_ = seen_label_;
      } else if (!step_by(-margin_, steps, Bytes16(bytes_))) {
        return true;
      }
      if (!look_with_slope(0)) return false;
    }
    return true;
  }

  // A step whose effect at the base was measured.
  struct MeasuredStep {
    double effect;
    GridStep step;
    int row, column;
  };

  // Steps far apart enough do not change each other's effects.
  [[nodiscard]] static bool apart(const MeasuredStep& a, const MeasuredStep& b) {
    constexpr int reach = 8;
    return std::abs(a.row - b.row) > reach || std::abs(a.column - b.column) > reach;
  }

  struct Combination {
    double miss;  // of the shift that is wanted
    std::vector<std::size_t> steps;
  };

  // Sets of up to three steps that should move the margin by `shift`, the best first.
  [[nodiscard]] std::vector<Combination> combinations(double shift, const std::vector<MeasuredStep>& measured) const {
    constexpr std::size_t wanted = 48;
    std::vector<std::size_t> order(measured.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return measured[a].effect != measured[b].effect ? measured[a].effect < measured[b].effect : a < b;
    });
    const auto from = [&](double effect) {
      return std::lower_bound(order.begin(), order.end(), effect,
                              [&](std::size_t k, double e) { return measured[k].effect < e; });
    };
    std::vector<Combination> found;
    for (double tolerance = noise_ / 2; found.size() < wanted && tolerance <= 1024 * noise_; tolerance *= 2) {
      found.clear();
      const auto complete = [&](std::vector<std::size_t> chosen, double sum) {
        const double rest = shift - sum;
        for (auto at = from(rest - tolerance); at != order.end() && measured[*at].effect <= rest + tolerance; ++at) {
          const std::size_t k = *at;
          if (!chosen.empty() && k <= chosen.back()) continue;
          if (!std::all_of(chosen.begin(), chosen.end(),
                           [&](std::size_t c) { return apart(measured[c], measured[k]); }))
            continue;
          chosen.push_back(k);
          found.push_back({std::abs(rest - measured[k].effect), chosen});
          chosen.pop_back();
        }
      };
      complete({}, 0);
      for (std::size_t i = 0; i < measured.size(); ++i) {
        complete({i}, measured[i].effect);
        for (std::size_t j = i + 1; j < measured.size(); ++j)
          if (apart(measured[i], measured[j])) complete({i, j}, measured[i].effect + measured[j].effect);
      }
    }
    // Few steps interfere less than many.
    std::sort(found.begin(), found.end(), [](const Combination& a, const Combination& b) {
      return a.steps.size() != b.steps.size() ? a.steps.size() < b.steps.size()
             : a.miss != b.miss               ? a.miss < b.miss
                                              : a.steps < b.steps;
    });
    if (found.size() > wanted) found.resize(wanted);
    return found;
  }

  // Asks all machines if rounding may part them here; moves `aimed` to where zero should lie. True on success.
  bool try_here(double& aimed) {
    if (std::abs(margin_ - aimed) > noise_ || overtaken() || !visited_.insert(key_of(bytes_)).second) return false;
    if (ask_all()) return true;
    aimed = std::clamp(margin_ + shift_, -4 * noise_, 4 * noise_);
    return false;
  }

  bool search_grid() {
    constexpr std::size_t measured_at_once = 56;
    constexpr int tries_of_a_base = 64;
    constexpr int misses_in_a_row = 16;
    to_grid();
    if (!look_with_slope(0)) return false;
    double aimed = 0;  // where the local machine's margin should come to lie
    while (!spent()) {
      if (!near_on_grid()) return false;
      const Bytes16 base = bytes_;
      const double base_margin = margin_;
      if (try_here(aimed)) return true;

      std::vector<MeasuredStep> measured;
      std::vector<GridStep> steps = grid_steps();
      for (std::size_t k = 0; k < steps.size() && measured.size() < measured_at_once && !spent(); ++k) {
        std::swap(steps[k], steps[k + draws_.below(steps.size() - k)]);
        const GridStep& step = steps[k];
        const auto value = static_cast<std::size_t>(step.value);
        const int plane = options_.height * options_.width, place = step.value % plane;
        bytes_ = base;
        bytes_[value] = static_cast<std::int16_t>(bytes_[value] + step.direction);
        show_bytes();
        look(aimed);
        if (overtaken()) continue;
        measured.push_back({margin_ - base_margin, step, place / options_.width, place % options_.width});
        if (try_here(aimed)) return true;
      }

      Bytes16 nearest = base;
      double nearest_margin = base_margin;
      int misses = 0;
      for (int tries = 0; tries < tries_of_a_base && misses < misses_in_a_row && !spent();) {
        const double wanted = aimed;
        bool tried = false;
        for (const Combination& combination : combinations(wanted - base_margin, measured)) {
          if (tries == tries_of_a_base || misses == misses_in_a_row || spent() || aimed != wanted) break;
          bytes_ = base;
          for (const std::size_t k : combination.steps) {
            auto& byte = bytes_[static_cast<std::size_t>(measured[k].step.value)];
            byte = static_cast<std::int16_t>(byte + measured[k].step.direction);
          }
          if (!looked_.insert(key_of(bytes_)).second) continue;
          show_bytes();
          look(aimed);
          tried = true;
          ++tries;
          ++misses;
          if (std::abs(margin_ - aimed) <= noise_) misses = 0;
          if (std::abs(margin_ - aimed) < std::abs(nearest_margin - aimed)) {
            nearest = bytes_;
            nearest_margin = margin_;
          }
          if (try_here(aimed)) return true;
        }
        if (!tried) break;
      }
      // On to another base: the best place of this one, and what steps do there.
      bytes_ = nearest;
      show_bytes();
      if (!look_with_slope(aimed)) return false;
    }
    return fail(Ending::evaluation_limit);
  }

  Machines machines_;
  const SearchOptions& options_;
  const Point& start_;
  Stream draws_;
  Point point_;
  Attempt& attempt_;
  int rival_ = -1;
  Point slope_;  // of the margin
  double slope_square_ = 0;
  double margin_ = 0;  // the local machine's, at the point
  double noise_ = 0;
  int seen_label_ = -1;
  double shift_ = 0;
  bool has_gap_ = false;
  double wandered_ = 1e-6;
  Bytes16 bytes_;
  std::unordered_set<Identity> visited_;  // places of the grid that all machines were asked about
  std::unordered_set<Identity> looked_;   // or one was
};

}  // namespace

void search_nearest(Oracle& oracle, const Point& start, const SearchOptions& options, const Stream& draws,
                    Attempt& attempt) {
  NearestSearch(oracle, start, options, draws, attempt).run();
}

}  // namespace telltale::forensics
