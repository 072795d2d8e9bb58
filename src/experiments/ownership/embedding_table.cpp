// Watermarks embedded into finished networks beside those that were trained on from the start.
#include <algorithm>
#include <cmath>
#include <set>

#include "experiments/ownership/ownership.h"
#include "study/cells.h"
#include "watermark/verification.h"

namespace telltale::experiments {
namespace {

using study::Cells;
using Settings = std::vector<std::string>;

// The labels of a row: all settings but those that are pooled. Those of a case: all but how it was embedded.
const std::vector<std::string> pooled_settings{"alpha", "beta", "share", "embed", "repeat"};
constexpr double near = 0.01;

// One measure of one case, by how it was embedded; a value a repeat.
struct Pair {
  std::vector<double> joint, tune;

  [[nodiscard]] bool measured() const { return joint.size() > 1 && tune.size() > 1; }
  [[nodiscard]] double difference() const { return study::mean(tune) - study::mean(joint); }
  // Their 95% intervals touch.
  [[nodiscard]] bool agrees() const {
    const auto of_joint = watermark::summarise(joint).interval, of_tune = watermark::summarise(tune).interval;
    return of_joint.low <= of_tune.high && of_tune.low <= of_joint.high;
  }
};

std::map<Settings, Pair> pairs_of(const Cells& cells, const std::vector<std::string>& settings) {
  std::vector<std::string> with_way = settings;
  with_way.emplace_back("embed");
  std::map<Settings, Pair> pairs;
  for (const auto& [labels, values] : study::gather_repeats(cells, with_way).values) {
    const Settings of_case(labels.begin(), labels.end() - 1);
    (labels.back() == "joint" ? pairs[of_case].joint : pairs[of_case].tune) = values;
  }
  return pairs;
}

// Of the cases of one row.
struct Agreement {
  std::size_t cases = 0, accuracy = 0, keys = 0, both = 0, close = 0;
  double furthest = 0;
  std::string furthest_case;
};

std::string share(std::size_t part, std::size_t whole) { return std::to_string(part) + " of " + std::to_string(whole); }

// The tasks of trainings: a model that several cases share counts once.
using Trainings = std::set<std::string>;

double seconds_of(const Trainings& trainings, const std::map<std::string, double>& of_task) {
  double sum = 0;
  for (const std::string& task : trainings) {
    const auto found = of_task.find(task);
    sum += found == of_task.end() ? std::nan("") : found->second;
  }
  return sum;
}

}  // namespace

std::optional<study::Table> embedding_table(const store::Group& root) {
  const store::Group* train = root.child("train");
  if (train == nullptr || train->find_dimension("embed") == nullptr || train->find_dimension("embed")->size < 2)
    return std::nullopt;
  const Cells accuracy(*train, "accuracy");
  const bool has_new_keys = train->find_variable("key_accuracy") != nullptr;
  const Cells keys(*train, has_new_keys ? "key_accuracy" : "key_accuracy_trained");
  const std::vector<std::string> settings = study::without(accuracy.dimensions(), {"embed", "repeat"});
  const std::vector<std::string> shown = study::without(settings, pooled_settings);
  // Marked networks of all schemes go on from one clean network.
  const std::vector<std::string> of_clean = study::without(shown, {"scheme"});
  const auto picked = [](const std::map<std::string, std::string>& labels, const std::vector<std::string>& names) {
    Settings values;
    for (const std::string& name : names) values.push_back(labels.at(name));
    return values;
  };

  struct Row {
    Settings labels, clean;
    Trainings joint, tune;
  };
  std::vector<Row> rows;
  std::map<Settings, Trainings> clean;
  const auto& tasks = train->find_variable("model_task")->strings();
  for (std::size_t cell = 0; cell < accuracy.size(); ++cell) {
    const auto labels = accuracy.labels(cell);
    if (!watermark::scheme_named(labels.at("scheme")).marks()) {
      clean[picked(labels, of_clean)].insert(tasks[cell]);
      continue;
    }
    const Settings of_row = picked(labels, shown);
    auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& known) { return known.labels == of_row; });
    if (row == rows.end()) row = rows.insert(row, {of_row, picked(labels, of_clean), {}, {}});
    (labels.at("embed") == "joint" ? row->joint : row->tune).insert(tasks[cell]);
  }

  std::map<Settings, Agreement> agreements;
  const auto of_accuracy = pairs_of(accuracy, settings), of_keys = pairs_of(keys, settings);
  for (const auto& [labels, pair] : of_accuracy) {
    const Pair& asked = of_keys.at(labels);
    if (!pair.measured() || !asked.measured()) continue;
    std::map<std::string, std::string> named;
    std::string text;
    for (std::size_t i = 0; i < settings.size(); ++i) {
      named[settings[i]] = labels[i];
      if (std::find(shown.begin(), shown.end(), settings[i]) == shown.end())
        text += (text.empty() ? "" : ", ") + settings[i] + " " + labels[i];
    }
    Agreement& agreement = agreements[picked(named, shown)];
    ++agreement.cases;
    agreement.accuracy += pair.agrees();
    agreement.keys += asked.agrees();
    agreement.both += pair.agrees() && asked.agrees();
    agreement.close += std::abs(pair.difference()) <= near && std::abs(asked.difference()) <= near;
    if (std::abs(asked.difference()) <= std::abs(agreement.furthest)) continue;
    agreement.furthest = asked.difference();
    agreement.furthest_case = text;
  }

  study::Table table{
      "Embedding into a finished network (tune) beside training on the key samples from the start (joint)",
      shown,
      {},
      {}};
  table.columns.insert(table.columns.end(), {"test accuracies agree", "key accuracies agree", "both",
                                             "both within a point", "keys furthest apart, points", "in the case",
                                             "joint, s", "tune, s", "clean, s", "joint / (clean + tune)"});
  const std::map<std::string, double> seconds = study::task_seconds(root);
  for (const Row& row : rows) {
    const Agreement& found = agreements[row.labels];
    const double from_start = seconds_of(row.joint, seconds), embedded = seconds_of(row.tune, seconds),
                 start = clean.contains(row.clean) ? seconds_of(clean.at(row.clean), seconds) : std::nan("");
    std::vector<std::string> cells = row.labels;
    for (const std::size_t part : {found.accuracy, found.keys, found.both, found.close})
      cells.push_back(share(part, found.cases));
    cells.push_back(study::decimals(found.cases == 0 ? std::nan("") : 100 * found.furthest, 2));
    cells.push_back(found.furthest_case.empty() ? "-" : found.furthest_case);
    for (const double time : {from_start, embedded, start}) cells.push_back(study::decimals(time, 1));
    cells.push_back(study::decimals(from_start / (start + embedded), 1));
    table.rows.push_back(std::move(cells));
  }
  table.notes = {
      "Two accuracies agree where the 95% intervals of their means over the repeats touch: that takes two repeats.",
      "Seconds of all trainings, where they ran; tune goes on from the clean network of each repeat, which is trained "
      "once."};
  return table;
}

}  // namespace telltale::experiments
