#include "study/session.h"

#include <algorithm>
#include <future>
#include <set>

#include "cluster/agreement.h"
#include "core/error.h"
#include "core/log.h"
#include "forensics/passport.h"
#include "forensics/profile.h"
#include "study/data_request.h"
#include "study/version.h"

namespace telltale::study {
namespace {

// Loads a data set once a node. Collective.
data::Dataset shared_data(cluster::Communicator& communicator, const std::string& key,
                          const data::DatasetRequest& request) {
  const auto blob = std::make_shared<cluster::SharedBlob>(
      cluster::share_on_node(communicator, key, [&] { return data::load_packed(request); }));
  std::optional<data::Dataset> data;
  cluster::agree(communicator, [&] { data = data::Dataset::open(blob->bytes(), blob); });
  return *data;
}

// The hashes of all data of a rank, by name.
Json data_hashes(const Session& session) {
  Json hashes = Json::object();
  if (session.data) hashes[session.data->name()] = session.data->content_hash().hex();
  for (const auto& [name, data] : session.other_data) hashes["other: " + name] = data.content_hash().hex();
  return hashes;
}

// On a thread of its own, as tasks are computed: what the libraries keep for each thread is then the same.
forensics::Fingerprints fingerprints_of_this_rank(const std::vector<forensics::Subject>& subjects,
                                                  const Computing& computing) {
  return std::async(std::launch::async, [&] { return computing.fingerprints(subjects); }).get();
}

// `train-on` with aliases and "best" resolved on this rank's CPU: "spread", "any", or the name of a profile.
std::string training_profile(const Job& job) {
  const std::string wanted = job.has("train-on") ? job.text("train-on") : "best";
  if (wanted == "spread" || wanted == "any") return wanted;
  try {
    return forensics::canonical_profile(wanted);
  } catch (const InputError& error) {
    job.refuse("train-on", error.what());
  }
}

void require_begun_with(const data::Dataset& data, const Json& begun) {
  const std::string here = data.content_hash().hex(), there = begun.at("sha256");
  if (here != there)
    throw InputError("the data set " + data.name() + " is not the one that these results began with (" +
                     here.substr(0, 12) + " here, " + there.substr(0, 12) + " there)");
}

// All data of a study that goes on.
void require_begun_with(const Session& session, const Json& head) {
  if (session.data) require_begun_with(*session.data, head.at("data"));
  for (const Json& other : head.at("data").value("others", Json::array()))
    require_begun_with(session.other_data.at(other.at("name")), other);
}

std::vector<Environment> environments_in(const Json& head) {
  std::vector<Environment> recorded;
  for (const Json& environment : head.at("environments")) recorded.push_back(Environment::from_json(environment));
  return recorded;
}

std::string present_profiles(const std::vector<forensics::RankReport>& ranks, const std::vector<bool>& computes) {
  std::set<std::string> names;
  for (std::size_t rank = 0; rank < ranks.size(); ++rank)
    if (computes[rank]) names.insert(profile_of(ranks[rank]));
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

}  // namespace

std::vector<forensics::RankReport> gather_reports(cluster::Communicator& communicator,
                                                  const std::vector<forensics::Subject>& subjects,
                                                  const Computing& computing) {
  const auto gathered = cluster::gather_json(communicator, [&]() -> Json {
    forensics::Fingerprints fingerprints;
    if (computing) fingerprints = fingerprints_of_this_rank(subjects, computing);
    const forensics::LibTorch libtorch = computing ? computing.libtorch() : forensics::LibTorch{};
    return {{"passport", forensics::passport(libtorch)}, {"fingerprints", fingerprints.to_json()}};
  });
  std::vector<forensics::RankReport> reports;
  for (const Json& json : gathered)
    reports.push_back({static_cast<int>(reports.size()), json.at("passport"),
                       forensics::Fingerprints::from_json(json.at("fingerprints"))});
  return reports;
}

Session gather(Job job, cluster::Communicator& communicator, const Computing& computing) {
  Session session{std::move(job), nullptr, nullptr, {}, {}, {}, {}, {}, {}, {}};
  const int size = communicator.size();
  session.computes.assign(static_cast<std::size_t>(size), true);
  session.computes[0] = size == 1 || session.job.flag("coordinator-works");
  const bool computes = session.computes[static_cast<std::size_t>(communicator.rank())];

  std::optional<data::DatasetRequest> request;
  std::map<std::string, data::DatasetRequest> others;
  cluster::agree(communicator, [&] {
    session.experiment = &experiment_named(session.job.experiment());
    if (!session.experiment->needs_data()) return;
    request = data_request(session.job);
    for (const std::string& name : session.experiment->other_data(session.job))
      others[name] = other_data_request(session.job, name);
  });
  if (request) session.data = std::make_unique<data::Dataset>(shared_data(communicator, "data", *request));
  for (const auto& [name, other] : others)
    session.other_data.emplace(name, shared_data(communicator, "data " + name, other));
  std::vector<forensics::Subject> subjects;
  cluster::agree(communicator, [&] {
    subjects = session.experiment->subjects(session.job, session.data.get());
    if (!subjects.empty()) require_computing(session, communicator, computing);
  });
  session.ranks = gather_reports(communicator, subjects, computes ? computing : Computing{});
  log::info("profile {} on host {}{}", profile_of(session.ranks[static_cast<std::size_t>(communicator.rank())]),
            communicator.host(), computes ? "" : "; coordinates only");
  const auto hashes = cluster::gather_json(communicator, [&] { return data_hashes(session); });
  for (std::size_t rank = 0; rank < hashes.size(); ++rank)
    for (const auto& [name, hash] : hashes.front().items())
      if (hashes[rank].at(name) != hash)
        throw cluster::SharedInputError("the data set " + name + " differs between the hosts " +
                                        host_of(session.ranks.front()) + " and " + host_of(session.ranks[rank]));
  return session;
}

void require_computing(const Session& session, const cluster::Communicator& communicator, const Computing& computing) {
  if (session.computes[static_cast<std::size_t>(communicator.rank())] && !computing)
    throw InputError(
        "this rank is alone, though its launcher said that others would compute: the launcher and MPI do "
        "not know each other (with srun, try --mpi=pmix)");
}

void make_plan(Session& session, const StudyRecords* records) {
  if (records == nullptr) {
    session.environments = environments_of(session.ranks, session.computes);
    try {
      session.binding = bind_training(training_profile(session.job), session.environments);
    } catch (const InputError& error) {
      session.job.refuse("train-on", error.what());
    }
  } else {
    const Json& head = *records->head;
    session.notes = session.job.keep_defaults(head.at("settings"), head.at("job_text").get<std::string>());
    // A key that is younger than the journal had its default there.
    const auto differing = differences(session.job.settings(), Job::from_settings(head.at("settings")).settings());
    if (!differing.empty()) {
      std::string text = "these results belong to another job file; what differs (here, and there in the results):";
      for (const std::string& line : differing) text += "\n  " + line;
      throw InputError(text + "\nchoose another output, or put the settings back");
    }
    require_begun_with(session, head);
    const std::vector<Environment> recorded = environments_in(head);
    session.environments = place_ranks(recorded, session.ranks, session.computes);
    session.binding = Binding::from_json(head.at("binding"));
    if (session.binding.rule == "bound") {
      const int trainer = session.binding.trainer;
      const auto& placed = session.environments.of_rank;
      const bool matters = !recorded[static_cast<std::size_t>(trainer)].fingerprints.empty();
      if (matters && std::find(placed.begin(), placed.end(), trainer) == placed.end())
        throw InputError("this study's trainings are bound to the environment " +
                         recorded[static_cast<std::size_t>(trainer)].name +
                         " since its first start, and no rank has it now (present: " +
                         present_profiles(session.ranks, session.computes) + "); start it with --profiles " +
                         recorded[static_cast<std::size_t>(trainer)].profile + " on such a machine");
    }
  }
  session.plan = session.experiment->plan(session.inputs());
  if (session.plan.tasks.empty()) throw InputError(session.job.path() + ": this job comes to no task");
}

Session reopened(const StudyRecords& records, const std::string& data_dir) {
  if (!records.head) throw InputError("this study has not begun");
  const Json& head = *records.head;
  Session session{Job::from_settings(head.at("settings")), nullptr, nullptr, {}, {}, {}, {}, {}, {}, {}};
  session.experiment = &experiment_named(session.job.experiment());
  const auto load = [&](data::DatasetRequest request) {
    if (!data_dir.empty()) request.directories = data::directories_of(data_dir);
    return data::load(request);
  };
  if (session.experiment->needs_data()) session.data = std::make_unique<data::Dataset>(load(data_request(session.job)));
  for (const std::string& name : session.experiment->other_data(session.job))
    session.other_data.emplace(name, load(other_data_request(session.job, name)));
  require_begun_with(session, head);
  session.environments = place_ranks(environments_in(head), {}, {});
  session.binding = Binding::from_json(head.at("binding"));
  session.plan = session.experiment->plan(session.inputs());
  return session;
}

Json head_of(const Session& session) {
  Json environments = Json::array();
  for (const Environment& environment : session.environments.list) environments.push_back(environment.to_json());
  Json data = {{"name", ""}, {"sha256", ""}, {"source", ""}};
  if (session.data)
    data = {{"name", session.data->name()},
            {"sha256", session.data->content_hash().hex()},
            {"source", session.data->source()},
            {"generated", session.data->origin() == data::Origin::generated},
            {"train_images", session.data->train().count},
            {"test_images", session.data->test().count}};
  for (const auto& [name, other] : session.other_data)
    data["others"].push_back({{"name", name}, {"sha256", other.content_hash().hex()}, {"source", other.source()}});
  return {{"format", "telltale journal"},       {"version", 1},
          {"program", program_version()},       {"git", git_state()},
          {"created_s", unix_time_s()},         {"job_path", session.job.path()},
          {"job_text", session.job.source()},   {"title", session.job.text("title")},
          {"settings", session.job.settings()}, {"data", data},
          {"environments", environments},       {"binding", session.binding.to_json()}};
}

Json plan_totals(const Plan& plan) {
  Json totals = Json::object();
  for (const PlannedTask& task : plan.tasks) {
    Json& stage = totals[task.stage];
    if (stage.is_null()) stage = {{"tasks", 0}, {"cost_s", 0.0}};
    stage["tasks"] = stage["tasks"].get<std::int64_t>() + 1;
    stage["cost_s"] = stage["cost_s"].get<double>() + task.cost_s;
  }
  return totals;
}

}  // namespace telltale::study
