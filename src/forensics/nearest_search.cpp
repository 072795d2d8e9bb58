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
// On the 8-bit grid, steps of 1/255 take the place of 2 and 3 (grid_search.cpp).
#include "forensics/walker.h"

namespace telltale::forensics {

void search_nearest(Oracle& oracle, const Point& start, const SearchOptions& options, const Stream& draws,
                    Attempt& attempt) {
  Walker walker(oracle, start, options, draws, attempt);
  if (walker.choose_rival() && walker.approach()) {
    if (options.eight_bit)
      search_grid(walker);
    else
      search_floats(walker);
  }
  walker.finish();
}

}  // namespace telltale::forensics
