#include <cstdio>
#include <future>

#include "cli/computing.h"
#include "cli/options.h"
#include "cli/ranks.h"
#include "cli/requests.h"
#include "cluster/agreement.h"
#include "forensics/fingerprint.h"
#include "forensics/passport.h"
#include "study/environments.h"
#include "study/experiment.h"
#include "study/session.h"

namespace telltale::cli {
namespace {

std::string ranks_text(const std::vector<int>& ranks) {
  std::string text;
  for (const int rank : ranks) text += (text.empty() ? "" : ",") + std::to_string(rank);
  return text;
}

std::string probe_text(const std::vector<forensics::RankReport>& reports) {
  std::string text =
      "rank  host              profile       CPU                      OpenBLAS     oneDNN            ATen     "
      "fingerprint\n";
  for (const auto& report : reports) {
    const Json &cpu = report.passport.at("cpu"), &kernels = report.passport.at("kernels");
    std::string fingerprint;
    for (const auto& [subject, hash] : report.fingerprints.by_subject) fingerprint += hash;
    char line[256];
    std::snprintf(line, sizeof line, "%4d  %-16.16s  %-12s  %-23.23s  %-11.11s  %-16.16s  %-7.7s  %s\n", report.rank,
                  study::host_of(report).c_str(), study::profile_of(report).c_str(),
                  cpu.at("microarchitecture").get<std::string>().c_str(),
                  kernels.at("openblas").get<std::string>().c_str(), kernels.at("onednn").get<std::string>().c_str(),
                  kernels.at("aten").get<std::string>().c_str(), Identity::of(fingerprint).brief().c_str());
    text += line;
  }
  const forensics::Grouping grouping = forensics::group_environments(reports);
  text += "\nfall together (bit for bit, in everything asked):\n";
  for (const auto& group : grouping.groups)
    text += "  ranks " + ranks_text(group.ranks) + "  (environment " + group.environment.brief() + ")\n";
  if (grouping.groups.size() > 1) {
    text += "\nby operation:\n";
    for (const auto& [operation, sets] : grouping.by_operation) {
      text += "  " + operation + ": ";
      for (std::size_t i = 0; i < sets.size(); ++i) text += (i ? " | " : "") + ranks_text(sets[i]);
      text += "\n";
    }
  }
  for (const int rank : grouping.set_aside)
    text += "\nrank " + std::to_string(rank) + " does not repeat its own bits: it would be set aside\n";
  std::string warned;
  for (const auto& report : reports)
    for (const std::string& warning : forensics::warnings(report.passport))
      warned += "  rank " + std::to_string(report.rank) + ": " + warning + "\n";
  if (!warned.empty()) text += "\nwarnings:\n" + warned;
  return text;
}

}  // namespace

int run_probe(const Arguments& arguments, char** argv) {
  const auto request = read_probe(arguments);
  if (!request) return all_done;
  const study::Job& job = request->job;
  take_profile(job, true, argv);
  start_log(request->options);
  run_on_ranks("probe", unusable_input, [&](cluster::Communicator& communicator) {
    std::vector<forensics::Subject> subjects;
    cluster::agree(communicator, [&] { subjects = study::experiment_named(job.experiment()).subjects(job, nullptr); });
    const auto reports = study::gather_reports(communicator, subjects, computing());
    Json all = Json::array();
    for (const auto& report : reports)
      all.push_back(
          {{"rank", report.rank}, {"passport", report.passport}, {"fingerprints", report.fingerprints.to_json()}});
    return BodyResult{.last_words = request->options.value("json") == "yes" ? all.dump(2) + "\n" : probe_text(reports)};
  });
}

}  // namespace telltale::cli
