#include <algorithm>

#include "core/error.h"
#include "core/random.h"
#include "core/text.h"
#include "experiments/boundary/boundary.h"
#include "forensics/search_draws.h"
#include "study/axis.h"

namespace telltale::experiments {
namespace {

using boundary::Machine;
using boundary::Setup;
using study::Axis;
using study::Job;

// Evaluations of an attempt, for cost estimates: measured medians.
constexpr double published_evaluations = 1800;
constexpr double our_evaluations = 50;
constexpr double our_grid_evaluations = 150;

constexpr double replay_s = 0.01;  // of a replay, beside the prediction itself

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

std::vector<Machine> machines_of(const StudyInputs& inputs, const std::string& prediction,
                                 const std::string& question) {
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
      machines.push_back({list[e].name, {static_cast<int>(e)}, list[e].identity({prediction, question})});
    }
  }
  return machines;
}

std::string names_of(const std::vector<Machine>& machines) {
  std::vector<std::string> names;
  for (const Machine& machine : machines) names.push_back(machine.name);
  return joined(names);
}

// The machine of that name, or of which an environment has it.
int machine_named(const StudyInputs& inputs, const std::vector<Machine>& machines, const std::string& key,
                  const std::string& name) {
  for (std::size_t m = 0; m < machines.size(); ++m) {
    if (machines[m].name == name) return static_cast<int>(m);
    for (const int e : machines[m].environments) {
      const study::Environment& environment = inputs.environments.list[static_cast<std::size_t>(e)];
      if (environment.name == name || environment.profile == name) return static_cast<int>(m);
    }
  }
  inputs.job.refuse(key, "no machine is called " + name + "; there are: " + names_of(machines));
}

// A key whose values name machines: `everyone` stays, "each" becomes every machine but `without`.
Axis machine_axis(const StudyInputs& inputs, const std::vector<Machine>& machines, const std::string& key,
                  const std::string& everyone, int without) {
  Axis axis = inputs.job.axis_of(key);
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

// One point of the grid of searches.
struct Setting {
  std::string preset, grid;
  std::vector<int> machines;
  std::optional<int> target;
  // Of a combination that has no meaning: a key that takes it away, the labels that do, and why.
  const char* key = nullptr;
  std::string labels, why;

  [[nodiscard]] bool has_meaning() const { return key == nullptr; }
};

Setting setting_of(const StudyInputs& inputs, const Setup& setup, const Grid::Point& point) {
  Setting setting{point.text("search"), point.text("grid"), {}, std::nullopt};
  const std::string& versus = point.text("versus");
  const std::string& target = point.text("target-machine");
  if (target != "any") setting.target = machine_named(inputs, setup.machines, "target-machine", target);
  if (versus == "all") {
    for (std::size_t m = 0; m < setup.machines.size(); ++m) setting.machines.push_back(static_cast<int>(m));
  } else {
    setting.machines = {setup.local, machine_named(inputs, setup.machines, "versus", versus)};
  }
  const bool published = setting.preset != "telltale";
  const auto& asked = setting.machines;
  const auto without_meaning = [&](const char* key, const std::string& labels, const char* why) {
    setting.key = key, setting.labels = labels, setting.why = why;
  };
  if (published && setting.grid == "8-bit")
    without_meaning("grid", "search=" + setting.preset + ", grid=8-bit", "only telltale searches on the 8-bit grid");
  else if (published && setting.target)
    without_meaning("target-machine", "search=" + setting.preset + ", target=" + target, "only telltale has targets");
  else if (versus != "all" && asked.front() == asked.back())
    without_meaning("versus", "versus=" + versus, "the local machine does not search against itself");
  else if (setting.target && std::find(asked.begin(), asked.end(), *setting.target) == asked.end())
    without_meaning("target-machine", "versus=" + versus + ", target=" + target, "the target is not asked");
  return setting;
}

}  // namespace

std::vector<forensics::Subject> Boundary::subjects(const Job& job, const data::Dataset*) const {
  const data::Description about = data::describe(job.text("dataset"));
  const models::NetworkSpec network = network_of_job(job, about.shape, about.classes);
  std::vector<forensics::Subject> subjects{prediction_subject(network, job), question_subject(network, job)};
  for (const std::string& batch : job.values("batch"))
    add_training_subjects(subjects, network, study::parse_integer(batch), job.integer("eval-batch"),
                          training_images(job));
  return subjects;
}

int boundary::Search::position(const Identity& machine) const {
  const auto found = std::find(machines.begin(), machines.end(), machine);
  if (found == machines.end()) throw Error("a search does not ask the machine " + machine.brief());
  return static_cast<int>(found - machines.begin());
}

Identity boundary::draws_of(const Search& search) {
  forensics::SearchDraws draws{.data = search.data.hex(),
                               .model = search.model.hex(),
                               .image = search.image,
                               .search = search.search,
                               .eight_bit = search.grid == "8-bit",
                               .clip = search.clip,
                               .batch = search.batch,
                               .machines = {},
                               .local = search.local.hex(),
                               .target = {}};
  for (const Identity& machine : search.machines) draws.machines.push_back(machine.hex());
  if (search.target) draws.target = search.target->hex();
  return Stream::key_of(static_cast<std::uint64_t>(search.seed), draws.coordinates(), "search");
}

std::vector<int> boundary::Setup::asked_by(const Search& search) const {
  std::vector<int> asked;
  for (const Identity& bits : search.machines) {
    const auto found =
        std::find_if(machines.begin(), machines.end(), [&](const Machine& machine) { return machine.bits == bits; });
    if (found == machines.end()) throw Error("the study has no machine " + bits.brief());
    asked.push_back(static_cast<int>(found - machines.begin()));
  }
  return asked;
}

Axis boundary::Setup::machine_axis() const {
  std::vector<std::string> names;
  for (const Machine& machine : machines) names.push_back(machine.name);
  return study::named_axis("machine", "environments that predict the same bits", std::move(names));
}

Setup boundary::setup_of(const StudyInputs& inputs) {
  const Job& job = inputs.job;
  const data::Dataset& data = *inputs.data;
  Setup setup;
  setup.network = network_of_job(job, data.shape(), data.classes());
  setup.machines =
      machines_of(inputs, prediction_subject(setup.network, job).key(), question_subject(setup.network, job).key());
  if (setup.machines.size() < 2)
    throw InputError("all environments present (" + names_of(setup.machines) + ") predict the same bits with " +
                     setup.network.name + " in batches of " + std::to_string(search_batch(job)) +
                     ": there is nothing to tell apart. Add ranks of other machines or profiles (--profiles "
                     "best,others:3, and that many ranks under mpirun or srun)");
  if (job.is_set("local"))
    setup.local = machine_named(inputs, setup.machines, "local", job.text("local"));
  else if (inputs.binding.trainer >= 0)
    setup.local = machine_named(inputs, setup.machines, "local", inputs.environments.at(inputs.binding.trainer).name);
  setup.searches = Grid({job.axis_of("search"), machine_axis(inputs, setup.machines, "versus", "all", setup.local),
                         machine_axis(inputs, setup.machines, "target-machine", "any", -1), job.axis_of("grid")});
  const long long first = job.integer("first-image"), images = job.integer("images");
  if (first + images > data.test().count)
    job.refuse("images", "the test images from number " + std::to_string(first) + " on are " +
                             std::to_string(std::max<std::int64_t>(0, data.test().count - first)) + ", not " +
                             std::to_string(images));
  setup.image = study::counted_axis("image", images, first, "number of the test image");
  return setup;
}

namespace {

// Lays out the searches and replays of a study whose trainings are laid out.
class Planner {
 public:
  Planner(Plan& plan, const StudyInputs& inputs, const Setup& setup)
      : plan_(plan),
        inputs_(inputs),
        job_(inputs.job),
        setup_(setup),
        train_(plan.stage("train")),
        question_(question_subject(setup.network, job_).key()),
        prediction_(prediction_subject(setup.network, job_).key()) {}

  void add_searches() {
    const Grid grid = train_.grid * setup_.searches * Grid({setup_.image});
    add_stage(plan_, {"search", "one attempt from each test image", grid, {}, {}, {}},
              [&](const Grid::Point& point) { return search(point); });
  }

  // Says what has no meaning and is left out. Throws InputError if that is everything.
  void note_what_is_left_out() {
    struct LeftOut {
      Setting of;
      std::size_t points;
    };
    std::vector<LeftOut> all;
    std::size_t left = 0;
    for (std::size_t point = 0; point < setup_.searches.size(); ++point) {
      const Setting setting = setting_of(inputs_, setup_, setup_.searches.point(point));
      if (setting.has_meaning()) continue;
      ++left;
      const auto same =
          std::find_if(all.begin(), all.end(), [&](const LeftOut& one) { return one.of.labels == setting.labels; });
      if (same != all.end())
        ++same->points;
      else
        all.push_back({setting, 1});
    }
    if (left == setup_.searches.size())
      job_.refuse(all.front().of.key, all.front().of.labels + " has no meaning (" + all.front().of.why +
                                          "), and nothing else is left to search");
    const std::size_t cells = train_.grid.size() * static_cast<std::size_t>(setup_.images());
    for (const auto& [of, points] : all)
      plan_.notes.push_back(of.labels + ": no meaning, left out (" + std::to_string(points * cells) +
                            " cells): " + of.why);
  }

  void add_replays() {
    const Grid grid = train_.grid * setup_.searches *
                      Grid({setup_.image, study::named_axis("environment", "environment that predicts again",
                                                            inputs_.environments.names())});
    const Stage& searches = plan_.stage("search");
    add_stage(plan_, {"replay", "a sample predicted again by a process of its own", grid, {}, {}, {}},
              [&](const Grid::Point& point) { return replay(searches, point); });
  }

 private:
  [[nodiscard]] int answering(int machine) const {
    return setup_.machines[static_cast<std::size_t>(machine)].environments.front();
  }
  [[nodiscard]] Identity bits(int environment, const std::string& subject) const {
    return inputs_.environments.at(environment).identity({subject});
  }
  [[nodiscard]] std::size_t training_of(const Grid::Point& point) const {
    return *train_.tasks[point.leading(train_.grid.axes().size())];
  }

  [[nodiscard]] std::optional<study::Task<boundary::Search>> search(const Grid::Point& point) const {
    const Setting setting = setting_of(inputs_, setup_, point);
    const auto position = static_cast<long long>(point.position("image"));
    const long long published_images = job_.integer("published-images");
    const bool published = setting.preset != "telltale";
    if (!setting.has_meaning() || (published && published_images > 0 && position >= published_images))
      return std::nullopt;
    boundary::Search search;
    search.data = inputs_.data->content_hash();
    search.model = plan_.tasks[training_of(point)].identity;
    search.image = point.integer("image");
    search.search = setting.preset;
    // Ascending by bits: the order in which machines stand in a study is no part of a search.
    std::vector<int> asked = setting.machines;
    const auto bits_of = [&](int machine) { return setup_.machines[static_cast<std::size_t>(machine)].bits; };
    std::sort(asked.begin(), asked.end(), [&](int a, int b) { return bits_of(a) < bits_of(b); });
    for (const int machine : asked) {
      search.machines.push_back(bits_of(machine));
      search.environments.push_back(answering(machine));
    }
    search.local = bits_of(setup_.local);
    search.batch = search_batch(job_);
    search.clip = job_.flag("clip");
    search.steps = job_.flag("steps");
    if (job_.number("psnr-floor") > 0) search.psnr_floor = job_.number("psnr-floor");
    if (published) {
      search.local_limit = job_.integer("local-limit");
      search.remote_limit = job_.integer("remote-limit");
    } else {
      search.evaluation_limit = job_.integer("evaluation-limit");
      search.grid = setting.grid;
      if (setting.target) search.target = bits_of(*setting.target);
    }
    search.seed = job_.integer("seed");
    const double evaluations = published                 ? published_evaluations
                               : setting.grid == "8-bit" ? our_grid_evaluations
                                                         : our_evaluations;
    // Bound, so that what a task says of itself does not depend on who was free; its bits do not either way.
    const int environment = answering(setup_.local);
    return study::Task<boundary::Search>{std::move(search),
                                         {training_of(point)},
                                         {environment},
                                         evaluations * inputs_.environments.image_seconds(environment, question_)};
  }

  // None where nothing was searched, or on environments that were not asked.
  [[nodiscard]] std::optional<study::Task<boundary::Replay>> replay(const Stage& searches,
                                                                    const Grid::Point& point) const {
    const Setting setting = setting_of(inputs_, setup_, point);
    const auto environment = static_cast<int>(point.position("environment"));
    const auto machine = std::find_if(setting.machines.begin(), setting.machines.end(), [&](int m) {
      const auto& of = setup_.machines[static_cast<std::size_t>(m)].environments;
      return std::find(of.begin(), of.end(), environment) != of.end();
    });
    if (machine == setting.machines.end()) return std::nullopt;
    const auto& search = searches.tasks[point.leading(searches.grid.axes().size())];
    if (!search) return std::nullopt;
    study::Task<boundary::Replay> task;
    task.needs = {*search, training_of(point)};
    task.cost_s = replay_s + inputs_.environments.image_seconds(environment, question_);
    task.environments = {environment};
    task.payload.data = inputs_.data->content_hash();
    task.payload.model = plan_.tasks[training_of(point)].identity;
    task.payload.sample = plan_.tasks[*search].identity;
    task.payload.machine = setup_.machines[static_cast<std::size_t>(*machine)].bits;
    task.payload.batch = search_batch(job_);
    task.payload.profile = inputs_.environments.at(environment).profile;
    task.payload.bits = bits(environment, prediction_);
    return task;
  }

  Plan& plan_;
  const StudyInputs& inputs_;
  const Job& job_;
  const Setup& setup_;
  const Stage& train_;
  std::string question_, prediction_;
};

}  // namespace

Plan Boundary::plan(const StudyInputs& inputs) const {
  const Setup setup = boundary::setup_of(inputs);
  Plan plan;
  plan_trainings(plan, inputs, with_repeats(inputs.job.axes_of(training_axes()), inputs.job), [&](const CaseValues&) {
    return Trained{setup.network, no_scheme()};
  });
  Planner planner(plan, inputs, setup);
  planner.note_what_is_left_out();
  planner.add_searches();
  planner.add_replays();
  const auto& searches = plan.stage("search").tasks;
  plan.cases = static_cast<std::size_t>(
      std::count_if(searches.begin(), searches.end(), [](const auto& task) { return task.has_value(); }));
  return plan;
}

}  // namespace telltale::experiments
