// A walk to the decision boundary with one machine, and the questions to all of them there: what the searches on floats
// and on the 8-bit grid share. Only they include it.
#pragma once

#include <vector>

#include "core/random.h"
#include "forensics/aim.h"
#include "forensics/searches.h"

namespace telltale::forensics {

/// What the local machine said of a point. The margin is logit[start's label] - logit[rival].
struct Place {
  Point point;
  Point slope;  ///< of the margin, as it was last asked for: perhaps a little way off
  double slope_square = 0;
  double margin = 0;
  double noise = 0;  ///< rounding alone may make a margin of this size
  int rival = -1;
  int seen_label = -1;
};

class Walker {
 public:
  Walker(Oracle& oracle, const Point& start, const SearchOptions& options, const Stream& draws, Attempt& attempt);

  [[nodiscard]] const SearchOptions& options() const { return options_; }
  [[nodiscard]] const Place& here() const { return here_; }
  [[nodiscard]] const Aim& aim() const { return aim_; }
  /// The one stream of the search.
  [[nodiscard]] Stream& draws() { return draws_; }

  /// Ends the attempt so; false.
  bool fail(Ending ending);
  [[nodiscard]] Ending ending() const { return attempt_.ending; }
  [[nodiscard]] bool spent() const { return attempt_.evaluations >= options_.evaluation_limit; }
  /// Leaves the last point as the attempt's sample if nothing was found.
  void finish();

  /// Goes elsewhere; nothing is known there until a look.
  void move_to(Point point) { here_.point = std::move(point); }
  /// A value as the input may have it.
  [[nodiscard]] float bound(double value) const;
  /// The point from which the margin has moved by `shift` along the slope.
  [[nodiscard]] Point shifted(double shift) const;

  /// Asks the local machine for margin and label; `aim`: the shift that led here, for the record of steps.
  void look(double aim);
  /// And for the slope. False where there is none: the attempt has failed.
  bool look_with_slope(double aim);
  /// A third class on top: the boundary that we are at is not the one we look for.
  [[nodiscard]] bool overtaken() const {
    return here_.seen_label != attempt_.start_label && here_.seen_label != here_.rival;
  }
  /// The class on top becomes the rival.
  void follow_overtaker() { here_.rival = here_.seen_label; }

  /// The rival whose linearised boundary is nearest to the start. False if there is none.
  bool choose_rival();
  /// To the boundary, and along it towards the start. False: the attempt has failed.
  bool approach();
  /// Down to where rounding decides, mostly without new slopes. False: not reached from here, or the attempt has
  /// failed.
  bool newton();

  /// Asks all machines: true if one stands alone as wanted, then the attempt has succeeded. Else aim() is renewed.
  bool ask_all();

 private:
  [[nodiscard]] double margin_of(const Answer& answer) const;
  void note(bool remote, const Answer& answer, double aim);
  void take(const Answer& answer);
  [[nodiscard]] Point nearest_on_boundary(const Point& origin) const;
  bool step_from(const Point& origin);
  bool reach_boundary(double enough, int steps);

  Machines machines_;
  const SearchOptions& options_;
  const Point& start_;
  Stream draws_;
  Attempt& attempt_;
  Place here_;
  Aim aim_;
};

/// Both go on from the end of an approach, until success or failure.
void search_floats(Walker& walker);
void search_grid(Walker& walker);

}  // namespace telltale::forensics
