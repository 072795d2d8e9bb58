// The golden file: what names results that exist, and so may not change by itself. For every task of every job file
// its kind, payload, identity, prerequisites, environments, flags and stream keys. Of the job files' tasks, up to tens
// of thousands, golden.txt holds one of each kind written out and a hash over all; of some small jobs, every one.
//
// The environments and data sets are made up: no machine and no file decides what stands there. Order does not count:
// neither that of the tasks nor that of a task's prerequisites.
//
// TELLTALE_UPDATE_GOLDEN=1 rewrites golden.txt. Do that only with a version that was raised on purpose.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <unordered_map>

#include "experiments/boundary/boundary.h"
#include "experiments/made_up.h"
#include "experiments/ownership/ownership.h"
#include "experiments/training.h"
#include "study/experiment.h"
#include "watermark/schemes/added_noise.h"

namespace telltale::experiments {
namespace {

using namespace study;
namespace fs = std::filesystem;

const fs::path repository = TELLTALE_REPOSITORY;
const fs::path golden_file = repository / "tests" / "experiments" / "golden.txt";

// ---- What is pinned ----

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text.empty() ? "none" : text;
}

// Long lists are cut: a hash stands for them.
std::string shortened(std::vector<std::string> parts) {
  constexpr std::size_t most = 4;
  if (parts.size() <= most) return joined(parts);
  const std::string all = joined(parts);
  parts.resize(2);
  return joined(parts) + ", ... (" + std::to_string(std::count(all.begin(), all.end(), ',') + 1) +
         " in all, SHA-256 of the list " + Identity::of(all).hex() + ")";
}

std::string shortened(const Json& payload, const std::string& text) {
  const auto is_long = [](const Json& value) {
    return value.is_array() && value.size() > 4 && value.front().is_string();
  };
  if (std::none_of(payload.begin(), payload.end(), is_long)) return text;
  Json copy = payload;
  for (auto& value : copy)
    if (is_long(value)) value = shortened(value.get<std::vector<std::string>>());
  return canonical(copy);
}

// The streams that a task draws from: their keys by what they are for. What is derived from these while it runs (by
// epoch, by parameter, by image) is the business of whoever draws.
std::map<std::string, Identity> streams_of(const Json& payload) {
  std::map<std::string, Identity> keys;
  const auto add_scheme = [&](const Json& scheme) {
    if (!watermark::scheme_of(scheme).marks()) return;
    const watermark::KeyStreams streams(scheme);
    keys["key images"] = streams.images;
    keys["secret"] = streams.secret;
    keys["wrong secret"] = streams.wrong_secret;
  };
  const std::string kind = payload.at("kind");
  if (kind == Train::kind.name) {
    const auto train = fields_from<Train>(payload);
    const TrainingStreams streams(train.of);
    keys["initial weights"] = streams.initial_weights;
    keys["order"] = streams.order;
    add_scheme(train.of.scheme);
  } else if (kind == Evaluate::kind.name) {
    add_scheme(fields_from<Evaluate>(payload).scheme);
  } else if (kind == boundary::Search::kind.name) {
    keys["search"] = boundary::draws_of(fields_from<boundary::Search>(payload));
  }
  return keys;
}

// One task in words.
std::string text_of(const PlannedTask& task, const Plan& plan, const Environments& environments) {
  const std::string payload = canonical(task.payload);
  EXPECT_EQ(task.identity, Identity::of(payload)) << "a task is not named by what determines it: " << payload;
  std::vector<std::string> needs, places, flags;
  for (const std::size_t index : task.prerequisites) needs.push_back(plan.tasks[index].identity.hex());
  std::sort(needs.begin(), needs.end());
  for (const int e : task.environments) places.push_back(environments.list[static_cast<std::size_t>(e)].name);
  if (task.has_artifact) flags.emplace_back("has_artifact");
  if (task.asks) flags.emplace_back("asks");
  if (task.keeps_checkpoints) flags.emplace_back("keeps_checkpoints");
  std::string text = "- identity " + task.identity.hex() + "\n  payload " + shortened(task.payload, payload) +
                     "\n  needs " + shortened(needs) + "\n  environments " + joined(places) + "\n  flags " +
                     joined(flags) + "\n";
  for (const auto& [purpose, key] : streams_of(task.payload)) text += "  stream " + purpose + ": " + key.hex() + "\n";
  return text;
}

// One kind of tasks of one job: "[jobs/x.ini: train]", a line about all of them, and some of them written out.
struct Section {
  std::string about;
  std::vector<std::string> tasks;
};
using Golden = std::map<std::string, Section>;

std::string identity_in(const std::string& task) { return task.substr(0, task.find('\n')); }

// Everything about one job, by the names of the sections.
Golden sections_of(const std::string& name, const Job& job, const data::Dataset* data, const World& world) {
  const Experiment& experiment = experiment_named(job.experiment());
  const auto subjects = experiment.subjects(job, data);
  const Environments environments = made_up_environments(world, subjects);
  const Binding binding{world.rule, world.rule == "bound" ? static_cast<int>(world.profiles.size()) - 1 : -1};
  const data::OtherData others = made_up_other_data(job);
  const Plan plan = experiment.plan({job, data, others, environments, binding});

  Golden golden;
  std::set<std::string> fingerprinted;
  for (const auto& subject : subjects) fingerprinted.insert(subject.key());
  golden[name].about =
      std::to_string(plan.cases) + " cases; fingerprints of " + joined({fingerprinted.begin(), fingerprinted.end()});
  std::map<std::string, double> seconds;
  for (const PlannedTask& task : plan.tasks) {
    const std::string section = name + ": " + task.stage;
    golden[section].tasks.push_back(text_of(task, plan, environments));
    seconds[section] += task.cost_s;
  }
  for (auto& [section, content] : golden) {
    if (section == name) continue;
    std::vector<Identity> hashes;
    hashes.reserve(content.tasks.size());
    for (const std::string& task : content.tasks) hashes.push_back(Identity::of(task));
    std::sort(hashes.begin(), hashes.end());
    Hasher all;
    for (const Identity& hash : hashes) all.update(hash.bytes());
    std::ostringstream cost;
    cost << seconds[section];
    content.about = std::to_string(content.tasks.size()) + " tasks, estimated " + cost.str() +
                    " s; SHA-256 of them all " + all.finish().hex();
  }
  return golden;
}

// ---- The file ----

Golden read_golden() {
  Golden golden;
  Section* section = nullptr;
  std::ifstream file(golden_file);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("[")) {
      section = &golden[line.substr(1, line.size() - 2)];
    } else if (section == nullptr || line.empty()) {
      continue;
    } else if (line.starts_with("- ")) {
      section->tasks.push_back(line + "\n");
    } else if (line.starts_with("  ")) {
      section->tasks.back() += line + "\n";
    } else {
      section->about = line;
    }
  }
  return golden;
}

void write_golden(const Golden& golden) {
  std::ofstream file(golden_file);
  file << "What names results that exist: made and explained by golden_test.cpp.\n";
  for (const auto& [name, section] : golden) {
    file << "\n[" << name << "]\n" << section.about << "\n";
    for (const std::string& task : section.tasks) file << task;
  }
}

// Fails, with the first task that differs, unless `actual` is what the file says of it.
void compare(const std::string& name, const Golden& expected, const Section& actual) {
  const auto found = expected.find(name);
  if (found == expected.end()) {
    ADD_FAILURE() << "[" << name << "] is not in golden.txt";
    return;
  }
  std::unordered_map<std::string, const std::string*> by_identity;
  for (const std::string& task : actual.tasks) by_identity[identity_in(task)] = &task;
  std::set<std::string> known;
  std::string missing;
  for (const std::string& task : found->second.tasks) {
    known.insert(identity_in(task));
    const auto same = by_identity.find(identity_in(task));
    if (missing.empty() && (same == by_identity.end() || *same->second != task)) missing = task;
  }
  std::string instead = "none\n";
  for (const std::string& task : actual.tasks)
    if (known.count(identity_in(task)) == 0 || identity_in(task) == identity_in(missing)) {
      instead = task;
      break;
    }
  if (found->second.about == actual.about && missing.empty()) return;
  ADD_FAILURE() << "[" << name << "] is not what golden.txt says.\nthere: " << found->second.about
                << "\nhere:  " << actual.about << "\n"
                << (missing.empty() ? "The task that is written out there is the same; others differ.\n"
                                    : "there:\n" + missing + "here:\n" + instead);
}

bool updating() { return std::getenv("TELLTALE_UPDATE_GOLDEN") != nullptr; }

std::string job_in(const std::string& section) { return section.substr(0, section.find(':')); }

// Compares the sections of one job with the file; or, asked to, puts them there.
void check(const std::string& job, Golden actual, std::size_t written) {
  Golden expected = read_golden();
  if (updating()) {
    std::erase_if(expected, [&](const auto& section) { return job_in(section.first) == job; });
    for (auto& [name, section] : actual) {
      section.tasks.resize(std::min(section.tasks.size(), written));
      expected[name] = std::move(section);
    }
    write_golden(expected);
    return;
  }
  for (const auto& [name, section] : actual) compare(name, expected, section);
  for (const auto& [name, section] : expected) {
    if (job_in(name) == job && actual.find(name) == actual.end()) ADD_FAILURE() << "[" << name << "] has gone";
  }
}

// ---- Tests ----

TEST(Golden, TasksOfTheJobFiles) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "takes minutes under sanitizers; the other golden tests go the same ways";
#endif
  // One data set is in memory at a time.
  std::multimap<std::string, std::pair<std::string, Job>> by_data;
  for (const auto& entry : fs::directory_iterator(repository / "jobs")) {
    if (entry.path().extension() != ".ini") continue;
    Job job = Job::load(entry.path().string(), {});
    std::string data = job.text("dataset") + " " + job.text("train-images") + " " + job.text("test-images");
    by_data.emplace(std::move(data), std::pair("jobs/" + entry.path().filename().string(), std::move(job)));
  }
  ASSERT_FALSE(by_data.empty());
  std::set<std::string> names;
  std::string held;
  std::optional<data::Dataset> data;
  for (const auto& [key, named] : by_data) {
    const auto& [name, job] = named;
    names.insert(name);
    if (held != key) {
      data.reset();
      data = made_up_data(job);
      held = key;
    }
    check(name, sections_of(name, job, &*data, {}), 1);
  }
  Golden expected = read_golden();
  const auto gone = [&](const auto& section) {
    return section.first.starts_with("jobs/") && names.count(job_in(section.first)) == 0;
  };
  if (updating() && std::erase_if(expected, gone) > 0) write_golden(expected);
  for (const auto& section : expected) EXPECT_FALSE(gone(section)) << section.first << " has no job file";
}

void check_in_full(const std::string& name, const std::string& text, const World& world) {
  const Job job = Job::parse(text, name);
  std::optional<data::Dataset> data;
  if (experiment_named(job.experiment()).needs_data()) data = made_up_data(job);
  check(name, sections_of(name, job, data ? &*data : nullptr, world), SIZE_MAX);
}

TEST(Golden, NewLabelSpread) {
  check_in_full(
      "new-label, spread",
      "experiment = new-label\nseed = 7\nrepeats = 2\ntrain-images = 200\ntest-images = 50\n"
      "momentum = 0.9\nweight-decay = 0.001\nbatch = 20\nepochs = 3\nlr-milestones = 1, 2\nlr-gamma = 0.5\n"
      "augment = crop-flip\nreading = variance\nalpha = 0.05\nbeta = 0.25\ntarget = 3\nclip = yes\n"
      "key-noise = fresh\nkey-images = 20\nprune-scope = global, per-tensor\nprune-rate = 0, 0.5\ntune = ftll, rtal\n"
      "predict-images = 10\npredict-batch = 1, 16\neval-batch = 25\n",
      {.rule = "spread"});
}

TEST(Golden, NewLabelOfSeveralNetworksAnywhere) {
  check_in_full("new-label, any",
                "experiment = new-label\ndataset = tiles\ntrain-images = 200\ntest-images = 50\n"
                "network = resnet-20, resnet-32\nshortcut = conv, pad\npool = window\noptimizer = adam\n"
                "learning-rate = 0.001\nscheme = noise-backdoor\n",
                {.rule = "any"});
}

TEST(Golden, Compare) {
  check_in_full("compare",
                "experiment = compare\ndataset = tiles\ntrain-images = 200\ntest-images = 50\n"
                "network = dnn-1, resnet-20\nbatch = 20\npredict-images = 10\npredict-batch = 1, 16\nthreads = 1, 2\n"
                "precision = float32, bfloat16\n",
                {.profiles = {"haswell", "skylakex"}});
}

TEST(Golden, BoundaryVersusEach) {
  check_in_full("boundary, versus each",
                "experiment = boundary\ntrain-images = 200\ntest-images = 50\nnetwork = resnet-20\n"
                "search = paper, telltale\nversus = all, each\nimages = 2\npublished-images = 1\nfirst-image = 3\n"
                "local = haswell\nlocal-limit = 300\nremote-limit = 200\n",
                {.profiles = {"barcelona", "haswell", "skylakex"}});
}

TEST(Golden, BoundaryForTargetsOnTheGrid) {
  check_in_full("boundary, targets",
                "experiment = boundary\ndataset = tiles\ntrain-images = 200\ntest-images = 50\nnetwork = dnn-2\n"
                "target-machine = any, each\ngrid = float, 8-bit\nimages = 1\nclip = yes\nsteps = yes\n"
                "search-batch = 2\nevaluation-limit = 900\npsnr-floor = 30.5\n",
                {.same_as = {{"sandybridge", "haswell"}}});
}

TEST(Golden, Empty) { check_in_full("empty", "experiment = empty\nseed = 5\ntasks = 3\ntask-seconds = 0.5\n", {}); }

}  // namespace
}  // namespace telltale::experiments
