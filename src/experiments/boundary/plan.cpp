#include <algorithm>

#include "core/error.h"
#include "core/random.h"
#include "core/text.h"
#include "experiments/boundary/boundary.h"
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

// One point of the grid of searches. `machines` is empty where the combination has no meaning: the published searches
// have neither target nor grid, and nobody searches against itself.
struct Setting {
  std::string preset, grid;
  std::vector<int> machines;  // the local one first where there are two
  std::optional<int> target;
};

Setting setting_of(const StudyInputs& inputs, const Setup& setup, const Grid::Point& point) {
  Setting setting{point.text("search"), point.text("grid"), {}, std::nullopt};
  const std::string& versus = point.text("versus");
  const std::string& target = point.text("target-machine");
  if (versus == "all") {
    for (std::size_t m = 0; m < setup.machines.size(); ++m) setting.machines.push_back(static_cast<int>(m));
  } else if (const int opponent = machine_named(inputs, setup.machines, "versus", versus); opponent != setup.local) {
    setting.machines = {setup.local, opponent};
  }
  if (target != "any") setting.target = machine_named(inputs, setup.machines, "target-machine", target);
  const bool published = setting.preset != "telltale";
  const bool target_is_asked = !setting.target || std::find(setting.machines.begin(), setting.machines.end(),
                                                            *setting.target) != setting.machines.end();
  if ((published && (setting.target || setting.grid == "8-bit")) || !target_is_asked) setting.machines.clear();
  return setting;
}

}  // namespace

std::vector<ParameterGroup> Boundary::keys() const {
  using enum ValueType;
  using enum AxisRule;
  return {
      training_keys(),
      {"Boundary samples",
       {{.name = "search",
         .type = choice,
         .fallback = "telltale",
         .help = "how boundary samples are searched: paper (the text of Schloegl et al. 2021), code (what its "
                 "authors' program did), telltale (ours)",
         .axis = always,
         .choices = {"paper", "code", "telltale"}},
        {.name = "versus",
         .type = text,
         .fallback = "all",
         .help = "the machines of a search: all that are present (1 vs n), or the local one and a named one (1 vs "
                 "1); each: one after the other",
         .axis = always},
        {.name = "target-machine",
         .type = text,
         .fallback = "any",
         .help = "the machine that a telltale search shall single out: any, a named one, or each of them",
         .axis = always,
         .dimension = "target"},
        {.name = "grid",
         .type = choice,
         .fallback = "float",
         .help = "the values of a sample: any floats, or 8-bit, the multiples of 1/255 that survive a PNG (telltale "
                 "only)",
         .axis = always,
         .choices = {"float", "8-bit"}},
        {.name = "images",
         .type = integer,
         .fallback = "40",
         .help = "how many test images are searched from, one attempt each",
         .least = 1,
         .most = most_of_a_count},
        {.name = "published-images",
         .type = integer,
         .fallback = "0",
         .help = "how many of these paper and code search from, which take longer; 0: all",
         .most = most_of_a_count},
        {.name = "first-image",
         .type = integer,
         .fallback = "0",
         .help = "the number of the first of them",
         .most = most_of_a_count},
        {.name = "local",
         .type = text,
         .fallback = "",
         .help = "the machine that approaches the boundary alone; default: the one that trains",
         .optional = true},
        {.name = "search-batch",
         .type = integer,
         .fallback = "1",
         .help = "copies of a point in one prediction of a search, for services that predict in batches: it changes "
                 "bits",
         .least = 1,
         .most = 65536},
        {.name = "clip",
         .type = flag,
         .fallback = "no",
         .help = "keep boundary samples in [0,1] (the paper's formula does not)"},
        {.name = "local-limit",
         .type = integer,
         .fallback = "2000",
         .help = "steps of the local phase of paper and code",
         .least = 1,
         .most = most_of_a_count},
        {.name = "remote-limit",
         .type = integer,
         .fallback = "500",
         .help = "steps of their remote phase",
         .least = 1,
         .most = most_of_a_count},
        {.name = "evaluation-limit",
         .type = integer,
         .fallback = "4000",
         .help = "forward and backward passes that an attempt of telltale may take",
         .least = 1,
         .most = most_of_a_count},
        {.name = "psnr-floor",
         .type = number,
         .fallback = "0",
         .help = "dB: samples below it are no success; 0: none",
         .most = 1000},
        {.name = "steps", .type = flag, .fallback = "no", .help = "keep every step of every search (group steps)"}}}};
}

std::vector<forensics::Subject> Boundary::subjects(const Job& job) const {
  const data::Description about = data::describe(job.text("dataset"));
  const models::NetworkSpec network = network_of_job(job, about.shape, about.classes);
  std::vector<forensics::Subject> subjects{prediction_subject(network, job), question_subject(network, job)};
  for (const std::string& batch : job.values("batch"))
    subjects.push_back(training_subject(network, study::parse_integer(batch), job.integer("eval-batch")));
  return subjects;
}

Identity boundary::draws_of(const Search& search) {
  return Stream::key_of(static_cast<std::uint64_t>(search.seed), study::payload_of(search), "search");
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
  setup.machines = machines_of(inputs, prediction_subject(setup.network, job).key());
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

  void add_replays() {
    const Grid grid =
        train_.grid * setup_.searches *
        Grid({study::counted_axis("block", setup_.blocks()),
              study::named_axis("environment", "environment that predicts again", inputs_.environments.names())});
    const Stage& searches = plan_.stage("search");
    add_stage(plan_, {"replay", "samples predicted again by a process of its own", grid, {}, {}, {}},
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
    if (setting.machines.empty() || (published && published_images > 0 && position >= published_images))
      return std::nullopt;
    boundary::Search search;
    search.data = inputs_.data->content_hash();
    search.model = plan_.tasks[training_of(point)].identity;
    search.image = point.integer("image");
    search.search = setting.preset;
    search.grid = setting.grid;
    for (const int machine : setting.machines)
      search.machines.push_back({machine, answering(machine), bits(answering(machine), question_)});
    search.local = setup_.local;
    search.target = setting.target;
    search.batch = search_batch(job_);
    search.clip = job_.flag("clip");
    search.steps = job_.flag("steps");
    search.local_limit = job_.integer("local-limit");
    search.remote_limit = job_.integer("remote-limit");
    search.evaluation_limit = job_.integer("evaluation-limit");
    search.psnr_floor = job_.number("psnr-floor");
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
    const auto images = static_cast<std::size_t>(setup_.images());
    const std::size_t row = point.leading(train_.grid.axes().size() + setup_.searches.axes().size()) * images;
    const std::size_t from = point.position("block") * boundary::replayed_at_once;
    const std::size_t to = std::min(images, from + boundary::replayed_at_once);
    study::Task<boundary::Replay> task;
    for (std::size_t i = from; i < to; ++i)
      if (const auto& one = searches.tasks[row + i]) {
        task.needs.push_back(*one);
        task.payload.samples.push_back(plan_.tasks[*one].identity);
      }
    if (task.needs.empty()) return std::nullopt;
    task.cost_s =
        1 + static_cast<double>(task.needs.size()) * inputs_.environments.image_seconds(environment, question_);
    task.needs.push_back(training_of(point));
    task.environments = {environment};
    task.payload.data = inputs_.data->content_hash();
    task.payload.model = plan_.tasks[training_of(point)].identity;
    task.payload.machine = *machine;
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
  planner.add_searches();
  planner.add_replays();
  const auto& searches = plan.stage("search").tasks;
  plan.cases = static_cast<std::size_t>(
      std::count_if(searches.begin(), searches.end(), [](const auto& task) { return task.has_value(); }));
  return plan;
}

}  // namespace telltale::experiments
