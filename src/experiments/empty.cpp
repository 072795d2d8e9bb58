#include "experiments/empty.h"

namespace telltale::experiments {

using study::Grid;

std::vector<ParameterGroup> Empty::keys() const {
  using enum ValueType;
  return {{"Empty tasks",
           {{.name = "tasks",
             .type = integer,
             .fallback = "1000",
             .help = "how many tasks",
             .least = 1,
             .most = most_of_a_count},
            {.name = "task-seconds",
             .type = number,
             .fallback = "0",
             .help = "how long each task sleeps",
             .most = 86400}}}};
}

study::Plan Empty::plan(const study::StudyInputs& inputs) const {
  study::Plan plan;
  const long long count = inputs.job.integer("tasks"), seed = inputs.job.integer("seed");
  const double seconds = inputs.job.number("task-seconds");
  plan.reserve(static_cast<std::size_t>(count));
  const Grid grid({study::counted_axis("case", count)});
  add_stage(plan, {"empty", "what each task returned", grid, {}, {}, {}}, [&](const Grid::Point& point) {
    return study::Task<Nothing>{{seed, static_cast<long long>(point.index()), seconds}, {}, {}, seconds};
  });
  plan.cases = plan.tasks.size();
  return plan;
}

std::vector<store::Group> Empty::tabulate(const study::StudyInputs&, const study::Plan& plan,
                                          const study::OutcomeLookup& outcome) const {
  const study::Stage& stage = plan.stage("empty");
  store::Group group = study::group_over(stage.grid, stage.name, stage.help);
  std::vector<std::int64_t> index;
  for (const auto& task : stage.tasks) {
    const Outcome* one = study::done(outcome, task);
    index.push_back(one == nullptr ? -1 : one->values.at("index").as<std::int64_t>().front());
  }
  add_variable(group, stage.grid, "index", {}, index, "what the task returned; -1 while missing");
  return {group};
}

}  // namespace telltale::experiments
