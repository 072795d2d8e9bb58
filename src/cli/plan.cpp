#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <sstream>

#include "cli/jobs.h"
#include "cli/options.h"
#include "cli/ranks.h"
#include "cluster/agreement.h"
#include "store/artifacts.h"
#include "study/ledger.h"
#include "study/records.h"
#include "study/session.h"

namespace telltale::cli {
namespace {

std::string shown_values(const study::Axis& axis) {
  std::string text;
  for (const std::string& value : axis.values) text += (text.empty() ? "" : ", ") + value;
  return text.size() <= 90 ? text : text.substr(0, 87) + "...";
}

struct StageCosts {
  std::size_t tasks = 0, there = 0;
  double cost_s = 0, open_cost_s = 0;
};

std::string plan_text(const study::Session& session, const study::StudyRecords& records,
                      const study::StudyPaths& paths) {
  std::string text;
  char line[256];
  const auto add = [&](const char* format, auto... values) {
    std::snprintf(line, sizeof line, format, values...);
    text += line;
  };
  if (session.data) {
    add("data       %s: %lld training and %lld test images, %s\n", session.data->name().c_str(),
        static_cast<long long>(session.data->train().count), static_cast<long long>(session.data->test().count),
        session.data->content_hash().brief().c_str());
    std::istringstream sources(session.data->source());
    for (std::string source; std::getline(sources, source);) text += "           " + source + "\n";
  }
  text += "axes\n";
  for (const study::Axis& axis : axes_of(session.plan))
    add("  %-14s %3zu  %s\n", axis.dimension.c_str(), axis.values.size(), shown_values(axis).c_str());
  add("cases      %zu\n", session.plan.cases);
  for (const auto* notes : {&session.notes, &session.plan.notes})
    for (const std::string& note : *notes) text += "           " + note + "\n";

  const auto& list = session.environments.list;
  const bool matters = std::any_of(list.begin(), list.end(), [](const auto& e) { return !e.fingerprints.empty(); });
  text += matters ? "environments\n" : "environments   none of these tasks depends on one\n";
  for (std::size_t e = 0; matters && e < list.size(); ++e) {
    const auto& placed = session.environments.of_rank;
    const auto ranks = std::count(placed.begin(), placed.end(), static_cast<int>(e));
    add("  %-14s %2lld rank%s  %s%s\n", list[e].name.c_str(), static_cast<long long>(ranks), ranks == 1 ? " " : "s",
        list[e].identity().brief().c_str(),
        static_cast<int>(e) == session.binding.trainer ? "  trains and queries" : "");
  }
  if (session.binding.rule == "any")
    text += "  train-on = any: whichever rank is free computes; the results are not reproducible\n";
  if (session.binding.rule == "spread")
    text += "  train-on = spread: each case has one of these environments, by its identity\n";

  const store::ArtifactStore artifacts(paths.artifacts(session.job.text("artifacts")));
  std::map<std::string, StageCosts> stages;
  StageCosts all;
  for (const study::PlannedTask& task : session.plan.tasks) {
    const bool there =
        records.is_done(task.identity) ||
        (task.has_artifact && std::filesystem::exists(artifacts.path_of(study::product_kind, task.identity)));
    for (StageCosts* stage : {&stages[task.stage], &all}) {
      ++stage->tasks;
      stage->there += there;
      stage->cost_s += task.cost_s;
      if (!there) stage->open_cost_s += task.cost_s;
    }
  }
  text += "tasks          count   there   rank time  open\n";
  const auto row = [&](const std::string& name, const StageCosts& stage) {
    add("  %-10s %7zu %7zu %11s  %s\n", name.c_str(), stage.tasks, stage.there, duration_text(stage.cost_s).c_str(),
        duration_text(stage.open_cost_s).c_str());
  };
  for (const auto& [name, stage] : stages) row(name, stage);
  row("all", all);

  // Bound work goes to the ranks of one environment; the rest is small.
  std::size_t computing = 0;
  for (const int environment : session.environments.of_rank)
    computing += session.binding.trainer >= 0 ? environment == session.binding.trainer : environment >= 0;
  add("estimate   about %s on the %zu rank%s here that can do the bulk of it, from rates measured just now;\n"
      "           ranks that share a core take longer\n",
      duration_text(all.open_cost_s / static_cast<double>(std::max<std::size_t>(1, computing))).c_str(), computing,
      computing == 1 ? "" : "s");
  return text;
}

}  // namespace

void plan_job(JobRequest request, const study::Computing& computing) {
  start_log(request.options);
  run_on_ranks("plan", unusable_input, [&](cluster::Communicator& communicator) {
    study::Session session = study::gather(std::move(request.job), communicator, computing);
    const study::StudyPaths paths{request.options.value("output").value_or("results.h5")};
    const Json text = cluster::on_coordinator(communicator, [&]() -> Json {
      study::StudyRecords records;
      if (std::filesystem::exists(paths.journal())) records = study::read_records(paths.journal());
      study::make_plan(session, records.head ? &records : nullptr);
      return plan_text(session, records, paths);
    });
    return BodyResult{.last_words = text.get<std::string>()};
  });
}

}  // namespace telltale::cli
