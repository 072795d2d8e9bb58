#include "slurm/submission.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/error.h"
#include "core/text.h"

namespace telltale::slurm {
namespace {

constexpr std::string_view harmless_in_shells =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-";

void add(std::vector<std::string>& words, const char* option, const std::string& value) {
  if (!value.empty()) words.push_back(fmt::format("--{}={}", option, value));
}

// What nodes of one kind are asked for with, beside their number.
void add_kind(std::vector<std::string>& words, const Site& site, const NodeKind& kind) {
  add(words, "partition", kind.partition.empty() ? site.partition : kind.partition);
  add(words, "account", kind.account.empty() ? site.account : kind.account);
  add(words, "qos", kind.qos.empty() ? site.qos : kind.qos);
}

void add_nodes(std::vector<std::string>& words, int nodes, const std::string& constraint, int ranks_a_node) {
  words.push_back(fmt::format("--nodes={}", nodes));
  words.push_back(fmt::format("--ntasks-per-node={}", ranks_a_node));
  add(words, "constraint", constraint);
}

std::string feature_of(const Site& site, const NodeCount& count) {
  const NodeKind& kind = site.kind(count.kind);
  return kind.feature.empty() ? count.kind : kind.feature;
}

// One allocation over all kinds: they have to agree in whatever a job has once.
void add_one_allocation(std::vector<std::string>& words, const Site& site, const Submission& submission) {
  int nodes = 0;
  std::vector<std::string> features;
  std::set<std::vector<std::string>> places;
  for (const NodeCount& one : submission.nodes) {
    nodes += one.count;
    std::vector<std::string> place;
    add_kind(place, site, one.kind.empty() ? NodeKind{} : site.kind(one.kind));
    places.insert(std::move(place));
    if (!one.kind.empty()) features.push_back(fmt::format("{}*{}", feature_of(site, one), one.count));
  }
  if (places.size() > 1)
    throw InputError(
        "these nodes are in different partitions, accounts or qualities of service: one allocation cannot hold them; "
        "`allocation = heterogeneous` in the site file asks for a job of several parts");
  words.insert(words.end(), places.begin()->begin(), places.begin()->end());
  // Slurm counts in brackets only where there is something to tell apart.
  const std::string constraint = features.size() > 1    ? "[" + joined(features, "&") + "]"
                                 : features.size() == 1 ? feature_of(site, submission.nodes.front())
                                                        : "";
  add_nodes(words, nodes, constraint, submission.ranks_a_node);
}

void add_parts(std::vector<std::string>& words, const Site& site, const Submission& submission) {
  for (const NodeCount& one : submission.nodes) {
    if (&one != submission.nodes.data()) words.emplace_back(":");
    add_kind(words, site, site.kind(one.kind));
    add_nodes(words, one.count, feature_of(site, one), submission.ranks_a_node);
  }
}

// What it says, with an option more; throws if it refuses.
std::string said_by_sbatch(const Site& site, const Submission& submission, const char* option, bool all_output) {
  std::vector<std::string> words = sbatch_words(site, submission);
  words.insert(words.begin() + 1, option);
  const CommandResult answer = run_sbatch(site, words, std::chrono::minutes(2));
  const bool refused = answer.exit_code != 0;
  std::string said = refused || all_output ? answer.errors + answer.output : answer.output;
  while (!said.empty() && said.back() == '\n') said.pop_back();
  if (refused) throw InputError("Slurm refuses: " + said);
  return said;
}

}  // namespace

std::vector<std::string> sbatch_words(const Site& site, const Submission& submission) {
  std::vector<std::string> words{"sbatch"};
  // What a job has once stands with its first part.
  add(words, "job-name", submission.name);
  // Slurm replaces %-patterns in the names of logs.
  std::string log;
  for (const char c : submission.log) log += c == '%' ? "%%" : std::string(1, c);
  add(words, "output", log);
  add(words, "time", submission.time.empty() ? site.time : submission.time);
  words.emplace_back(site.requeue ? "--requeue" : "--no-requeue");
  if (!submission.dependencies.empty()) {
    words.push_back("--dependency=" + joined(submission.dependencies, ","));
    words.emplace_back("--kill-on-invalid-dep=yes");
  }
  words.insert(words.end(), site.sbatch.begin(), site.sbatch.end());
  if (site.allocation == Allocation::heterogeneous && submission.nodes.size() > 1)
    add_parts(words, site, submission);
  else
    add_one_allocation(words, site, submission);
  words.push_back(submission.script);
  words.insert(words.end(), submission.arguments.begin(), submission.arguments.end());
  return words;
}

std::vector<std::string> variables_of_script(const Site& site) {
  std::vector<std::string> variables;
  if (site.launcher == Launcher::srun) variables.emplace_back("TELLTALE_LAUNCHER=srun");
  if (!site.requeue) variables.emplace_back("TELLTALE_REQUEUE=no");
  return variables;
}

CommandResult run_sbatch(const Site& site, const std::vector<std::string>& words, std::chrono::milliseconds limit) {
  try {
    return run_command(words, variables_of_script(site), limit);
  } catch (const Error& error) {
    throw InputError(fmt::format(
        "there is no Slurm here to submit to ({}); without it: mpirun -n RANKS telltale run ...", error.what()));
  }
}

std::string submit(const Site& site, const Submission& submission) {
  const std::string said = said_by_sbatch(site, submission, "--parsable", false);
  // "12" or "12;cluster", perhaps behind what a site's plugin has to say.
  const std::string last = said.substr(said.find_last_of('\n') + 1);
  const std::string id = last.substr(0, last.find(';'));
  if (id.empty() || id.find_first_not_of("0123456789") != std::string::npos)
    throw Error("Slurm took the job, but does not say which it is: " + said);
  return id;
}

std::string test_only(const Site& site, const Submission& submission) {
  return said_by_sbatch(site, submission, "--test-only", true);
}

std::string as_typed(const std::vector<std::string>& words) {
  std::vector<std::string> typed;
  for (const std::string& word : words) {
    if (!word.empty() && word.find_first_not_of(harmless_in_shells) == std::string::npos) {
      typed.push_back(word);
      continue;
    }
    std::string quoted = "'";
    for (const char c : word) quoted += c == '\'' ? "'\\''" : std::string(1, c);
    typed.push_back(quoted + "'");
  }
  return joined(typed, " ");
}

std::string job_name(const std::string& text) {
  std::string name = "telltale-";
  for (const char c : text) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
    name += plain ? c : '_';
  }
  return name;
}

}  // namespace telltale::slurm
