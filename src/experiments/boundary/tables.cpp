#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/statistics.h"
#include "experiments/boundary/boundary.h"
#include "forensics/identifying_sets.h"
#include "models/network_spec.h"
#include "study/axis.h"

namespace telltale::experiments {
namespace {

using boundary::Setup;
using study::Axis;
using study::counted_axis;
using study::done;
using study::missing;
using study::texts;
using study::variable;

constexpr double certainty = 0.99;  // of having found a sample for the rarest machine (Sec. 3, "Success")
constexpr double quantiles[] = {0, 0.25, 0.5, 0.75, 1};
const char* const not_applicable = "not applicable";

// --- attempts as they were ---

struct Attempt {
  const Outcome* outcome = nullptr;  // of a search that is done
  bool applies = true;
  bool verified = false;

  [[nodiscard]] std::int64_t number(const char* name) const {
    return outcome == nullptr ? -1 : outcome->values.at(name).as<std::int64_t>().front();
  }
  [[nodiscard]] bool found() const {
    return outcome != nullptr && number("ending") == static_cast<std::int64_t>(forensics::Ending::success);
  }
  [[nodiscard]] bool counts() const { return found() && verified; }
  [[nodiscard]] double psnr() const {
    return found() ? forensics::psnr(outcome->values.at("squared_error").as<double>().front()) : missing;
  }
  [[nodiscard]] std::string status() const {
    if (!applies) return not_applicable;
    if (outcome == nullptr) return "";
    return forensics::name_of(static_cast<forensics::Ending>(number("ending")));
  }
};

std::vector<Attempt> attempts_of(const Setup& setup, const Plan& plan, const OutcomeLookup& outcome) {
  const Stage &searches = plan.stage("search"), &replays = plan.stage("replay");
  std::vector<Attempt> attempts;
  for (const auto& task : searches.tasks) {
    Attempt attempt;
    attempt.applies = task.has_value();
    attempt.outcome = done(outcome, task);
    attempts.push_back(attempt);
  }
  // Every replay of a block, on every environment that was asked, must have repeated it.
  const auto images = static_cast<std::size_t>(setup.images());
  const auto blocks = static_cast<std::size_t>(setup.blocks());
  const std::size_t environments = replays.grid.axes().back().values.size();
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    const std::size_t row = i / images, image = i % images;
    const std::size_t block = row * blocks + image / boundary::replayed_at_once;
    const std::size_t place = image % boundary::replayed_at_once;
    attempts[i].verified = attempts[i].found();
    for (std::size_t e = 0; e < environments; ++e) {
      const auto& task = replays.tasks[block * environments + e];
      if (!task || !attempts[i].verified) continue;
      const Outcome* one = done(outcome, task);
      attempts[i].verified = one != nullptr && one->values.at("repeats").as<std::int32_t>()[place] == 1;
    }
  }
  return attempts;
}

// --- variables ---

template <typename T>
std::vector<T> with(std::vector<T> list, std::initializer_list<T> more) {
  list.insert(list.end(), more);
  return list;
}

// Values copied bit for bit, or `fill` where there are none.
template <typename T>
void append(std::vector<T>& all, const Attempt& attempt, const char* name, std::size_t count, T fill) {
  if (!attempt.found()) {
    all.insert(all.end(), count, fill);
    return;
  }
  const auto values = attempt.outcome->values.at(name).as<T>();
  all.insert(all.end(), values.begin(), values.end());
}

// What every machine answered, at the machines' places.
template <typename T>
void append_answers(std::vector<T>& all, const Attempt& attempt, const char* name, std::size_t machines,
                    std::size_t each, T fill) {
  const std::size_t first = all.size();
  all.insert(all.end(), machines * each, fill);
  if (!attempt.found()) return;
  const auto asked = attempt.outcome->values.at("asked").as<std::int32_t>();
  const auto values = attempt.outcome->values.at(name).as<T>();
  for (std::size_t i = 0; i < asked.size(); ++i)
    for (std::size_t k = 0; k < each; ++k)
      all[first + static_cast<std::size_t>(asked[i]) * each + k] = values[i * each + k];
}

store::Group attempts_group(const StudyInputs& inputs, const Setup& setup, const Plan& plan,
                            const std::vector<Attempt>& attempts, const OutcomeLookup& outcome) {
  store::Group group;
  group.name = "boundary";
  const data::ImageShape& shape = inputs.data->shape();
  std::vector<std::string> environments;
  for (const boundary::Machine& machine : setup.machines)
    for (const int e : machine.environments)
      environments.push_back(inputs.environments.list[static_cast<std::size_t>(e)].name);
  std::string model;
  if (const Outcome* trained = done(outcome, plan.stage("train").tasks.front()))
    model = Identity::from_bytes(trained->values.at("model_sha256").as<std::uint8_t>()).hex();
  group.attributes = {
      {"description", "every attempt to make a boundary sample, from one test image each (Schloegl et al. 2021)"},
      {"network", setup.network.to_json().dump()},
      {"model", model},
      {"search_batch", std::int64_t{inputs.job.integer("search-batch")}},
      {"local_machine", setup.machines[static_cast<std::size_t>(setup.local)].name},
      {"environments", environments}};
  const Grid& grid = plan.stage("search").grid;
  grid.declare(group);
  const auto classes = static_cast<std::int64_t>(setup.network.classes);
  const auto machines = static_cast<std::int64_t>(setup.machines.size());
  Grid({setup.machine_axis(), counted_axis("class", classes), counted_axis("channel", shape.channels),
        counted_axis("row", shape.height), counted_axis("column", shape.width)})
      .declare(group);
  const auto dimensions = grid.dimensions();
  const auto extents = grid.shape();

  std::vector<std::string> status, identified;
  std::vector<std::int32_t> verified;
  std::vector<double> psnr, squared_error;
  std::vector<float> samples, logits;
  std::vector<std::int32_t> labels;
  const auto pixels = static_cast<std::size_t>(shape.pixels());
  for (const Attempt& attempt : attempts) {
    status.push_back(attempt.status());
    identified.push_back(
        attempt.found() ? setup.machines.at(static_cast<std::size_t>(attempt.number("identified"))).name : "");
    verified.push_back(attempt.verified);
    psnr.push_back(attempt.psnr());
    squared_error.push_back(
        attempt.outcome == nullptr ? missing : attempt.outcome->values.at("squared_error").as<double>().front());
    append<float>(samples, attempt, "sample", pixels, std::numeric_limits<float>::quiet_NaN());
    append_answers<std::int32_t>(labels, attempt, "labels", setup.machines.size(), 1, -1);
    append_answers<float>(logits, attempt, "logits", setup.machines.size(), static_cast<std::size_t>(classes),
                          std::numeric_limits<float>::quiet_NaN());
  }
  auto& variables = group.variables;
  variables.push_back(texts("status", dimensions, status, "success, or why the attempt failed; empty while missing"));
  variables.push_back(variable("verified", dimensions, extents, verified,
                               "1: a process of its own on every environment repeated every logit bit for bit"));
  variables.push_back(texts("identified", dimensions, identified, "the machine whose label differs from all others"));
  for (const auto& [name, help] :
       {std::pair("true_label", "the test image's class"),
        std::pair("start_label", "what the local machine calls the image"),
        std::pair("identifying_label", "the identified machine's label; -1: none"),
        std::pair("contrast_label", "the other machines' label; -1: none"),
        std::pair("local_steps", "steps on the local machine alone"),
        std::pair("remote_steps", "steps that asked all machines"),
        std::pair("evaluations",
                  "forward and backward passes of one image on one machine, each counted; replays apart")}) {
    std::vector<std::int64_t> values;
    for (const Attempt& attempt : attempts) values.push_back(attempt.number(name));
    variables.push_back(variable(name, dimensions, extents, values, std::string(help) + "; -1 while missing"));
  }
  variables.push_back(
      variable("psnr", dimensions, extents, psnr, "peak signal-to-noise ratio, sample against image", "dB"));
  variables.push_back(variable("squared_error", dimensions, extents, squared_error,
                               "mean squared difference of the last point from the image, on [0,1] values"));
  variables.push_back(variable("label", with<std::string>(dimensions, {"machine"}), with(extents, {machines}), labels,
                               "what each machine calls the sample; -1: not asked, or no sample"));
  variables.push_back(variable("logits", with<std::string>(dimensions, {"machine", "class"}),
                               with(extents, {machines, classes}), logits, "each machine's logits, bit for bit"));
  variables.push_back(variable("sample", with<std::string>(dimensions, {"channel", "row", "column"}),
                               with<std::int64_t>(extents, {shape.channels, shape.height, shape.width}), samples,
                               "the boundary sample, bit for bit"));
  const data::Split& test = inputs.data->test();
  const ByteSpan originals = test.images.subspan(static_cast<std::size_t>(inputs.job.integer("first-image")) * pixels,
                                                 static_cast<std::size_t>(setup.images()) * pixels);
  variables.push_back(variable("original", {"image", "channel", "row", "column"},
                               {setup.images(), shape.channels, shape.height, shape.width},
                               std::vector<std::uint8_t>(originals.begin(), originals.end()),
                               "the test image, 0 to 255: its values are these divided by 255"));
  return group;
}

// --- what they come to ---

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

store::Group summary_group(const Setup& setup, const Grid& cases, const std::vector<Attempt>& attempts) {
  store::Group group;
  group.name = "summary";
  group.attributes = {{"description", "what the attempts of each setting come to; only verified samples count"}};
  const Grid grid = cases * setup.searches;
  grid.declare(group);
  Axis ending{"ending", "ending", "how an attempt ended", ValueType::text, {}};
  for (int e = 0; e <= static_cast<int>(forensics::Ending::below_floor); ++e)
    ending.values.push_back(forensics::name_of(static_cast<forensics::Ending>(e)));
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
      if (attempt.outcome == nullptr) continue;
      ++tries;
      ++by_ending[static_cast<std::size_t>(attempt.number("ending"))];
      if (!attempt.counts()) continue;
      ++successes;
      append_answers<std::int32_t>(answers.emplace_back(), attempt, "labels", setup.machines.size(), 1, -1);
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
  variables.push_back(variable("attempts", dimensions, extents, tried, "searches that came to an end"));
  variables.push_back(variable("successes", dimensions, extents, counted, "of them, with a verified sample"));
  variables.push_back(variable("success_share", dimensions, extents, share, "successes of the attempts (Table 2)"));
  variables.push_back(variable("endings", with<std::string>(dimensions, {"ending"}),
                               with<std::int64_t>(extents, {static_cast<std::int64_t>(ending.values.size())}), endings,
                               "attempts by how they ended, before verification"));
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
        if (!attempt.counts()) continue;
        auto& sample = samples.emplace_back();
        sample.image = study::parse_integer(setup.image.values[i]);
        sample.psnr = attempt.psnr();
        append_answers<std::int32_t>(sample.labels, attempt, "labels", machines, 1, -1);
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

// Every step of every attempt, one after the other.
store::Group steps_group(const std::vector<Attempt>& attempts) {
  std::vector<std::int64_t> attempt_of;
  std::vector<std::int32_t> remote, machine, label;
  std::vector<double> delta, scale;
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    if (attempts[i].outcome == nullptr || !attempts[i].outcome->values.contains("step_delta")) continue;
    const auto& values = attempts[i].outcome->values;
    const auto take = [&]<typename T>(std::vector<T>& all, const char* name) {
      const auto some = values.at(name).as<T>();
      all.insert(all.end(), some.begin(), some.end());
    };
    take(remote, "step_remote");
    take(machine, "step_machine");
    take(label, "step_label");
    take(delta, "step_delta");
    take(scale, "step_scale");
    attempt_of.resize(delta.size(), static_cast<std::int64_t>(i));
  }
  store::Group group;
  group.name = "steps";
  group.attributes = {{"description", "every step of every attempt, in the order of the attempts"}};
  const auto count = static_cast<std::int64_t>(attempt_of.size());
  group.dimensions = {{"step", count}};
  group.variables = {
      variable("attempt", {"step"}, {count}, attempt_of, "position of the attempt in the group boundary, row-major"),
      variable("remote", {"step"}, {count}, remote, "1: all machines were asked"),
      variable("machine", {"step"}, {count}, machine, "index of the machine whose slope was followed; -1: none"),
      variable("label", {"step"}, {count}, label, "its label"),
      variable("delta", {"step"}, {count}, delta,
               "the two largest confidences' difference (paper, code); the margin in logits (telltale)"),
      variable("scale", {"step"}, {count}, scale,
               "what multiplied alpha (paper, code); the shift of the margin that was aimed at (telltale)")};
  return group;
}

}  // namespace

std::vector<store::Group> Boundary::tabulate(const StudyInputs& inputs, const Plan& plan,
                                             const OutcomeLookup& outcome) const {
  const Setup setup = boundary::setup_of(inputs);
  const Stage& train = plan.stage("train");
  const std::vector<Attempt> attempts = attempts_of(setup, plan, outcome);
  std::vector<store::Group> groups{
      clean_train_group("the networks whose boundaries are searched", train, inputs.job, outcome),
      attempts_group(inputs, setup, plan, attempts, outcome), summary_group(setup, train.grid, attempts),
      sets_group(setup, train.grid, attempts)};
  if (inputs.job.flag("steps")) groups.push_back(steps_group(attempts));
  return groups;
}

}  // namespace telltale::experiments
