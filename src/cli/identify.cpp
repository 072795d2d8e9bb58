#include <algorithm>
#include <cstdio>
#include <iostream>

#include "cli/options.h"
#include "core/json.h"
#include "experiments/boundary/samples.h"
#include "forensics/identification.h"
#include "study/answers.h"
#include "study/results.h"
#include "study/table.h"

namespace telltale::cli {
namespace {

using forensics::Belief;
using forensics::Finding;
using forensics::Identification;

// "0.9998"; near its ends "1 - 3e-08", "3e-08".
std::string probability_text(const Belief& belief) {
  char text[32];
  if (belief.doubt == 0 || belief.posterior == 0)
    std::snprintf(text, sizeof text, "%d", belief.doubt == 0);
  else if (belief.doubt < 5e-5)
    std::snprintf(text, sizeof text, "1 - %.1g", belief.doubt);
  else
    std::snprintf(text, sizeof text, belief.posterior < 5e-5 ? "%.1g" : "%.4f", belief.posterior);
  return text;
}

std::string listed(const std::vector<std::string>& words, const std::string& last) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i)
    text += (i == 0 ? "" : i + 1 == words.size() ? " " + last + " " : ", ") + words[i];
  return text;
}

std::vector<std::string> names_of(const std::vector<std::size_t>& machines, const experiments::BoundarySamples& all) {
  std::vector<std::string> names;
  for (const std::size_t machine : machines) names.push_back(all.machines[machine]);
  return names;
}

std::string matches_text(const Belief& belief) {
  return std::to_string(belief.matches) + " of " + std::to_string(belief.compared);
}

std::string plural(std::size_t count, const std::string& word) {
  return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

std::string verdict_line(const Identification& found, const experiments::BoundarySamples& all) {
  if (found.answers == 0) return "undecided: no sample has an answer";
  const bool single = found.nearest.size() == 1;
  const std::string nearest = listed(names_of(found.nearest, all), "or");
  const std::string fit = matches_text(found.fit) + " answers";
  switch (found.verdict) {
    case Finding::known:
      return nearest + ", with confidence " + probability_text(found.fit) + ": " + fit + " are " +
             (single ? "its own" : "theirs, and do not tell them apart");
    case Finding::unknown:
      return "unknown, with confidence " + probability_text(found.unknown) + ": no known machine fits; nearest is " +
             nearest + ", with " + fit;
    case Finding::undecided: break;
  }
  return "undecided: nearest is " + nearest + ", with " + fit + " and posterior " + probability_text(found.fit) +
         "; an unknown machine has " + probability_text(found.unknown);
}

std::vector<std::string> reservations(const Identification& found, const experiments::BoundarySamples& all,
                                      const study::Answers& answers) {
  std::vector<std::string> notes;
  if (answers.missing > 0) notes.push_back(plural(answers.missing, "sample") + " listed without an answer");
  if (!found.neither.empty()) {
    std::vector<std::string> numbers;
    for (const std::size_t sample : found.neither) {
      if (numbers.size() == 10) break;
      numbers.push_back(std::to_string(sample));
    }
    if (found.neither.size() > numbers.size())
      numbers.push_back(std::to_string(found.neither.size() - numbers.size()) + " more");
    notes.push_back("labels that no known machine gives, for " +
                    std::string(numbers.size() == 1 ? "sample " : "samples ") + listed(numbers, "and") +
                    ": a wrong model, a wrong preprocessing, or an unknown machine");
  }
  for (const auto& set : found.alike)
    notes.push_back("not told apart by the samples that were answered: " + listed(names_of(set, all), "and"));
  if (found.more_answers > 0 && found.verdict != Finding::unknown)
    notes.push_back(plural(found.more_answers, "more answer") + " of " +
                    (found.nearest.size() == 1 ? all.machines[found.nearest.front()] : std::string("one machine")) +
                    (found.more_answers == 1 ? ", to a sample that identifies it, would decide"
                                             : ", to samples that identify it, would decide"));
  return notes;
}

std::string as_text(const Identification& found, const experiments::BoundarySamples& all,
                    const study::Answers& answers) {
  std::vector<std::size_t> order(all.machines.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return found.machines[a].posterior > found.machines[b].posterior;
  });
  study::Table table{std::to_string(found.answers) + " of " + plural(all.samples.size(), "sample") + " answered",
                     {"machine", "its answers", "posterior"},
                     {},
                     reservations(found, all, answers)};
  for (const std::size_t machine : order)
    table.rows.push_back(
        {all.machines[machine], matches_text(found.machines[machine]), probability_text(found.machines[machine])});
  table.rows.push_back({"(unknown)", "", probability_text(found.unknown)});
  return verdict_line(found, all) + "\n\n" + study::render({table}, study::TableFormat::text);
}

Json as_json(const Identification& found, const experiments::BoundarySamples& all, const study::Answers& answers,
             const forensics::Decision& decision) {
  const auto names = [&](const std::vector<std::size_t>& machines) { return Json(names_of(machines, all)); };
  Json machines = Json::array(), alike = Json::array();
  for (std::size_t m = 0; m < all.machines.size(); ++m)
    machines.push_back({{"machine", all.machines[m]},
                        {"matches", found.machines[m].matches},
                        {"compared", found.machines[m].compared},
                        {"posterior", found.machines[m].posterior},
                        {"doubt", found.machines[m].doubt}});
  for (const auto& set : found.alike) alike.push_back(names(set));
  return {{"verdict", found.verdict == Finding::known     ? "known"
                      : found.verdict == Finding::unknown ? "unknown"
                                                          : "undecided"},
          {"nearest", names(found.nearest)},
          {"posterior", found.fit.posterior},
          {"doubt", found.fit.doubt},
          {"unknown_posterior", found.unknown.posterior},
          {"machines", std::move(machines)},
          {"answers", found.answers},
          {"missing", answers.missing},
          {"neither", found.neither},
          {"alike", std::move(alike)},
          {"more_answers", found.more_answers},
          {"samples", all.samples.size()},
          {"model", all.model},
          {"confidence_required", decision.confidence},
          {"error_rate", decision.error_rate}};
}

}  // namespace

int run_identify(const Arguments& arguments, char**) {
  const Shape shape{"identify",
                    "RESULTS.h5",
                    true,
                    {{"where",
                      "only samples of the network that these cases have: DIMENSION=LABEL,...; needed where a study "
                      "has several, as for the export"},
                     {"confidence", "posterior that a verdict needs [number, above 0.5, below 1; default 0.99]"},
                     {"error-rate",
                      "share of a machine's answers that are not its own [number, above 0, below 0.5; "
                      "default 0.01]"},
                     {"unknown-prior",
                      "probability before any answer that it is no known machine [number, 0 to below 1; "
                      "default 1 / (known machines + 1)]"},
                     {"json", "the same as JSON", false}},
                    false,
                    "ANSWERS.csv"};
  const Options options = parse(arguments, shape);
  if (options.help) {
    std::cout
        << help_text(shape)
        << "ANSWERS.csv has lines `sample,label`; telltale export writes the form. docs/identify.md says what is\n"
           "assumed. Exit codes: 0 one machine was identified; 1 unknown, undecided, or several that the answers\n"
           "do not tell apart; 2 unusable input.\n";
    return all_done;
  }
  forensics::Decision decision;
  decision.confidence = options.number("confidence", decision.confidence);
  decision.error_rate = options.number("error-rate", decision.error_rate);
  if (options.value("unknown-prior")) decision.unknown_prior = options.number("unknown-prior", 0);

  const experiments::BoundarySamples all =
      experiments::read_samples(study::open_results({options.argument}), options.value("where").value_or(""));
  const study::Answers answers =
      study::read_answers(options.second_argument, all.samples.size(), all.classes, all.identity());
  const Identification found = forensics::identify(all.labels(), answers.labels, decision);
  if (options.value("json"))
    std::cout << as_json(found, all, answers, decision).dump(2) << "\n";
  else
    std::cout << as_text(found, all, answers);
  return found.verdict == Finding::known && found.nearest.size() == 1 ? all_done : some_failed;
}

}  // namespace telltale::cli
