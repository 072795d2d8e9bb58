#include "experiments/ownership/claims.h"

#include <algorithm>
#include <cmath>

#include "core/text.h"
#include "watermark/claims.h"

namespace telltale::experiments {

using study::missing;

const std::vector<std::pair<const char*, const char*>>& null_strata() {
  static const std::vector<std::pair<const char*, const char*>> strata{
      {"same", "of the same structure, trained on the same images with weights and order of their own"},
      {"structure", "of the structure that null-network names"},
      {"data", "trained on the test images, which no case is trained on"},
      {"marked", "marked by the other schemes of the job, with secrets of their own"}};
  return strata;
}

ClaimSettings ClaimSettings::of(const study::Job& job) {
  const long long queries = job.integer("claim-queries");
  return {job.integer("decoys"), queries, watermark::claim_sizes(queries)};
}

ParameterGroup claim_keys() {
  using enum ValueType;
  std::vector<std::string> strata, meanings;
  for (const auto& [name, help] : null_strata()) {
    strata.emplace_back(name);
    meanings.push_back(std::string(name) + ": " + help);
  }
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
        .help = "how many networks that carry nothing of a key are trained for each stratum: p_model is at least "
                "1 / (null-models + 1); 0: none, and p_model is not defined",
        .most = 100000},
       {.name = "null-strata",
        .type = choice,
        .fallback = "same",
        .help = "which kinds of such networks there are, each of them a null hypothesis that a claim has to survive; " +
                joined(meanings, "; "),
        .choices = strata,
        .list = true},
       {.name = "null-network",
        .type = choice,
        .fallback = "",
        .help = "the network of null models of another structure",
        .choices = models::network_names(),
        .optional = true}}};
}

study::Axis null_stratum(const study::Job& job) {
  return study::named_axis(null_stratum_axis, "kind of null model: docs/ownership.md", job.values("null-strata"));
}

bool claims(const study::Job& job) { return job.has("decoys") && job.integer("decoys") > 0; }

ClaimGiven ClaimGiven::of(const Outcome& asked) {
  const Array& parts = asked.values.at("claim_parts");
  const auto values = parts.as<double>();
  const auto count = static_cast<std::size_t>(parts.shape.at(1));
  std::vector<std::vector<double>> rows;
  for (std::size_t first = 0; first < values.size(); first += count) {
    auto& row = rows.emplace_back();
    std::ranges::copy_if(values.subspan(first, count), std::back_inserter(row),
                         [](double v) { return !std::isnan(v); });
  }
  return {rows.front(), {rows.begin() + 1, rows.end()}};
}

double NullsGiven::p(const ClaimGiven& own, std::optional<std::size_t> size) const {
  const auto parts = [&](const ClaimGiven& given) -> const std::vector<double>& {
    return size ? given.by_size.at(*size) : given.whole;
  };
  std::vector<std::vector<double>> others;
  for (const ClaimGiven& model : models) others.push_back(parts(model));
  return watermark::rank_p(parts(own), others);
}

std::vector<NullsGiven> nulls_given(const Stage& nulls, std::size_t cases, std::size_t of_case,
                                    const OutcomeLookup& outcome) {
  std::vector<NullsGiven> all;
  const std::size_t each = nulls.grid.size() / cases;
  for (std::size_t i = 0; i < each; ++i) {
    const std::size_t point = of_case * each + i;
    const Outcome* one = study::done(outcome, nulls.tasks[point]);
    if (one == nullptr) continue;
    const std::string& stratum = nulls.grid.point(point).text(null_stratum_axis);
    if (all.empty() || all.back().stratum != stratum) all.push_back({stratum, {}});
    all.back().models.push_back(ClaimGiven::of(*one));
  }
  return all;
}

void add_claims(store::Group& group, const Stage& stage, const Grid& cases, const Stage* nulls, const study::Job& job,
                const OutcomeLookup& outcome) {
  const std::size_t points = stage.grid.size();
  const ClaimSettings settings = ClaimSettings::of(job);
  const std::size_t sizes = settings.sizes.size();
  const double decoys = watermark::rank_resolution(static_cast<std::size_t>(settings.decoys));
  const std::vector<std::string>& strata = job.values("null-strata");
  std::vector<std::int64_t> queries(points, -1), matches(points, -1);
  std::vector<double> scores(points, missing), by_key(points, missing), by_labels(points, missing),
      by_model(points, missing), by_stratum(points * strata.size(), missing), by_size(points * sizes, missing);
  std::vector<std::string> verdicts(points);
  for (std::size_t point = 0; point < points; ++point) {
    const Outcome* asked = study::done(outcome, stage.tasks[point]);
    queries[point] = study::count_of(asked, "claim_queries"), matches[point] = study::count_of(asked, "claim_matches");
    if (matches[point] < 0) continue;
    scores[point] = study::number_of(asked, "claim_score");
    std::vector<watermark::ClaimTest> tests;
    // `sized`: the same test when only the first queries are asked.
    const auto test = [&](double& of, const std::string& against, double p, double resolution, const auto& sized) {
      of = p;
      if (std::isnan(p)) return;
      tests.push_back({against, p, resolution});
      for (std::size_t s = 0; s < sizes; ++s) {
        double& most = by_size[point * sizes + s];
        if (settings.sizes[s] <= queries[point]) most = std::isnan(most) ? sized(s) : std::max(most, sized(s));
      }
    };
    const auto stored = [&](const char* name) {
      return [values = asked->values.contains(name) ? asked->values.at(name).as<double>()
                                                    : std::span<const double>()](std::size_t s) { return values[s]; };
    };
    test(by_key[point], "decoys", study::number_of(asked, "p_key"), decoys, stored("p_key_by_size"));
    test(by_labels[point], "drawn labels", study::number_of(asked, "p_labels"), 0, stored("p_labels_by_size"));
    if (nulls != nullptr) {
      const ClaimGiven own = ClaimGiven::of(*asked);
      const std::size_t of_case = stage.grid.point(point).leading(cases.axes().size());
      for (const NullsGiven& given : nulls_given(*nulls, cases.size(), of_case, outcome)) {
        const auto at =
            static_cast<std::size_t>(std::find(strata.begin(), strata.end(), given.stratum) - strata.begin());
        test(by_stratum[point * strata.size() + at], "null models: " + given.stratum, given.p(own),
             watermark::rank_resolution(given.models.size()), [&](std::size_t s) { return given.p(own, s); });
        const double p = by_stratum[point * strata.size() + at];
        by_model[point] = std::isnan(by_model[point]) ? p : std::max(by_model[point], p);
      }
    }
    verdicts[point] = watermark::name_of(watermark::judge(true, tests).verdict);
  }
  std::vector<std::string> size_labels;
  for (const std::int64_t size : settings.sizes) size_labels.push_back(std::to_string(size));
  const study::Axis size_axis{"claim_size", "claim_size", "queries that are asked: the first", ValueType::integer,
                              size_labels};
  Grid({size_axis}).declare(group);
  add_variable(group, stage.grid, "claim_queries", {}, queries,
               "key samples that the claim asks; -1 where there is none");
  add_variable(group, stage.grid, "claim_matches", {}, matches,
               "of them, answered with the claimed label; -1 where there is none");
  add_variable(group, stage.grid, "claim_score", {}, scores,
               "the claim's statistic: the matches, where all queries weigh alike; of a key that counts several things "
               "the largest of them",
               "1");
  add_variable(group, stage.grid, "p_key", {}, by_key,
               "probability of so many matches for a secret that the network does not depend on, by decoys", "1");
  add_variable(group, stage.grid, "p_labels", {}, by_labels, "the same, exactly, where labels are drawn", "1");
  add_variable(group, stage.grid, "p_model", {}, by_model,
               "probability of so many matches for a network that carries nothing of the key, by null models: of the "
               "worst stratum",
               "1");
  if (nulls != nullptr) {
    Grid({null_stratum(job)}).declare(group);
    add_variable(group, stage.grid, "p_model_by_stratum", {null_stratum_axis}, by_stratum, "the same of each stratum",
                 "1");
  }
  add_variable(group, stage.grid, "claim_p", {"claim_size"}, by_size,
               "the largest of the p-values that are defined, when only the first queries are asked: what is compared "
               "with the level",
               "1");
  group.variables.push_back(
      study::texts("verdict", stage.grid.dimensions(), verdicts,
                   "of the claim at 1%: proven, not proven, unresolved; empty where there is none"));
}

}  // namespace telltale::experiments
