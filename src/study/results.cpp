#include "study/results.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <map>
#include <set>

#include "core/error.h"
#include "core/posix.h"
#include "study/compared.h"
#include "study/published.h"
#include "study/version.h"

namespace telltale::study {
namespace {

template <typename T>
store::Variable column(const std::string& name, const std::string& dimension, const std::vector<T>& values,
                       const std::string& help, const std::string& units = "") {
  return variable<T>(name, {dimension}, {static_cast<std::int64_t>(values.size())}, values, help, units);
}

// Identities are shown by their first digits.
void shorten(Json& json) {
  if (json.is_structured()) {
    for (Json& one : json) shorten(one);
  } else if (json.is_string()) {
    const auto& text = json.get_ref<const std::string&>();
    if (text.size() == 2 * Identity::size && text.find_first_not_of("0123456789abcdef") == std::string::npos)
      json = Identity::from_hex(text).brief();
  }
}

// What a task is, in words: the payload without the hashes that only machines compare.
std::string describe(const PlannedTask& task, const Plan& plan) {
  Json shown = task.payload;
  for (const char* key : {"kind", "data", "environment", "algorithm", "eval_batch"}) shown.erase(key);
  // What a task needs first is its model, unless it says itself which that is.
  if (!shown.contains("model") && !task.prerequisites.empty())
    shown["model"] = plan.tasks[task.prerequisites.front()].identity.hex();
  shorten(shown);
  return canonical(shown);
}

store::Group environments_group(const Session& session) {
  const auto& list = session.environments.list;
  store::Group group;
  group.name = "environments";
  group.attributes = {
      {"description", "everything that decides the bits of a prediction, by name"},
      {"training_rule", session.binding.rule},
      {"training_environment",
       session.binding.trainer < 0 ? std::string("") : list[static_cast<std::size_t>(session.binding.trainer)].name}};
  std::vector<std::string> names, profiles, identities, builds, fingerprints;
  for (const Environment& environment : list) {
    names.push_back(environment.name);
    profiles.push_back(environment.profile);
    identities.push_back(environment.identity().hex());
    builds.push_back(environment.builds.dump());
    fingerprints.push_back(Json(environment.fingerprints).dump());
  }
  group.dimensions = {{"environment", static_cast<std::int64_t>(list.size())}};
  group.variables = {texts("environment", {"environment"}, names, "name of the environment"),
                     texts("profile", {"environment"}, profiles, "pinned dispatch profile, or native"),
                     texts("identity", {"environment"}, identities, "SHA-256 of fingerprints and library builds"),
                     texts("fingerprints", {"environment"}, fingerprints,
                           "JSON: hash of forward, gradients and one optimizer step, by network and batch size"),
                     texts("builds", {"environment"}, builds, "JSON: builds of the numerical libraries")};
  return group;
}

// The outcome of each task of the plan; nullptr where there is none.
std::vector<const Outcome*> outcomes_of(const Plan& plan, const StudyRecords& records) {
  std::vector<const Outcome*> outcomes;
  outcomes.reserve(plan.tasks.size());
  for (const PlannedTask& task : plan.tasks) {
    const auto found = records.outcomes.find(task.identity);
    outcomes.push_back(found == records.outcomes.end() ? nullptr : &found->second);
  }
  return outcomes;
}

store::Group tasks_group(const Session& session, const std::vector<const Outcome*>& outcomes) {
  std::vector<std::string> identities, kinds, descriptions, status, reasons, environments;
  for (const PlannedTask& task : session.plan.tasks) {
    const Outcome* outcome = outcomes[identities.size()];
    identities.push_back(task.identity.hex());
    kinds.push_back(task.stage);
    descriptions.push_back(describe(task, session.plan));
    status.push_back(outcome == nullptr ? "open" : outcome->status == TaskStatus::done ? "done" : "failed");
    reasons.push_back(outcome != nullptr ? outcome->reason : "");
    environments.push_back(outcome != nullptr ? outcome->environment : "");
  }
  store::Group group;
  group.name = "tasks";
  group.attributes = {{"description", "every task of the study"}};
  group.dimensions = {{"task", static_cast<std::int64_t>(identities.size())}};
  group.variables = {texts("identity", {"task"}, identities, "SHA-256 of everything that determines the task"),
                     texts("kind", {"task"}, kinds, "the stage that asked for it first"),
                     texts("description", {"task"}, descriptions, "JSON: coordinates and settings"),
                     texts("status", {"task"}, status, "done, failed or open"),
                     texts("reason", {"task"}, reasons, "why it failed"),
                     texts("environment", {"task"}, environments, "name of the environment that computed it")};
  return group;
}

// The CPUs of the ranks that ever had each environment, by its name: "Cascade Lake, Skylake".
std::map<std::string, std::set<std::string>> microarchitectures_of(const std::vector<Json>& starts) {
  std::map<std::string, std::set<std::string>> names;
  for (const Json& start : starts)
    for (const Json& rank : start.at("ranks"))
      if (const std::string environment = rank.at("environment"); !environment.empty())
        names[environment].insert(rank.at("passport").at("cpu").at("microarchitecture").get<std::string>());
  return names;
}

// What may differ between two equal studies.
store::Group run_group(const Session& study, const std::vector<Json>& starts,
                       const std::vector<const Outcome*>& outcomes) {
  std::vector<double> seconds, finished;
  std::vector<std::int32_t> ranks, attempts;
  std::vector<std::string> hosts;
  for (const Outcome* outcome : outcomes) {
    const bool known = outcome != nullptr;
    seconds.push_back(known ? outcome->seconds : missing);
    finished.push_back(known ? outcome->finished_s : missing);
    ranks.push_back(known ? outcome->rank : -1);
    attempts.push_back(known ? outcome->attempt : 0);
    hosts.push_back(known ? outcome->host : "");
  }
  store::Group group;
  group.name = "run";
  group.attributes = {{"description", "how it ran: timings, hosts, passports; not part of the scientific content"}};
  group.dimensions = {{"task", static_cast<std::int64_t>(seconds.size())},
                      {"session", static_cast<std::int64_t>(starts.size())}};
  group.variables = {column("seconds", "task", seconds, "wall time in the task", "s"),
                     column("finished", "task", finished, "when the task ended", "seconds since 1970-01-01"),
                     column("rank", "task", ranks, "rank that computed it"),
                     column("attempt", "task", attempts, "1 for the first attempt"),
                     texts("host", {"task"}, hosts, "host that computed it")};
  const auto seen = microarchitectures_of(starts);
  std::vector<std::string> environments, cpus;
  for (const Environment& environment : study.environments.list) {
    environments.push_back(environment.name);
    std::string text;
    if (const auto found = seen.find(environment.name); found != seen.end())
      for (const std::string& cpu : found->second) text += (text.empty() ? "" : ", ") + cpu;
    cpus.push_back(text);
  }
  group.dimensions.push_back({"environment", static_cast<std::int64_t>(environments.size())});
  group.variables.push_back(texts("environment", {"environment"}, environments, "name of the environment"));
  group.variables.push_back(texts("microarchitectures", {"environment"}, cpus, "CPUs of the ranks that had it"));
  std::vector<std::string> sessions;
  for (const Json& one : starts) sessions.push_back(one.dump());
  if (!sessions.empty())
    group.variables.push_back(
        texts("session", {"session"}, sessions, "JSON of every start: when, ranks, hosts and their passports"));
  else
    std::erase_if(group.dimensions, [](const store::Dimension& dimension) { return dimension.name == "session"; });
  return group;
}

// "fashion-mnist (1234abcd...): files": the data sets that were used beside the study's own, a line each.
std::string other_sources(const Json& data) {
  std::string lines;
  for (const Json& other : data.value("others", Json::array()))
    lines += (lines.empty() ? "" : "\n") + other.at("name").get<std::string>() + " (" +
             other.at("sha256").get<std::string>() + "): " + other.at("source").get<std::string>();
  return lines;
}

}  // namespace

store::Group build_results(const Session& session, const StudyRecords& records) {
  const Json& head = *records.head;
  store::Group root;
  const Json& data = head.at("data");
  const std::vector<const Outcome*> outcomes = outcomes_of(session.plan, records);
  std::size_t done = 0, failed = 0;
  for (const Outcome* outcome : outcomes)
    if (outcome != nullptr) ++(outcome->status == TaskStatus::done ? done : failed);
  const auto total = session.plan.tasks.size();
  root.attributes = {{"format", results_format},
                     {"format_version", std::int64_t{results_version}},
                     {"title", head.at("title").get<std::string>()},
                     {"program_version", program_version()},
                     {"git", git_state()},
                     {"experiment", session.job.experiment()},
                     {"job_file", head.at("job_text").get<std::string>()},
                     {"settings", head.at("settings").dump()},
                     {"dataset", data.at("name").get<std::string>()},
                     {"dataset_sha256", data.at("sha256").get<std::string>()},
                     {"dataset_source", data.at("source").get<std::string>()},
                     {"dataset_generated", std::int64_t{data.value("generated", false)}},
                     {"other_datasets", other_sources(data)},
                     {"reproducible", std::int64_t{session.binding.rule != "any"}},
                     {"complete", std::int64_t{done == total}},
                     {"tasks_done", static_cast<std::int64_t>(done)},
                     {"tasks_failed", static_cast<std::int64_t>(failed)},
                     {"tasks_open", static_cast<std::int64_t>(total - done - failed)}};
  const OutcomeLookup lookup = [&outcomes](std::size_t task) { return outcomes.at(task); };
  root.children = session.experiment->tabulate(session.inputs(), session.plan, lookup);
  root.children.push_back(published_group(session.experiment->papers()));
  root.children.push_back(environments_group(session));
  root.children.push_back(tasks_group(session, outcomes));
  root.children.push_back(run_group(session, records.sessions, outcomes));
  add_compared(root, session.experiment->report(root), session.experiment->papers());
  return root;
}

Identity publish(const Session& session, const StudyPaths& paths, store::Journal& journal) {
  const StudyRecords records = read_records(paths.journal());
  // The journal knows a file before the file has its name: at no time is there one that it does not know.
  return store::write_results_file(paths.results, build_results(session, records), [&](const Identity& hash) {
    journal.append(static_cast<std::uint32_t>(RecordType::published),
                   as_bytes(canonical({{"sha256", hash.hex()}, {"at_s", unix_time_s()}})));
    journal.flush();
  });
}

Publication read_publication(const StudyPaths& paths, const std::function<void()>& between) {
  Publication found;
  if (std::filesystem::exists(paths.results)) {
    found.file = read_file(paths.results);
    found.hash = Identity::of(*found.file);
  }
  if (between) between();
  found.records = read_records(paths.journal());
  const auto& published = found.records.published;
  found.known = found.file && std::find(published.begin(), published.end(), found.hash) != published.end();
  return found;
}

store::Group open_results(const StudyPaths& paths) {
  if (!std::filesystem::exists(paths.results)) {
    if (std::filesystem::exists(paths.journal()))
      throw InputError(paths.results + " has not been published yet; its journal is there: `telltale status " +
                       paths.results + "` shows how far the study is, `telltale run` goes on with it");
    throw InputError("there is no results file " + paths.results);
  }
  if (!std::filesystem::exists(paths.journal())) return store::read_results_file(paths.results);
  const Publication found = read_publication(paths);
  if (!found.file) throw InputError("there is no results file " + paths.results);
  if (found.known) return store::decode_results(*found.file, paths.results);
  if (found.records.published.empty()) throw Error(paths.results + " is not the file that its journal describes");
  return store::decode_results(*found.file, paths.results, found.records.published.back());
}

}  // namespace telltale::study
