#include <cmath>

#include "core/statistics.h"
#include "experiments/boundary/attempts.h"
#include "forensics/identifying_sets.h"
#include "study/axis.h"

namespace telltale::experiments::boundary {
namespace {

using study::Axis;
using study::counted_axis;
using study::missing;
using study::variable;

constexpr double certainty = 0.99;  // of having found a sample for the rarest machine (Sec. 3, "Success")
constexpr double quantiles[] = {0, 0.25, 0.5, 0.75, 1};

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return values.empty() ? missing : sum / static_cast<double>(values.size());
}

// The least number of attempts of which at least one succeeds with the wanted certainty.
double attempts_for(double share) {
  const auto trials = share > 0 ? trials_for(share, certainty) : std::nullopt;
  return trials ? static_cast<double>(*trials) : missing;
}

}  // namespace

store::Group summary_group(const Setup& setup, const Grid& cases, const std::vector<Attempt>& attempts) {
  store::Group group;
  group.name = "summary";
  group.attributes = {{"description", "what the attempts of each setting come to; only verified samples count"}};
  const Grid grid = cases * setup.searches;
  grid.declare(group);
  Axis ending{"ending", "ending", "how an attempt ended", ValueType::text, {}};
  for (int e = 0; e <= static_cast<int>(forensics::Ending::below_floor); ++e)
    ending.values.emplace_back(forensics::name_of(static_cast<forensics::Ending>(e)));
  ending.values.emplace_back(failed_task);
  Axis quantile_axis{"quantile",
                     "quantile",
                     "share of the successes at or below",
                     ValueType::number,
                     {"0", "0.25", "0.5", "0.75", "1"}};
  const std::int64_t classes = setup.network.classes;
  Axis contrast = counted_axis("class_2", classes);
  contrast.help = "contrast label";
  Grid({setup.machine_axis(), ending, quantile_axis, counted_axis("class", classes), contrast}).declare(group);
  const auto dimensions = grid.dimensions();
  const auto extents = grid.shape();
  const auto machines = static_cast<std::int64_t>(setup.machines.size());
  const auto images = static_cast<std::size_t>(setup.images());

  std::vector<std::int64_t> tried, counted, identified, endings, labels;
  std::vector<double> share, mean_psnr, rarest, runs;
  const char* const measures[] = {"psnr", "local_steps", "remote_steps", "evaluations"};
  std::vector<std::vector<double>> spread(std::size(measures)), all_evaluations(1);
  for (std::size_t row = 0; row < grid.size(); ++row) {
    std::int64_t tries = 0, successes = 0;
    std::vector<std::vector<std::int32_t>> answers;
    std::vector<std::int64_t> by_ending(ending.values.size()), by_labels(static_cast<std::size_t>(classes * classes));
    std::vector<std::vector<double>> values(std::size(measures));
    for (std::size_t i = 0; i < images; ++i) {
      const Attempt& attempt = attempts[row * images + i];
      if (!attempt.decided()) continue;
      ++tries;
      ++(attempt.failed ? by_ending.back() : by_ending[static_cast<std::size_t>(attempt.number("ending"))]);
      if (!attempt.verified()) continue;
      ++successes;
      answers.push_back(attempt.labels(setup.machines.size()));
      ++by_labels[static_cast<std::size_t>(attempt.number("identifying_label") * classes +
                                           attempt.number("contrast_label"))];
      values[0].push_back(attempt.psnr());
      for (std::size_t m = 1; m < std::size(measures); ++m)
        values[m].push_back(static_cast<double>(attempt.number(measures[m])));
    }
    tried.push_back(tries);
    counted.push_back(successes);
    const double of_tries = tries > 0 ? static_cast<double>(successes) / static_cast<double>(tries) : missing;
    share.push_back(of_tries);
    mean_psnr.push_back(mean_of(values[0]));
    const auto [by_machine, least] = forensics::count_identified(answers, setup.machines.size());
    runs.push_back(attempts_for(least));
    rarest.push_back(attempts_for(least * of_tries));
    identified.insert(identified.end(), by_machine.begin(), by_machine.end());
    endings.insert(endings.end(), by_ending.begin(), by_ending.end());
    labels.insert(labels.end(), by_labels.begin(), by_labels.end());
    for (std::size_t m = 0; m < std::size(measures); ++m)
      for (const double q : quantiles) spread[m].push_back(quantile(values[m], q));
  }
  auto& variables = group.variables;
  variables.push_back(variable(
      "attempts", dimensions, extents, tried,
      "searches that came to an end or failed; open ones are left out, whose sample is not replayed everywhere yet"));
  variables.push_back(variable("successes", dimensions, extents, counted,
                               "of them, with a sample that every environment has repeated"));
  variables.push_back(variable("success_share", dimensions, extents, share, "successes of the attempts (Table 2)"));
  variables.push_back(variable("endings", with<std::string>(dimensions, {"ending"}),
                               with<std::int64_t>(extents, {static_cast<std::int64_t>(ending.values.size())}), endings,
                               "attempts by how their search ended, before verification; failed: its task did"));
  variables.push_back(variable("identified", with<std::string>(dimensions, {"machine"}), with(extents, {machines}),
                               identified,
                               "successes by the machine that they single out (Table 2); of two that part, both"));
  variables.push_back(variable("runs_for_99", dimensions, extents, runs,
                               "successes needed for one that singles out the rarest machine, with 99% certainty"));
  variables.push_back(
      variable("attempts_for_99", dimensions, extents, rarest, "the same in attempts, failures included"));
  variables.push_back(
      variable("psnr_mean", dimensions, extents, mean_psnr, "mean PSNR of the successes (Table 3)", "dB"));
  const char* const helps[] = {"PSNR (Table 3), in dB", "local steps (Fig. 5)", "remote steps (Fig. 5)", "evaluations"};
  for (std::size_t m = 0; m < std::size(measures); ++m)
    variables.push_back(variable(std::string(measures[m]) + "_quantiles", with<std::string>(dimensions, {"quantile"}),
                                 with<std::int64_t>(extents, {std::int64_t{std::size(quantiles)}}), spread[m],
                                 std::string(helps[m]) + " of the successes"));
  variables.push_back(variable("label_pairs", with<std::string>(dimensions, {"class", "class_2"}),
                               with(extents, {classes, classes}), labels,
                               "successes by identifying label (class) and contrast label (class_2) (Fig. 6)"));
  return group;
}

// Sets with a sample for every machine, chosen from all targets: the one of the best worst PSNR, and the fewest images.
store::Group sets_group(const Setup& setup, const Grid& cases, const std::vector<Attempt>& attempts) {
  store::Group group;
  group.name = "identifying_sets";
  group.attributes = {{"description", "fully identifying sets: a verified sample for every machine (Sec. 2 and 3)"}};
  std::vector<Axis> kept = cases.axes();
  for (const Axis& axis : setup.searches.axes())
    if (axis.dimension != "target") kept.push_back(axis);
  const Grid grid(kept);
  grid.declare(group);
  Grid({setup.machine_axis()}).declare(group);
  const auto images = static_cast<std::size_t>(setup.images());
  const std::size_t machines = setup.machines.size();

  std::vector<double> best_psnr, worst;
  std::vector<std::int64_t> best_image, fewest;
  const std::size_t grids = setup.searches.axes().back().values.size();
  const std::size_t targets = setup.searches.axes()[2].values.size();
  for (std::size_t row = 0; row < grid.size(); ++row) {
    // Rows of the searches run over case, search, versus, target, grid; here target is left out.
    const std::size_t outer = row / grids, inner = row % grids;
    std::vector<forensics::FoundSample> samples;
    for (std::size_t t = 0; t < targets; ++t)
      for (std::size_t i = 0; i < images; ++i) {
        const Attempt& attempt = attempts[((outer * targets + t) * grids + inner) * images + i];
        if (!attempt.verified()) continue;
        auto& sample = samples.emplace_back();
        sample.image = study::parse_integer(setup.image.values[i]);
        sample.psnr = attempt.psnr();
        sample.labels = attempt.labels(machines);
      }
    const forensics::IdentifyingSet best = forensics::identifying_set(samples, machines);
    fewest.push_back(best.fewest_images);
    worst.push_back(best.worst_psnr);
    best_psnr.insert(best_psnr.end(), best.psnr.begin(), best.psnr.end());
    best_image.insert(best_image.end(), best.image.begin(), best.image.end());
  }
  const auto dimensions = grid.dimensions();
  const auto extents = grid.shape();
  const auto count = static_cast<std::int64_t>(machines);
  group.variables.push_back(variable("worst_psnr", dimensions, extents, worst,
                                     "the least PSNR in the best set; missing: a machine that was asked has no sample",
                                     "dB"));
  group.variables.push_back(variable("fewest_images", dimensions, extents, fewest,
                                     "images that suffice for a set; -1: a machine that was asked has no sample"));
  group.variables.push_back(variable("psnr", with<std::string>(dimensions, {"machine"}), with(extents, {count}),
                                     best_psnr, "the best sample's for each machine", "dB"));
  group.variables.push_back(variable("image", with<std::string>(dimensions, {"machine"}), with(extents, {count}),
                                     best_image, "the test image that it was made from; -1: none"));
  return group;
}

}  // namespace telltale::experiments::boundary
