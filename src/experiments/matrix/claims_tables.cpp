#include "experiments/matrix/claims_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "experiments/ownership/claims.h"
#include "experiments/ownership/false_claims.h"
#include "study/cells.h"
#include "watermark/attack.h"
#include "watermark/claims.h"
#include "watermark/crossed_null.h"

namespace telltale::experiments {
namespace {

using study::Cells;
using study::Table;

double number(const store::Group& group, const std::string& name, std::size_t cell) {
  const store::Variable* variable = group.find_variable(name);
  return variable == nullptr ? std::nan("") : study::number_at(variable->numbers(), cell);
}

std::size_t size_of(const store::Group& group, const std::string& dimension) {
  const store::Dimension* found = group.find_dimension(dimension);
  return found == nullptr ? 0 : static_cast<std::size_t>(found->size);
}

std::string counted(std::size_t some, std::size_t all) { return fmt::format("{} of {}", some, all); }

// The claims of a scheme's networks, unattacked or attacked.
struct Claims {
  std::size_t count = 0, by_secret = 0, by_secret_of = 0, by_nulls = 0, by_nulls_of = 0;
  std::map<std::string, std::size_t> verdicts;
  std::vector<std::size_t> proven_by_size;
};

// `least`: accuracy below which a network is not worth stealing, by scheme.
void add_claims_of(const store::Group& group, const std::map<std::string, double>& least,
                   std::map<std::string, Claims>& claims) {
  if (group.find_variable("verdict") == nullptr) return;
  const Cells accuracy(group, "accuracy_second_half");
  const auto& verdicts = group.find_variable("verdict")->strings();
  const std::size_t sizes = size_of(group, "claim_size");
  const auto at_level = [](double p) { return p <= watermark::claim_level * (1 + 1e-12); };
  for (std::size_t cell = 0; cell < accuracy.size(); ++cell) {
    if (verdicts[cell].empty()) continue;
    const std::string scheme = accuracy.labels(cell).at("scheme");
    if (const auto found = least.find(scheme); found != least.end() && accuracy.value(cell) < found->second) continue;
    Claims& of = claims[scheme];
    ++of.count;
    ++of.verdicts[verdicts[cell]];
    const double by_key = number(group, "p_key", cell), by_labels = number(group, "p_labels", cell),
                 by_model = number(group, "p_model", cell);
    if (!std::isnan(by_key) || !std::isnan(by_labels)) {
      ++of.by_secret_of;
      of.by_secret += (std::isnan(by_key) || at_level(by_key)) && (std::isnan(by_labels) || at_level(by_labels));
    }
    if (!std::isnan(by_model)) ++of.by_nulls_of, of.by_nulls += at_level(by_model);
    of.proven_by_size.resize(sizes, 0);
    for (std::size_t s = 0; s < sizes; ++s)
      of.proven_by_size[s] += at_level(number(group, "claim_p", cell * sizes + s));
  }
}

// The fewest queries, of those that were looked at, with which so many of the claims are proven.
std::string queries_for(const store::Group& group, const Claims& claims, double share) {
  for (std::size_t s = 0; s < claims.proven_by_size.size(); ++s)
    if (static_cast<double>(claims.proven_by_size[s]) >= share * static_cast<double>(claims.count))
      return study::shortest(number(group, "claim_size", s));
  return "-";
}

std::optional<Table> power_table(const store::Group& root, const store::Group& train,
                                 const std::vector<std::string>& attacks) {
  std::map<std::string, Claims> before, after, not_stolen;
  add_claims_of(train, {}, before);
  if (before.empty()) return {};
  std::map<std::string, std::vector<double>> accuracies;
  const Cells accuracy(train, "accuracy_second_half");
  for (std::size_t cell = 0; cell < accuracy.size(); ++cell)
    if (!std::isnan(accuracy.value(cell)))
      accuracies[accuracy.labels(cell).at("scheme")].push_back(accuracy.value(cell));
  std::map<std::string, double> least;
  for (const auto& [scheme, values] : accuracies) least[scheme] = useful_share * study::mean(values);
  for (const std::string& attack : attacks)
    if (const store::Group* group = root.child(attack)) {
      const bool control = watermark::attack_named(attack).is_control();
      add_claims_of(*group, control ? std::map<std::string, double>{} : least, control ? not_stolen : after);
    }
  Table table{"How often a claim is proven",
              {"scheme", "networks", "claims", "by its secret", "by null models", "proven", "not proven", "unresolved",
               "queries for 95%"},
              {},
              {"At 1%. Attacked: after every setting of every attack that leaves at least 90% of the accuracy. By its "
               "secret: decoys and drawn labels, where the scheme has them. Queries for 95%: the fewest, of those that "
               "were looked at, with which 95% of the claims are proven; -: not even all do that."}};
  if (!not_stolen.empty())
    table.notes.emplace_back(
        "Not stolen: networks that owe the attacked one nothing. A claim that is proven of them is a false one.");
  for (const auto& [networks, claims] :
       {std::pair("unattacked", &before), std::pair("attacked", &after), std::pair("not stolen", &not_stolen)})
    for (const auto& [scheme, of] : *claims) {
      const auto verdict = [&](watermark::Verdict one) {
        const auto found = of.verdicts.find(std::string(watermark::name_of(one)));
        return std::to_string(found == of.verdicts.end() ? 0 : found->second);
      };
      using enum watermark::Verdict;
      table.rows.push_back({scheme, networks, std::to_string(of.count),
                            of.by_secret_of == 0 ? "-" : counted(of.by_secret, of.by_secret_of),
                            of.by_nulls_of == 0 ? "-" : counted(of.by_nulls, of.by_nulls_of), verdict(proven),
                            verdict(not_proven), verdict(unresolved), queries_for(train, of, 0.95)});
    }
  return table;
}

// Of every scheme and stratum, what each key scores on each network that has nothing to do with it.
std::optional<Table> null_table(const store::Group& root, const store::Group& train) {
  const store::Group* nulls = root.child("null");
  if (nulls == nullptr) return {};
  const std::size_t strata = size_of(*nulls, null_stratum_axis), networks = size_of(*nulls, "null_model");
  const Cells cells(train, "accuracy");
  struct Scores {
    std::size_t keys = 0;
    std::vector<double> of_key;  // keys x networks
  };
  std::map<std::string, std::vector<Scores>> by_scheme;
  for (std::size_t key = 0; key < cells.size(); ++key) {
    const double queries = number(train, "claim_queries", key);
    if (!(queries > 0)) continue;
    auto& all = by_scheme[cells.labels(key).at("scheme")];
    all.resize(strata);
    for (std::size_t s = 0; s < strata; ++s) {
      std::vector<double> scores;
      for (std::size_t n = 0; n < networks; ++n) {
        const double matches = number(*nulls, "claim_matches", (key * strata + s) * networks + n);
        if (matches < 0) break;
        scores.push_back(matches / queries);
      }
      if (scores.size() != networks) continue;
      ++all[s].keys;
      all[s].of_key.insert(all[s].of_key.end(), scores.begin(), scores.end());
    }
  }
  Table table{"What keys score on networks that carry nothing of them",
              {"scheme", "null models", "keys", "networks", "mean %", "95% interval", "highest %", "between networks",
               "between keys", "rest"},
              {},
              {"Every network meets every key. Standard deviations, in points, of a two-way model with random effects; "
               "the interval of the mean by a bootstrap that draws networks and keys independently."}};
  const store::Variable* names = nulls->find_variable(null_stratum_axis);
  for (const auto& [scheme, all] : by_scheme)
    for (std::size_t s = 0; s < strata; ++s) {
      const Scores& scores = all[s];
      if (scores.keys < 2 || networks < 2) continue;
      std::vector<double> crossed(scores.of_key.size());
      for (std::size_t k = 0; k < scores.keys; ++k)
        for (std::size_t n = 0; n < networks; ++n) crossed[n * scores.keys + k] = scores.of_key[k * networks + n];
      const std::string& stratum = names->strings()[s];
      const watermark::CrossedNull found = watermark::crossed_null(
          crossed, networks, scores.keys, Stream(0, {{"scheme", scheme}, {"stratum", stratum}}, "crossed null"));
      const auto points = [](double share) { return study::decimals(100 * share, 2); };
      table.rows.push_back({scheme, stratum, std::to_string(scores.keys), std::to_string(networks), points(found.mean),
                            points(found.interval.low) + " to " + points(found.interval.high),
                            points(*std::max_element(crossed.begin(), crossed.end())), points(found.of_networks),
                            points(found.of_keys), points(found.of_rest)});
    }
  if (table.rows.empty()) return {};
  return table;
}

std::optional<Table> false_claims_table(const store::Group& root) {
  const store::Group* group = root.child("false-claims");
  if (group == nullptr) return {};
  Table table{"False claims that pass", {"scheme", "forgery", "suspect", "matches %"}, {}, {}};
  for (const auto& [variable, help] : claim_standards()) {
    table.columns.push_back(std::string(variable).substr(std::string("passes_").size()));
    table.notes.push_back(table.columns.back() + ": " + help + ".");
  }
  table.notes.emplace_back(
      "Of so many claims by somebody who did not mark the network, whose key he made as the forgery says. A key that "
      "was "
      "embedded into a stolen network (overwrite) is there: who was first decides, and the two originals, of which the "
      "owner's has not got it.");
  const Cells cells(*group, "p_model");
  struct Row {
    std::size_t claims = 0;
    std::vector<double> matches;
    std::vector<std::size_t> passed;
  };
  std::vector<std::vector<std::string>> order;
  std::map<std::vector<std::string>, Row> rows;
  for (std::size_t cell = 0; cell < cells.size(); ++cell) {
    const double queries = number(*group, "claim_queries", cell);
    if (!(queries > 0)) continue;
    const auto labels = cells.labels(cell);
    const std::vector<std::string> key{labels.at("scheme"), labels.at("forgery"), labels.at("suspect")};
    if (!rows.contains(key)) order.push_back(key);
    Row& row = rows[key];
    row.passed.resize(claim_standards().size(), 0);
    ++row.claims;
    row.matches.push_back(number(*group, "claim_matches", cell) / queries);
    for (std::size_t i = 0; i < row.passed.size(); ++i)
      row.passed[i] += number(*group, claim_standards()[i].first, cell) == 1;
  }
  for (const auto& key : order) {
    const Row& row = rows.at(key);
    table.rows.push_back(key);
    table.rows.back().push_back(study::percent(study::mean(row.matches)));
    for (const std::size_t passed : row.passed) table.rows.back().push_back(counted(passed, row.claims));
  }
  return table;
}

std::optional<Table> machines_table(const store::Group& root) {
  const store::Group* group = root.child("machines");
  if (group == nullptr) return {};
  const Cells cells(*group, "p_model");
  const std::size_t machines = size_of(*group, "environment");
  const auto& verdicts = group->find_variable("verdict")->strings();
  const auto& layers = group->find_variable("first_layer")->strings();
  struct Row {
    std::size_t networks = 0, decided = 0;
    double queries = 0, least = 1, most = 0, labels_part = 0, bits_part = 0;
    std::set<std::string> layers;
  };
  std::vector<std::vector<std::string>> order;
  std::map<std::vector<std::string>, Row> rows;
  for (std::size_t network = 0; network < cells.size() / machines; ++network) {
    const auto labels = cells.labels(network * machines);
    const std::vector<std::string> key{labels.at("scheme"), labels.at("machines_prune_rate")};
    if (!rows.contains(key)) order.push_back(key);
    Row& row = rows[key];
    std::set<std::string> said;
    for (std::size_t m = network * machines; m < (network + 1) * machines; ++m) {
      const double queries = number(*group, "claim_queries", m);
      if (!(queries > 0)) continue;
      const double share = number(*group, "claim_matches", m) / queries;
      row.least = std::min(row.least, share), row.most = std::max(row.most, share);
      if (m == network * machines) row.queries += queries;
      said.insert(verdicts[m]);
    }
    ++row.networks;
    row.decided += said.size() > 1;
    row.labels_part += std::max(0.0, number(*group, "labels_part", network));
    row.bits_part += std::max(0.0, number(*group, "bits_part", network));
    if (!layers[network].empty()) row.layers.insert(layers[network]);
  }
  Table table{
      "Does a watermark read the same on every machine?",
      {"scheme", "pruned", "matches %, least", "most", "queries", "bits part", "labels part", "first layer",
       "verdicts that differ"},
      {},
      {fmt::format("On {} environments. Bits part: queries of which some layer's output differs in a bit; labels "
                   "part: to which they give different labels. Verdicts that differ: networks that are proven on "
                   "one machine and not on another.",
                   machines)}};
  for (const auto& key : order) {
    const Row& row = rows.at(key);
    std::string where;
    for (const std::string& layer : row.layers) where += (where.empty() ? "" : ", ") + layer;
    table.rows.push_back({key[0], key[1], study::percent(row.least), study::percent(row.most),
                          study::shortest(row.queries), study::shortest(row.bits_part),
                          study::shortest(row.labels_part), where.empty() ? "-" : where,
                          counted(row.decided, row.networks)});
  }
  return table;
}

}  // namespace

std::vector<Table> claims_tables(const store::Group& root, const std::vector<std::string>& attacks) {
  std::vector<Table> tables;
  const store::Group* train = root.child("train");
  if (train == nullptr) return tables;
  const auto add = [&](std::optional<Table> table) {
    if (table) tables.push_back(std::move(*table));
  };
  add(power_table(root, *train, attacks)), add(null_table(root, *train));
  add(false_claims_table(root)), add(machines_table(root));
  return tables;
}

}  // namespace telltale::experiments
