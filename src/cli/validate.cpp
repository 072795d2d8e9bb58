#include <fmt/format.h>

#include <map>

#include "cli/ranks.h"
#include "cli/requests.h"
#include "cluster/site_check.h"
#include "forensics/cpu.h"
#include "study/axis.h"
#include "study/environments.h"

namespace telltale::cli {
namespace {

std::string nodes_text(const cluster::SiteFindings& findings) {
  std::string text =
      fmt::format("{:>5}  {:<20} {:<20} {:>5}  {:>12}\n", "rank", "node", "microarchitecture", "cores", "memory (GiB)");
  for (std::size_t rank = 0; rank < findings.ranks.size(); ++rank) {
    const cluster::RankFindings& one = findings.ranks[rank];
    constexpr double gib = 1024.0 * 1024 * 1024;
    text += fmt::format("{:>5}  {:<20} {:<20} {:>5}  {:>12.1f}\n", rank, one.host, one.microarchitecture, one.cores,
                        one.memory_bytes / gib);
  }
  return text;
}

}  // namespace

int run_validate(const Arguments& arguments, char**) {
  const auto options = read_validate(arguments);
  if (!options) return all_done;
  run_on_ranks("validate", some_failed, [&](cluster::Communicator& communicator) {
    const forensics::Cpu& cpu = forensics::this_cpu();
    const cluster::SiteFindings findings = check_site(
        communicator, options->argument, forensics::microarchitecture(cpu.vendor, cpu.family, cpu.model, cpu.stepping));
    std::vector<cluster::Remark> remarks = remarks_on(findings);
    std::map<std::string, std::string> came;
    for (const cluster::RankFindings& rank : findings.ranks) came[rank.host] = rank.microarchitecture;
    const auto expected = options->value("expect");
    for (std::string& sentence :
         study::missing_nodes(expected ? study::split_list(*expected) : std::vector<std::string>{}, came))
      remarks.push_back({cluster::Remark::Kind::missing, std::move(sentence)});

    BodyResult result;
    result.last_words = nodes_text(findings) + "\n";
    for (const cluster::Remark& remark : remarks) {
      const bool missing = remark.kind == cluster::Remark::Kind::missing;
      if (missing) result.exit_code = some_failed;
      result.last_words += fmt::format("{:<8} {}\n",
                                       missing                                      ? "MISSING"
                                       : remark.kind == cluster::Remark::Kind::note ? "note"
                                                                                    : "ok",
                                       remark.text);
    }
    return result;
  });
}

}  // namespace telltale::cli
