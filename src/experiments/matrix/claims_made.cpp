#include "experiments/matrix/claims_made.h"

#include <algorithm>
#include <cmath>

#include "study/cells.h"
#include "watermark/attack.h"
#include "watermark/claims.h"

namespace telltale::experiments {
namespace {

using study::Cells;
using study::number_in;

// `least`: accuracy below which a network is not worth stealing, by scheme.
ClaimsMade::ByScheme claims_of(const store::Group& group, const std::map<std::string, double>& least) {
  ClaimsMade::ByScheme claims;
  if (group.find_variable("verdict") == nullptr) return claims;
  const Cells accuracy(group, "accuracy_second_half");
  const auto& verdicts = group.find_variable("verdict")->strings();
  const std::size_t sizes = study::length_of(group, "claim_size");
  const auto at_level = [](double p) { return watermark::meets(p, watermark::claim_level); };
  for (std::size_t cell = 0; cell < accuracy.size(); ++cell) {
    if (verdicts[cell].empty()) continue;
    const std::string scheme = accuracy.labels(cell).at("scheme");
    if (const auto found = least.find(scheme); found != least.end() && accuracy.value(cell) < found->second) continue;
    Claims& of = claims[scheme];
    ++of.count;
    ++of.verdicts[verdicts[cell]];
    const double by_key = number_in(group, "p_key", cell), by_labels = number_in(group, "p_labels", cell),
                 by_model = number_in(group, "p_model", cell), by_secret = std::fmax(by_key, by_labels);
    of.by_decoys_of += !std::isnan(by_key);
    if (!std::isnan(by_secret)) ++of.by_secret_of, of.by_secret += at_level(by_secret);
    if (!std::isnan(by_model)) ++of.by_nulls_of, of.by_nulls += at_level(by_model);
    of.strictly += watermark::meets(std::fmax(by_secret, by_model), strict_level);
    of.proven_by_size.resize(sizes, 0);
    for (std::size_t s = 0; s < sizes; ++s)
      of.proven_by_size[s] += at_level(number_in(group, "claim_p", cell * sizes + s));
  }
  return claims;
}

}  // namespace

std::size_t Claims::proven() const {
  const auto found = verdicts.find(std::string(watermark::name_of(watermark::Verdict::proven)));
  return found == verdicts.end() ? 0 : found->second;
}

void Claims::add(const Claims& more) {
  count += more.count, by_decoys_of += more.by_decoys_of, strictly += more.strictly;
  by_secret += more.by_secret, by_secret_of += more.by_secret_of;
  by_nulls += more.by_nulls, by_nulls_of += more.by_nulls_of;
  for (const auto& [verdict, times] : more.verdicts) verdicts[verdict] += times;
  proven_by_size.resize(std::max(proven_by_size.size(), more.proven_by_size.size()), 0);
  for (std::size_t s = 0; s < more.proven_by_size.size(); ++s) proven_by_size[s] += more.proven_by_size[s];
}

ClaimsMade claims_made(const store::Group& root, const store::Group& train, const std::vector<std::string>& attacks) {
  ClaimsMade made{claims_of(train, {}), {}, {}, {}};
  if (made.unattacked.empty()) return made;
  std::map<std::string, std::vector<double>> accuracies;
  const Cells accuracy(train, "accuracy_second_half");
  for (std::size_t cell = 0; cell < accuracy.size(); ++cell)
    if (!std::isnan(accuracy.value(cell)))
      accuracies[accuracy.labels(cell).at("scheme")].push_back(accuracy.value(cell));
  std::map<std::string, double> least;
  for (const auto& [scheme, values] : accuracies) least[scheme] = useful_share * study::mean(values);
  for (const std::string& attack : attacks) {
    const store::Group* group = root.child(attack);
    if (group == nullptr) continue;
    const bool is_control = watermark::attack_named(attack).is_control();
    const auto claims = claims_of(*group, is_control ? std::map<std::string, double>{} : least);
    for (const auto& [scheme, of] : claims) (is_control ? made.not_stolen : made.attacked)[scheme].add(of);
    if (!is_control) made.by_attack[attack] = claims;
  }
  return made;
}

}  // namespace telltale::experiments
