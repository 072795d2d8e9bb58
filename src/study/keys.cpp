#include "study/keys.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "core/text.h"
#include "data/catalog.h"
#include "study/experiment.h"

namespace telltale::study {
namespace {

std::string normalised(std::string_view name) {
  std::string text(name);
  std::replace(text.begin(), text.end(), '_', '-');
  return text;
}

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = above;
    }
  }
  return row.back();
}

ParameterGroup make_study_keys() {
  using enum ValueType;
  Parameter experiment{.name = "experiment", .type = choice, .fallback = "new-label", .help = "what is studied:"};
  for (const auto& one : all_experiments()) {
    experiment.help += (experiment.choices.empty() ? " " : "; ") + one->name() + " (" + one->help() + ")";
    experiment.choices.push_back(one->name());
  }
  return {"The study",
          {experiment,
           {.name = "title", .type = text, .fallback = "", .help = "one line for the report", .optional = true},
           {.name = "seed",
            .type = integer,
            .fallback = "1",
            .help = "the study's seed: every random stream is keyed by it",
            .most = most_of_a_count},
           {.name = "repeats",
            .type = integer,
            .fallback = "1",
            .help = "how often every point of the axes is run, each with streams of its own",
            .least = 1,
            .most = 100000}}};
}

ParameterGroup make_data_keys() {
  using enum ValueType;
  Parameter dataset{.name = "dataset", .type = choice, .fallback = "glyphs", .help = ""};
  std::vector<std::string> read, generated;
  for (const data::Entry& entry : data::catalog()) {
    const data::Description& about = entry.description;
    const std::string shape = std::to_string(about.shape.channels) + "x" + std::to_string(about.shape.height) + "x" +
                              std::to_string(about.shape.width);
    (about.generated ? generated : read).push_back(about.generated ? about.name + " (" + shape + ")" : about.name);
    dataset.choices.push_back(about.name);
  }
  dataset.help = joined(read) + " are read from --data-dir; " + joined(generated) + " are generated";
  return {
      "Data",
      {dataset,
       {.name = "train-images",
        .type = integer,
        .fallback = "0",
        .help = "how many training images, from the first on; 0: all of them",
        .most = most_of_a_count},
       {.name = "test-images",
        .type = integer,
        .fallback = "0",
        .help = "how many test images, from the first on; 0: all",
        .most = most_of_a_count},
       {.name = "data-seed",
        .type = integer,
        .fallback = "1",
        .help = "seed of the generated data sets",
        .most = most_of_a_count},
       {.name = "official",
        .type = flag,
        .fallback = "no",
        .help = "refuse data files without the published checksums"},
       {.name = "train-on",
        .type = text,
        .fallback = "best",
        .help = "the environment that trains and queries: a profile; best: the best profile known for the CPU of the "
                "first start, kept on every resume; spread: one of the present environments by the case's identity; "
                "any: whichever rank is free (fast, not reproducible)"}}};
}

ParameterGroup make_run_keys() {
  using enum ValueType;
  const double long_s = 1e8;
  ParameterGroup group{
      "How it runs",
      {{.name = "data-dir",
        .type = text,
        .fallback = "",
        .help = "where the data sets are; several folders separated by colons; default: the environment variable "
                "TELLTALE_DATA",
        .optional = true},
       {.name = "profiles",
        .type = text,
        .fallback = "best",
        .help = "profiles of the worker ranks, in their order and round again; best:2 stands for two of them, others:3 "
                "for three more that this CPU can run; native: what the libraries choose",
        .list = true},
       {.name = "expect",
        .type = text,
        .fallback = "",
        .help = "nodes that there should be, by microarchitecture: Zen 3:2, Haswell; the start says what is missing",
        .optional = true,
        .list = true},
       {.name = "artifacts",
        .type = text,
        .fallback = "",
        .help = "folder of trained models and checkpoints, shared by job files; default: `artifacts` beside the "
                "results file",
        .optional = true},
       {.name = "coordinator-works",
        .type = flag,
        .fallback = "no",
        .help = "let rank 0 compute too (a run of one process always does)"},
       {.name = "searches-in-flight",
        .type = integer,
        .fallback = "8",
        .help = "boundary searches at once on a rank: while some wait for other machines' answers, others go on",
        .least = 1,
        .most = 128},
       {.name = "task-time-limit",
        .type = number,
        .fallback = "0",
        .help = "seconds a task may take; 0: no limit",
        .most = long_s},
       {.name = "time-limit",
        .type = number,
        .fallback = "0",
        .help = "seconds this start may take: then it commits, stops and can be resumed; 0: until Slurm's end of the "
                "job, else none",
        .most = long_s},
       {.name = "retries",
        .type = integer,
        .fallback = "1",
        .help = "how often a task that failed is tried again",
        .most = 100},
       {.name = "rank-timeout",
        .type = number,
        .fallback = "300",
        .help = "seconds after which a rank that says nothing is taken for frozen: then the study commits, stops and "
                "can be resumed; 0: never",
        .most = long_s},
       {.name = "checkpoint-interval",
        .type = number,
        .fallback = "120",
        .help = "seconds between checkpoints of a training",
        .most = long_s},
       {.name = "publish-interval",
        .type = number,
        .fallback = "60",
        .help = "seconds between partial results files while the study runs; 0: only at the end",
        .most = long_s},
       {.name = "durable", .type = flag, .fallback = "yes", .help = "force every commit to the disk (fsync)"}}};
  for (Parameter& key : group.parameters) key.role = Role::operational;
  return group;
}

// By the name of their experiment.
std::map<std::string, std::vector<ParameterGroup>> make_all_groups() {
  std::map<std::string, std::vector<ParameterGroup>> all;
  for (const auto& experiment : all_experiments()) {
    std::vector<ParameterGroup>& groups = all[experiment->name()];
    groups.push_back(study_keys());
    if (experiment->needs_data()) groups.push_back(data_keys());
    for (ParameterGroup& group : experiment->keys()) groups.push_back(std::move(group));
    groups.push_back(run_keys());
  }
  return all;
}

bool equal(const Parameter& a, const Parameter& b) {
  return a.name == b.name && a.type_text() == b.type_text() && a.fallback == b.fallback && a.help == b.help &&
         a.axis == b.axis && a.role == b.role;
}

// In the order of the experiments' own lists: a key that a later one adds stands behind the key that it follows there.
std::vector<SharedParameter> make_all_keys() {
  std::vector<SharedParameter> all;
  for (const auto& experiment : all_experiments()) {
    auto next = all.begin();
    for (const ParameterGroup& group : keys_of(experiment->name()))
      for (const Parameter& parameter : group.parameters) {
        auto known = std::find_if(all.begin(), all.end(),
                                  [&](const SharedParameter& one) { return equal(*one.parameter, parameter); });
        if (known == all.end()) known = all.insert(next, {&parameter, group.title, {}});
        known->experiments.push_back(experiment->name());
        next = known + 1;
      }
  }
  return all;
}

}  // namespace

const ParameterGroup& study_keys() {
  static const ParameterGroup group = make_study_keys();
  return group;
}

const ParameterGroup& data_keys() {
  static const ParameterGroup group = make_data_keys();
  return group;
}

const ParameterGroup& run_keys() {
  static const ParameterGroup group = make_run_keys();
  return group;
}

const std::vector<ParameterGroup>& keys_of(const std::string& experiment) {
  static const std::map<std::string, std::vector<ParameterGroup>> all = make_all_groups();
  return all.at(experiment_named(experiment).name());
}

const Parameter* find_key(const std::string& experiment, std::string_view name) {
  const std::string wanted = normalised(name);
  for (const ParameterGroup& group : keys_of(experiment))
    for (const Parameter& parameter : group.parameters)
      if (parameter.name == wanted) return &parameter;
  return nullptr;
}

std::vector<std::string> experiments_with(std::string_view name) {
  std::vector<std::string> names;
  for (const auto& experiment : all_experiments())
    if (find_key(experiment->name(), name) != nullptr) names.push_back(experiment->name());
  return names;
}

const std::vector<SharedParameter>& all_keys() {
  static const std::vector<SharedParameter> all = make_all_keys();
  return all;
}

std::string reference_of_keys() {
  std::string text, group;
  for (const SharedParameter& shared : all_keys()) {
    const Parameter& parameter = *shared.parameter;
    if (group != shared.group) {
      text += std::string(group.empty() ? "" : "\n") + "### " + shared.group + "\n\n" +
              "| key | experiments | values | default | axis | meaning |\n| --- | --- | --- | --- | --- | --- |\n";
      group = shared.group;
    }
    const char* axis = parameter.axis == AxisRule::always    ? "always"
                       : parameter.axis == AxisRule::allowed ? "with several values"
                                                             : "";
    const bool everywhere = shared.experiments.size() == all_experiments().size();
    text += "| `" + parameter.name + "` | " + (everywhere ? "all" : joined(shared.experiments)) + " | " +
            parameter.type_text() + " | " + (parameter.fallback.empty() ? "" : "`" + parameter.fallback + "`") + " | " +
            axis + " | " + parameter.help + " |\n";
  }
  return text;
}

std::optional<std::string> similar_key(std::string_view name) {
  const std::string wanted = normalised(name);
  const auto far = [&](const SharedParameter& shared) { return distance(shared.parameter->name, wanted); };
  const auto best =
      std::min_element(all_keys().begin(), all_keys().end(),
                       [&](const SharedParameter& a, const SharedParameter& b) { return far(a) < far(b); });
  if (far(*best) > std::max<std::size_t>(2, wanted.size() / 3)) return std::nullopt;
  return best->parameter->name;
}

}  // namespace telltale::study
