// What the searches behind search_boundary() share; nobody else includes it.
#pragma once

#include "forensics/boundary_search.h"

namespace telltale::forensics {

/// The machines as a search asks them: counts evaluations into its attempt.
class Machines {
 public:
  Machines(Oracle& oracle, Attempt& attempt, std::size_t count);

  Answer ask(int machine, Question question);
  /// All of them, the same question.
  std::vector<Answer> ask_all(const Question& question);
  /// Ends the attempt with success.
  void succeed(const Point& sample, const std::vector<Answer>& answers, const Verdict& verdict);

 private:
  Oracle& oracle_;
  Attempt& attempt_;
  std::vector<int> all_;
};

double mean_squared_error(const Point& a, const Point& b);

void search_published(Oracle& oracle, const Point& start, int label, const SearchOptions& options, Attempt& attempt);
void search_nearest(Oracle& oracle, const Point& start, const SearchOptions& options, const Stream& draws,
                    Attempt& attempt);

}  // namespace telltale::forensics
