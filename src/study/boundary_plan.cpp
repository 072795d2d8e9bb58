#include <algorithm>
#include <set>

#include "core/error.h"
#include "study/axis.h"
#include "study/boundary.h"

namespace telltale::study {
namespace {

using boundary::Layout;
using boundary::Machine;

// Evaluations of an attempt, for cost estimates: measured medians.
constexpr double published_evaluations = 1800;
constexpr double our_evaluations = 50;
constexpr double our_grid_evaluations = 150;

int search_batch(const Job& job) { return static_cast<int>(job.integer("search-batch")); }

// What machines answer alike, and the bits of every question.
forensics::Subject prediction_subject(const models::NetworkSpec& network, const Job& job) {
  forensics::Subject subject{network};
  subject.use = forensics::Use::prediction;
  subject.eval_batch = search_batch(job);
  return subject;
}
forensics::Subject question_subject(const models::NetworkSpec& network, const Job& job) {
  forensics::Subject subject = prediction_subject(network, job);
  subject.use = forensics::Use::search;
  return subject;
}

models::NetworkSpec network_of_job(const Job& job, const data::ImageShape& input, int classes) {
  const auto networks = networks_of(job, input, classes);
  if (networks.size() > 1)
    job.refuse("network", "boundary searches of one study share one network; write a job file for each");
  return networks.front();
}

std::vector<Machine> machines_of(const StudyInputs& inputs, const std::string& prediction) {
  const auto& list = inputs.environments.list;
  std::vector<Machine> machines;
  for (std::size_t e = 0; e < list.size(); ++e) {
    const auto same = std::find_if(machines.begin(), machines.end(), [&](const Machine& machine) {
      return list[static_cast<std::size_t>(machine.environments.front())].fingerprints.at(prediction) ==
             list[e].fingerprints.at(prediction);
    });
    if (same != machines.end()) {
      same->name += "+" + list[e].name;
      same->environments.push_back(static_cast<int>(e));
    } else {
      machines.push_back({list[e].name, {static_cast<int>(e)}});
    }
  }
  return machines;
}

std::string names_of(const std::vector<Machine>& machines) {
  std::string text;
  for (const Machine& machine : machines) text += (text.empty() ? "" : ", ") + machine.name;
  return text;
}

// The machine of that name, or of which an environment has it.
int machine_named(const StudyInputs& inputs, const std::vector<Machine>& machines, const std::string& key,
                  const std::string& name) {
  for (std::size_t m = 0; m < machines.size(); ++m) {
    if (machines[m].name == name) return static_cast<int>(m);
    for (const int e : machines[m].environments) {
      const Environment& environment = inputs.environments.list[static_cast<std::size_t>(e)];
      if (environment.name == name || environment.profile == name) return static_cast<int>(m);
    }
  }
  inputs.job.refuse(key, "no machine is called " + name + "; there are: " + names_of(machines));
}

// A key whose values name machines: `everyone` stays, "each" becomes every machine but `without`.
Axis machine_axis(const StudyInputs& inputs, const std::vector<Machine>& machines, const std::string& key,
                  const std::string& everyone, int without) {
  Axis axis;
  for (Axis& one : inputs.job.axes())
    if (one.key == key) axis = std::move(one);
  std::vector<std::string> values;
  const auto add = [&](const std::string& value) {
    if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
  };
  for (const std::string& value : axis.values) {
    if (value == everyone) {
      add(value);
    } else if (value == "each") {
      for (std::size_t m = 0; m < machines.size(); ++m)
        if (static_cast<int>(m) != without) add(machines[m].name);
    } else {
      add(machines[static_cast<std::size_t>(machine_named(inputs, machines, key, value))].name);
    }
  }
  axis.values = std::move(values);
  return axis;
}

Axis axis_of(const Job& job, const std::string& key) {
  for (Axis& axis : job.axes())
    if (axis.key == key) return axis;
  throw Error("there is no axis " + key);
}

// One point of the grid of searches. `machines` is empty where the combination has no meaning: the published searches
// have neither target nor grid, and nobody searches against itself.
struct Setting {
  std::string preset, grid;
  std::vector<int> machines;  // the local one first where there are two
  std::optional<int> target;
};

Setting setting_of(const StudyInputs& inputs, const Layout& layout, std::size_t index) {
  const Grid::Point point = layout.searches.point(index);
  Setting setting{point.text("search"), point.text("grid"), {}, std::nullopt};
  const std::string& versus = point.text("versus");
  const std::string& target = point.text("target-machine");
  if (versus == "all") {
    for (std::size_t m = 0; m < layout.machines.size(); ++m) setting.machines.push_back(static_cast<int>(m));
  } else if (const int opponent = machine_named(inputs, layout.machines, "versus", versus); opponent != layout.local) {
    setting.machines = {layout.local, opponent};
  }
  if (target != "any") setting.target = machine_named(inputs, layout.machines, "target-machine", target);
  const bool published = setting.preset != "telltale";
  const bool target_is_asked = !setting.target || std::find(setting.machines.begin(), setting.machines.end(),
                                                            *setting.target) != setting.machines.end();
  if ((published && (setting.target || setting.grid == "8-bit")) || !target_is_asked) setting.machines.clear();
  return setting;
}

}  // namespace

std::vector<Axis> Boundary::axes(const Job& job) const {
  std::vector<std::string> keys = training_keys();
  keys.insert(keys.end(), {"search", "versus", "target-machine", "grid"});
  return axes_of(job, keys);
}

std::vector<forensics::Subject> Boundary::subjects(const Job& job) const {
  const data::Description about = data::describe(job.text("dataset"));
  const models::NetworkSpec network = network_of_job(job, about.shape, about.classes);
  std::vector<forensics::Subject> subjects{prediction_subject(network, job), question_subject(network, job)};
  for (const std::string& batch : job.values("batch"))
    subjects.push_back(training_subject(network, parse_integer(batch), job.integer("eval-batch")));
  return subjects;
}

Plan Boundary::plan(const StudyInputs& inputs) const {
  Plan plan;
  const Layout layout = boundary::lay_out(inputs, plan);
  plan.cases = layout.cases.size() *
               static_cast<std::size_t>(std::count_if(layout.searched.begin(), layout.searched.end(),
                                                      [](const auto& task) { return task.has_value(); })) /
               layout.training.size();
  return plan;
}

Layout boundary::lay_out(const StudyInputs& inputs, Plan& plan) {
  const Job& job = inputs.job;
  const data::Dataset& data = *inputs.data;
  const auto& list = inputs.environments.list;
  std::vector<Axis> case_axes = axes_of(job, training_keys());
  case_axes.push_back(counted_axis("repeat", job.integer("repeats")));
  Layout layout{Grid(std::move(case_axes)), Grid({}), {}, {}, 0, 0, 0, {}, {}, {}};
  layout.network = network_of_job(job, data.shape(), data.classes());
  const std::string prediction = prediction_subject(layout.network, job).key();
  const std::string question = question_subject(layout.network, job).key();
  layout.machines = machines_of(inputs, prediction);
  if (layout.machines.size() < 2)
    throw InputError("all environments present (" + names_of(layout.machines) + ") predict the same bits with " +
                     layout.network.name + " in batches of " + std::to_string(search_batch(job)) +
                     ": there is nothing to tell apart. Add ranks of other machines or profiles (--profiles "
                     "best,others:3, and that many ranks under mpirun or srun)");
  if (job.is_set("local"))
    layout.local = machine_named(inputs, layout.machines, "local", job.text("local"));
  else if (inputs.binding.trainer >= 0)
    layout.local =
        machine_named(inputs, layout.machines, "local", list[static_cast<std::size_t>(inputs.binding.trainer)].name);
  layout.searches = Grid({axis_of(job, "search"), machine_axis(inputs, layout.machines, "versus", "all", layout.local),
                          machine_axis(inputs, layout.machines, "target-machine", "any", -1), axis_of(job, "grid")});
  layout.first_image = job.integer("first-image");
  layout.images = job.integer("images");
  if (layout.first_image + layout.images > data.test().count)
    job.refuse("images", "the test images from number " + std::to_string(layout.first_image) + " on are " +
                             std::to_string(std::max<std::int64_t>(0, data.test().count - layout.first_image)) +
                             ", not " + std::to_string(layout.images));

  const std::int64_t published_images =
      job.integer("published-images") > 0 ? job.integer("published-images") : layout.images;
  const auto environment_of = [&](int machine) {
    return layout.machines[static_cast<std::size_t>(machine)].environments.front();
  };
  const auto bits_of = [&](int environment, const std::string& subject) {
    return list[static_cast<std::size_t>(environment)].identity({subject}).hex();
  };
  const auto seconds_of = [&](int environment) {
    const auto& rates = inputs.environments.eval_image_s.at(static_cast<std::size_t>(environment));
    const auto found = rates.find(question);
    return found == rates.end() ? 0.0 : found->second;
  };

  for (std::size_t c = 0; c < layout.cases.size(); ++c) {
    const CaseValues values(job, layout.cases, c);
    const std::size_t trained = plan_clean_training(plan, inputs, values, layout.network).task;
    layout.training.push_back(trained);
    const std::string model = plan.tasks[trained].identity.hex();

    for (std::size_t s = 0; s < layout.searches.size(); ++s) {
      const Setting setting = setting_of(inputs, layout, s);
      Json machines = Json::array();
      for (const int m : setting.machines)
        machines.push_back(
            {{"machine", m}, {"environment", environment_of(m)}, {"bits", bits_of(environment_of(m), question)}});
      for (std::int64_t block = 0; block < layout.blocks(); ++block) {
        const std::int64_t from = block * boundary::replayed_at_once;
        const std::int64_t to = std::min(layout.images, from + boundary::replayed_at_once);
        std::vector<std::size_t> searched;
        for (std::int64_t image = from; image < to; ++image) {
          if (setting.machines.empty() || (setting.preset != "telltale" && image >= published_images)) {
            layout.searched.push_back(std::nullopt);
            continue;
          }
          PlannedTask task;
          task.kind = "search";
          task.payload = {{"kind", "search"},
                          {"algorithm", boundary::search_version},
                          {"data", data.content_hash().hex()},
                          {"model", model},
                          {"image", layout.first_image + image},
                          {"search", setting.preset},
                          {"grid", setting.grid},
                          {"machines", machines},
                          {"local", layout.local},
                          {"batch", search_batch(job)},
                          {"clip", job.flag("clip")},
                          {"local_limit", job.integer("local-limit")},
                          {"remote_limit", job.integer("remote-limit")},
                          {"evaluation_limit", job.integer("evaluation-limit")},
                          {"psnr_floor", job.number("psnr-floor")},
                          {"steps", job.flag("steps")},
                          {"seed", job.integer("seed")}};
          if (setting.target) task.payload["target"] = *setting.target;
          const double evaluations = setting.preset != "telltale" ? published_evaluations
                                     : setting.grid == "8-bit"    ? our_grid_evaluations
                                                                  : our_evaluations;
          task.cost_s = evaluations * seconds_of(environment_of(layout.local));
          task.prerequisites = {trained};
          // Bound, so that what a task says of itself does not depend on who was free; its bits do not either way.
          task.environments = {environment_of(layout.local)};
          task.has_artifact = true;
          task.asks = true;
          searched.push_back(plan.add(std::move(task)));
          layout.searched.push_back(searched.back());
        }
        std::vector<boundary::Replay> replays;
        if (searched.empty()) {
          layout.replayed.push_back({});
          continue;
        }
        for (const int m : setting.machines) {
          for (const int e : layout.machines[static_cast<std::size_t>(m)].environments) {
            PlannedTask task;
            task.kind = "replay";
            Json samples = Json::array();
            for (const std::size_t one : searched) samples.push_back(plan.tasks[one].identity.hex());
            task.payload = {{"kind", "replay"},
                            {"algorithm", boundary::replay_version},
                            {"data", data.content_hash().hex()},
                            {"model", model},
                            {"samples", samples},
                            {"machine", m},
                            {"batch", search_batch(job)},
                            {"profile", list[static_cast<std::size_t>(e)].profile},
                            {"bits", bits_of(e, prediction)}};
            task.cost_s = 1 + static_cast<double>(searched.size()) * seconds_of(e);
            task.prerequisites = searched;
            task.prerequisites.push_back(trained);
            task.environments = {e};
            replays.push_back({plan.add(std::move(task)), m});
          }
        }
        layout.replayed.push_back(std::move(replays));
      }
    }
  }
  return layout;
}

}  // namespace telltale::study
