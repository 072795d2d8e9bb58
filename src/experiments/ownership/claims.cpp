#include "experiments/ownership/claims.h"

#include <cmath>

#include "watermark/claims.h"

namespace telltale::experiments {

using study::missing;

ParameterGroup claim_keys() {
  using enum ValueType;
  return {
      "Claims of ownership",
      {{.name = "decoys",
        .type = integer,
        .fallback = "0",
        .help = "how many secrets of others a network is asked with beside the owner's, of the same images: p_key is "
                "at least 1 / (decoys + 1); 0: no claim is looked at",
        .most = 1e6},
       {.name = "claim-queries",
        .type = integer,
        .fallback = "100",
        .help = "most key samples that a claim asks, fixed beforehand: the first",
        .least = 1,
        .most = most_of_a_count},
       {.name = "null-models",
        .type = integer,
        .fallback = "0",
        .help = "how many more networks are trained without a watermark, with weights and order of their own: "
                "p_model is at least 1 / (null-models + 1); 0: none, and p_model is not defined",
        .most = 100000}}};
}

bool claims(const study::Job& job) { return job.has("decoys") && job.integer("decoys") > 0; }

void add_claims(store::Group& group, const Stage& stage, const Grid& cases, const Stage* nulls, const study::Job& job,
                const OutcomeLookup& outcome) {
  const std::size_t points = stage.grid.size();
  const double decoys = watermark::rank_resolution(static_cast<std::size_t>(job.integer("decoys")));
  const std::size_t models = nulls == nullptr ? 0 : nulls->grid.size() / cases.size();
  std::vector<std::int64_t> queries(points, -1), matches(points, -1);
  std::vector<double> by_key(points, missing), by_labels(points, missing), by_model(points, missing);
  std::vector<std::string> verdicts(points);
  for (std::size_t point = 0; point < points; ++point) {
    const Outcome* asked = study::done(outcome, stage.tasks[point]);
    queries[point] = study::count_of(asked, "claim_queries"), matches[point] = study::count_of(asked, "claim_matches");
    if (matches[point] < 0) continue;
    std::vector<watermark::ClaimTest> tests;
    const auto test = [&](std::vector<double>& of, const char* against, double p, double resolution) {
      of[point] = p;
      if (!std::isnan(p)) tests.push_back({against, p, resolution});
    };
    test(by_key, "decoys", study::number_of(asked, "p_key"), decoys);
    test(by_labels, "drawn labels", study::number_of(asked, "p_labels"), 0);
    std::vector<double> others;
    const std::size_t of_case = stage.grid.point(point).leading(cases.axes().size());
    for (std::size_t model = 0; model < models; ++model)
      if (const auto got =
              study::count_of(study::done(outcome, nulls->tasks[of_case * models + model]), "claim_matches");
          got >= 0)
        others.push_back(static_cast<double>(got));
    if (!others.empty())
      test(by_model, "null models", watermark::rank_p(static_cast<double>(matches[point]), others),
           watermark::rank_resolution(others.size()));
    verdicts[point] = watermark::name_of(watermark::judge(true, tests).verdict);
  }
  add_variable(group, stage.grid, "claim_queries", {}, queries,
               "key samples that the claim asks; -1 where there is none");
  add_variable(group, stage.grid, "claim_matches", {}, matches,
               "of them, answered with the claimed label; -1 where there is none");
  add_variable(group, stage.grid, "p_key", {}, by_key,
               "probability of so many matches for a secret that the network does not depend on, by decoys", "1");
  add_variable(group, stage.grid, "p_labels", {}, by_labels, "the same, exactly, where labels are drawn", "1");
  add_variable(group, stage.grid, "p_model", {}, by_model,
               "probability of so many matches for a network that was trained without the watermark, by null models",
               "1");
  group.variables.push_back(
      study::texts("verdict", stage.grid.dimensions(), verdicts,
                   "of the claim at 1%: proven, not proven, unresolved; empty where there is none"));
}

}  // namespace telltale::experiments
