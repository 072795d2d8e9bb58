#include "forensics/walker.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace telltale::forensics {
namespace {

constexpr int rivals_tried = 3;       // classes next to the start's whose boundaries are compared
constexpr int approach_steps = 12;    // at most
constexpr int refinements = 3;        // at most
constexpr double near_enough = 1e-2;  // of the start's margin: then steps go along the boundary
constexpr double nearer = 0.995;      // a refinement must shorten the way by more than this
constexpr int newton_steps = 12;      // without a new slope
constexpr double noise_units = 4;     // a margin of so many last bits of the largest logit may be rounding alone

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

double noise_of(const Answer& answer) {
  float most = 0;
  for (const float logit : answer.logits) most = std::max(most, std::abs(logit));
  return noise_units * static_cast<double>(std::nextafter(most, std::numeric_limits<float>::infinity()) - most);
}

double logit_of(const Answer& answer, int label) {
  return static_cast<double>(answer.logits[static_cast<std::size_t>(label)]);
}

}  // namespace

Walker::Walker(Oracle& oracle, const Point& start, const SearchOptions& options, const Stream& draws, Attempt& attempt)
    : machines_(oracle, attempt, options.microarchitectures.size()),
      options_(options),
      start_(start),
      draws_(draws.derive("draws")),
      attempt_(attempt) {
  here_.point = start;
}

bool Walker::fail(Ending ending) {
  attempt_.ending = ending;
  return false;
}

void Walker::finish() {
  if (attempt_.ending != Ending::success) attempt_.sample = here_.point;
}

// --- what the machines say ---

double Walker::margin_of(const Answer& answer) const {
  return logit_of(answer, attempt_.start_label) - logit_of(answer, here_.rival);
}

void Walker::note(bool remote, const Answer& answer, double aim) {
  if (!remote)
    ++attempt_.local_steps;
  else
    ++attempt_.remote_steps;
  if (options_.keeps_steps)
    attempt_.steps.push_back({remote, remote ? -1 : options_.local, answer.label(), margin_of(answer), aim});
}

void Walker::take(const Answer& answer) {
  here_.margin = margin_of(answer);
  here_.noise = noise_of(answer);
  here_.seen_label = answer.label();
}

bool Walker::look_with_slope(double aim) {
  const Answer answer =
      machines_.ask(options_.local, {here_.point, Slope::margin, attempt_.start_label, {here_.rival}});
  note(false, answer, aim);
  take(answer);
  here_.slope = answer.slopes.front();
  here_.slope_square = dot(here_.slope, here_.slope);
  if (here_.slope_square > 0 && std::isfinite(here_.slope_square) && std::isfinite(here_.margin)) return true;
  return fail(Ending::no_slope);
}

void Walker::look(double aim) {
  const Answer answer = machines_.ask(options_.local, {here_.point, Slope::none, 0, {}});
  note(false, answer, aim);
  take(answer);
}

bool Walker::ask_all() {
  const std::vector<Answer> answers = machines_.ask_all({here_.point, Slope::none, 0, {}});
  const Answer& local = answers[static_cast<std::size_t>(options_.local)];
  note(true, local, aim_.shift);
  std::vector<int> labels;
  std::vector<double> margins;
  for (const Answer& answer : answers) {
    labels.push_back(answer.label());
    margins.push_back(margin_of(answer));
  }
  take(local);
  if (const auto verdict = wanted_verdict(labels, options_.microarchitectures, options_.target)) {
    machines_.succeed(here_.point, answers, *verdict);
    return true;
  }
  aim_ = aim_between(margins, options_.microarchitectures, options_.target);
  return false;
}

// --- the approach ---

bool Walker::choose_rival() {
  const Answer first = machines_.ask(options_.local, {start_, Slope::none, 0, {}});
  attempt_.start_label = first.label();
  std::vector<int> classes(first.logits.size());
  std::iota(classes.begin(), classes.end(), 0);
  std::erase(classes, attempt_.start_label);
  std::stable_sort(classes.begin(), classes.end(),
                   [&](int a, int b) { return logit_of(first, a) > logit_of(first, b); });
  classes.resize(std::min<std::size_t>(classes.size(), rivals_tried));
  const Answer answer = machines_.ask(options_.local, {start_, Slope::margin, attempt_.start_label, classes});
  double nearest = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < classes.size(); ++i) {
    const double square = dot(answer.slopes[i], answer.slopes[i]);
    const double margin = logit_of(answer, attempt_.start_label) - logit_of(answer, classes[i]);
    const double distance = std::sqrt(margin * margin / square);
    if (!(distance < nearest)) continue;
    nearest = distance;
    here_.rival = classes[i];
    here_.slope = answer.slopes[i];
    here_.slope_square = square;
  }
  if (here_.rival < 0) return fail(Ending::no_slope);
  take(answer);
  note(false, answer, 0);
  return true;
}

// The point of the linearised boundary nearest to `origin`: origin + w slope, kept within [0, 1] where that is wanted.
Point Walker::nearest_on_boundary(const Point& origin) const {
  const Point& slope = here_.slope;
  const double needed = dot_difference(slope, here_.point, origin) - here_.margin;
  const bool bounded = options_.clip || options_.eight_bit;
  const auto at = [&](double w) {
    Point moved(origin.size());
    for (std::size_t i = 0; i < moved.size(); ++i) {
      const double value = static_cast<double>(origin[i]) + w * static_cast<double>(slope[i]);
      moved[i] = static_cast<float>(bounded ? std::clamp(value, 0.0, 1.0) : value);
    }
    return moved;
  };
  double w = needed / here_.slope_square;
  if (!bounded) return at(w);
  // What the bounds cut off, the other values make up for: secant steps, as the sum is piecewise linear in w.
  for (int i = 0; i < 30; ++i) {
    const Point moved = at(w);
    const double reached = dot_difference(slope, moved, origin);
    if (std::abs(needed - reached) <= 1e-6 * std::abs(needed)) return moved;
    double free = 0;
    for (std::size_t k = 0; k < moved.size(); ++k)
      if (moved[k] > 0 && moved[k] < 1) free += static_cast<double>(slope[k]) * static_cast<double>(slope[k]);
    w += (needed - reached) / (free > 0 ? free : here_.slope_square);
  }
  return at(w);
}

// Steps to the point of the linearised boundary nearest to `origin`, and looks there.
bool Walker::step_from(const Point& origin) {
  here_.point = nearest_on_boundary(origin);
  if (spent()) return fail(Ending::evaluation_limit);
  if (!look_with_slope(0)) return false;
  if (!overtaken()) return true;
  follow_overtaker();
  return look_with_slope(0);
}

// Newton steps until the margin is at most `enough`.
bool Walker::reach_boundary(double enough, int steps) {
  for (int step = 0; step < steps && std::abs(here_.margin) > enough; ++step)
    if (!step_from(Point(here_.point))) return false;
  return true;
}

bool Walker::approach() {
  const double enough = near_enough * std::abs(here_.margin);
  if (!reach_boundary(enough, approach_steps)) return false;
  for (int refinement = 0; refinement < refinements; ++refinement) {
    const Place before = here_;
    if (!step_from(start_) || !reach_boundary(enough, refinements)) return false;
    const double distance = mean_squared_error(here_.point, start_),
                 old_distance = mean_squared_error(before.point, start_);
    const bool arrived = std::abs(here_.margin) <= enough;
    if (arrived && distance < nearer * nearer * old_distance) continue;
    if (!arrived || distance >= old_distance) here_ = before;
    break;
  }
  return true;
}

// --- down to the last bits ---

float Walker::bound(double value) const {
  return static_cast<float>(options_.clip ? std::clamp(value, 0.0, 1.0) : value);
}

// Far below the last bits of most values, by whole last bits of a few.
Point Walker::shifted(double shift) const {
  Point moved = here_.point;
  for (std::size_t i = 0; i < moved.size(); ++i)
    moved[i] = bound(static_cast<double>(moved[i]) + shift / here_.slope_square * static_cast<double>(here_.slope[i]));
  return moved;
}

bool Walker::newton() {
  double before = std::numeric_limits<double>::infinity();
  for (int step = 0; step < newton_steps && !spent(); ++step) {
    if (std::abs(here_.margin) <= here_.noise && !overtaken()) return true;
    if (std::abs(here_.margin) > before / 2) {  // the slope is another one here
      if (!look_with_slope(0)) return false;
      before = std::numeric_limits<double>::infinity();
    }
    before = std::abs(here_.margin);
    const double aim = -here_.margin;
    move_to(shifted(aim));
    look(aim);
    if (overtaken()) {
      follow_overtaker();
      if (!look_with_slope(0)) return false;
      before = std::numeric_limits<double>::infinity();
    }
  }
  return std::abs(here_.margin) <= here_.noise && !overtaken();
}

}  // namespace telltale::forensics
