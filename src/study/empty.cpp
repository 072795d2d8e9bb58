#include "study/empty.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "study/grid.h"

namespace telltale::study {

Plan Empty::plan(const StudyInputs& inputs) const {
  Plan plan;
  const double seconds = inputs.job.number("task-seconds");
  const long long count = inputs.job.integer("tasks"), seed = inputs.job.integer("seed");
  const Json common = {{"kind", "empty"}, {"seed", seed}, {"seconds", seconds}};
  plan.reserve(static_cast<std::size_t>(count));
  for (long long i = 0; i < count; ++i) {
    PlannedTask task;
    task.kind = "empty";
    task.payload = common;
    task.payload["index"] = i;
    task.cost_s = seconds;
    plan.add(std::move(task));
  }
  plan.cases = plan.tasks.size();
  return plan;
}

cluster::Executor empty::executor() {
  return [](ByteSpan payload, cluster::TaskContext& context) {
    using namespace std::chrono;
    const Json task = Json::parse(as_text(payload));
    const double seconds = task.at("seconds");
    const auto end = steady_clock::now() + duration_cast<steady_clock::duration>(duration<double>(seconds));
    while (seconds > 0 && steady_clock::now() < end) {
      context.check();
      std::this_thread::sleep_until(std::min(end, steady_clock::now() + milliseconds(10)));
    }
    cluster::TaskResult result;
    result.values["index"] = Array::scalar(task.at("index").get<std::int64_t>());
    return result;
  };
}

std::vector<store::Group> Empty::tabulate(const StudyInputs&, const Plan& plan, const OutcomeLookup& outcome) const {
  store::Group group;
  group.name = "empty";
  const auto count = static_cast<std::int64_t>(plan.tasks.size());
  Grid({counted_axis("case", count)}).declare(group);
  std::vector<std::int64_t> index;
  for (std::size_t i = 0; i < plan.tasks.size(); ++i) {
    const Outcome* one = outcome(i);
    index.push_back(
        one != nullptr && one->status == TaskStatus::done ? one->values.at("index").as<std::int64_t>().front() : -1);
  }
  group.variables.push_back({"index",
                             {"case"},
                             Array::of<std::int64_t>({count}, index),
                             {{"long_name", "what the task returned; -1 while missing"}},
                             std::nullopt});
  return {group};
}

}  // namespace telltale::study
