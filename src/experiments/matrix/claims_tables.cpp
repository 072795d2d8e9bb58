#include "experiments/matrix/claims_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "experiments/matrix/claims_made.h"
#include "experiments/ownership/claims.h"
#include "experiments/ownership/false_claims.h"
#include "study/cells.h"
#include "study/published_table.h"
#include "watermark/attack.h"
#include "watermark/claims.h"
#include "watermark/crossed_null.h"

namespace telltale::experiments {
namespace {

using study::Cells;
using study::length_of;
using study::number_in;
using study::Table;

std::string counted(std::size_t some, std::size_t all) { return fmt::format("{} of {}", some, all); }

// The fewest queries, of those that were looked at, with which so many of the claims are proven.
std::string queries_for(const store::Group& group, const Claims& claims, double share) {
  for (std::size_t s = 0; s < claims.proven_by_size.size(); ++s)
    if (static_cast<double>(claims.proven_by_size[s]) >= share * static_cast<double>(claims.count))
      return study::shortest(number_in(group, "claim_size", s));
  return "-";
}

std::optional<Table> power_table(const store::Group& root, const store::Group& train, const ClaimsMade& made) {
  if (made.unattacked.empty()) return {};
  Table table{"How often a claim is proven",
              {"scheme", "networks", "claims", "by its secret", "by null models", "proven", "not proven", "unresolved",
               "queries for 95%", "proven at 0.1%"},
              {},
              {"At 1%. Attacked: after every setting of every attack that leaves at least 90% of the accuracy. By its "
               "secret: decoys and drawn labels, where the scheme has them. Queries for 95%: the fewest, of those that "
               "were looked at, with which 95% of the claims are proven; -: not even all do that. Proven at 0.1%: -: "
               "so few decoys or null models, or none, cannot say it."}};
  if (!made.not_stolen.empty())
    table.notes.emplace_back(
        "Not stolen: networks that owe the attacked one nothing. A claim that is proven of them is a false one.");
  const Json settings = study::settings_of(root);
  const auto can_say = [&](const char* others) {
    return settings.value(others, 0.0) >= static_cast<double>(watermark::others_needed(strict_level));
  };
  for (const auto& [networks, claims] :
       {std::pair("unattacked", &made.unattacked), std::pair("attacked", &made.attacked),
        std::pair("not stolen", &made.not_stolen)})
    for (const auto& [scheme, of] : *claims) {
      const auto verdict = [&of](watermark::Verdict one) {
        const auto found = of.verdicts.find(std::string(watermark::name_of(one)));
        return std::to_string(found == of.verdicts.end() ? 0 : found->second);
      };
      const bool is_claimed = of.by_secret_of + of.by_nulls_of > 0;
      const bool can_be_strict =
          is_claimed && (of.by_decoys_of == 0 || can_say("decoys")) && (of.by_nulls_of == 0 || can_say("null_models"));
      using enum watermark::Verdict;
      table.rows.push_back({scheme, networks, std::to_string(of.count),
                            of.by_secret_of == 0 ? "-" : counted(of.by_secret, of.by_secret_of),
                            of.by_nulls_of == 0 ? "-" : counted(of.by_nulls, of.by_nulls_of), verdict(proven),
                            verdict(not_proven), verdict(unresolved), queries_for(train, of, 0.95),
                            can_be_strict ? counted(of.strictly, of.count) : "-"});
    }
  return table;
}

// Of every scheme and stratum, what each key scores on each network that has nothing to do with it.
std::optional<Table> null_table(const store::Group& root, const store::Group& train) {
  const store::Group* nulls = root.child("null");
  if (nulls == nullptr) return {};
  const std::size_t strata = length_of(*nulls, null_stratum_axis), networks = length_of(*nulls, "null_model");
  const Cells cells(train, "accuracy");
  struct Scores {
    std::size_t keys = 0;
    std::vector<double> of_key;  // keys x networks
  };
  std::map<std::string, std::vector<Scores>> by_scheme;
  for (std::size_t key = 0; key < cells.size(); ++key) {
    const double queries = number_in(train, "claim_queries", key);
    if (!(queries > 0)) continue;
    auto& all = by_scheme[cells.labels(key).at("scheme")];
    all.resize(strata);
    for (std::size_t s = 0; s < strata; ++s) {
      std::vector<double> scores;
      for (std::size_t n = 0; n < networks; ++n) {
        const double matches = number_in(*nulls, "claim_matches", (key * strata + s) * networks + n);
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

// What a table's rows are: the labels of some dimensions, in the order in which they first appear.
template <class Row>
struct Rows {
  std::vector<std::vector<std::string>> order;
  std::map<std::vector<std::string>, Row> by_labels;

  Row& at(const std::map<std::string, std::string>& labels, const std::vector<std::string>& dimensions) {
    std::vector<std::string> key;
    for (const std::string& dimension : dimensions) key.push_back(labels.at(dimension));
    if (!by_labels.contains(key)) order.push_back(key);
    return by_labels[key];
  }
};

struct FalseClaims {
  std::size_t claims = 0;
  std::vector<double> matches;
  std::vector<std::size_t> passed = std::vector<std::size_t>(claim_standards().size(), 0);
};

Rows<FalseClaims> false_claims(const store::Group& root, const std::vector<std::string>& dimensions) {
  Rows<FalseClaims> rows;
  const store::Group* group = root.child("false-claims");
  if (group == nullptr) return rows;
  const Cells cells(*group, "p_model");
  for (std::size_t cell = 0; cell < cells.size(); ++cell) {
    const double queries = number_in(*group, "claim_queries", cell);
    if (!(queries > 0)) continue;
    FalseClaims& row = rows.at(cells.labels(cell), dimensions);
    ++row.claims;
    row.matches.push_back(number_in(*group, "claim_matches", cell) / queries);
    for (std::size_t i = 0; i < row.passed.size(); ++i)
      row.passed[i] += number_in(*group, claim_standards()[i].first, cell) == 1;
  }
  return rows;
}

std::optional<Table> false_claims_table(const store::Group& root) {
  if (root.child("false-claims") == nullptr) return {};
  Table table{"False claims that pass", {"scheme", "forgery", "suspect", "matches %"}, {}, {}};
  for (const auto& [variable, help] : claim_standards()) {
    table.columns.push_back(std::string(variable).substr(std::string("passes_").size()));
    table.notes.push_back(table.columns.back() + ": " + help + ".");
  }
  table.notes.emplace_back(
      "Of so many claims by somebody who did not mark the network, whose key he made as the forgery says. A key that "
      "was embedded into a stolen network (overwrite) is there: who was first decides, and the two originals, of which "
      "the owner's has not got it.");
  const Rows<FalseClaims> rows = false_claims(root, {"scheme", "forgery", "suspect"});
  for (const auto& key : rows.order) {
    const FalseClaims& row = rows.by_labels.at(key);
    table.rows.push_back(key);
    table.rows.back().push_back(study::percent(study::mean(row.matches)));
    for (const std::size_t passed : row.passed) table.rows.back().push_back(counted(passed, row.claims));
  }
  return table;
}

// Networks that every machine was asked to answer for.
struct Machines {
  std::size_t networks = 0, decided = 0;
  double queries = 0, least = 1, most = 0, labels_part = 0, bits_part = 0;
  std::set<std::string> layers;
};

Rows<Machines> machines(const store::Group& root, const std::vector<std::string>& dimensions) {
  Rows<Machines> rows;
  const store::Group* group = root.child("machines");
  if (group == nullptr) return rows;
  const Cells cells(*group, "p_model");
  const std::size_t count = length_of(*group, "environment");
  const auto& verdicts = group->find_variable("verdict")->strings();
  const auto& layers = group->find_variable("first_layer")->strings();
  for (std::size_t network = 0; network < cells.size() / count; ++network) {
    Machines& row = rows.at(cells.labels(network * count), dimensions);
    std::set<std::string> said;
    for (std::size_t m = network * count; m < (network + 1) * count; ++m) {
      const double queries = number_in(*group, "claim_queries", m);
      if (!(queries > 0)) continue;
      const double share = number_in(*group, "claim_matches", m) / queries;
      row.least = std::min(row.least, share), row.most = std::max(row.most, share);
      if (m == network * count) row.queries += queries;
      said.insert(verdicts[m]);
    }
    ++row.networks;
    row.decided += said.size() > 1;
    row.labels_part += std::max(0.0, number_in(*group, "labels_part", network));
    row.bits_part += std::max(0.0, number_in(*group, "bits_part", network));
    if (!layers[network].empty()) row.layers.insert(layers[network]);
  }
  return rows;
}

std::optional<Table> machines_table(const store::Group& root) {
  const store::Group* group = root.child("machines");
  if (group == nullptr) return {};
  Table table{
      "Does a watermark read the same on every machine?",
      {"scheme", "pruned", "matches %, least", "most", "queries", "bits part", "labels part", "first layer",
       "verdicts that differ"},
      {},
      {fmt::format("On {} environments. Bits part: queries of which some layer's output differs in a bit; labels "
                   "part: to which they give different labels. Verdicts that differ: networks that are proven on "
                   "one machine and not on another.",
                   length_of(*group, "environment"))}};
  const Rows<Machines> rows = machines(root, {"scheme", "machines_prune_rate"});
  for (const auto& key : rows.order) {
    const Machines& row = rows.by_labels.at(key);
    std::string where;
    for (const std::string& layer : row.layers) where += (where.empty() ? "" : ", ") + layer;
    table.rows.push_back({key[0], key[1], study::percent(row.least), study::percent(row.most),
                          study::shortest(row.queries), study::shortest(row.bits_part),
                          study::shortest(row.labels_part), where.empty() ? "-" : where,
                          counted(row.decided, row.networks)});
  }
  return table;
}

// "extract: 1 of 6"; "all" where no attack leaves a claim unproven.
std::string hardest_attack(const ClaimsMade& made, const std::string& scheme) {
  std::string hardest = "all";
  double least = 1;
  for (const auto& [attack, claims] : made.by_attack) {
    const auto found = claims.find(scheme);
    if (found == claims.end()) continue;
    const double share = static_cast<double>(found->second.proven()) / static_cast<double>(found->second.count);
    if (share >= least) continue;
    least = share;
    hardest = attack + ": " + counted(found->second.proven(), found->second.count);
  }
  return hardest;
}

// One line a scheme: what it costs, what it survives, and who else gets through.
std::optional<Table> schemes_table(const store::Group& root, const store::Group& train, const ClaimsMade& made) {
  if (made.unattacked.empty()) return {};
  Table table{"Every scheme in one line",
              {"scheme", "test %", "clean %", "proven", "proven after attacks", "fewest after", "proven, not stolen",
               "false claims, raw", "false claims, all standards", "a machine decides"},
              {},
              {"Of claims at 1%, so many are proven: of the marked networks; after every setting of every attack that "
               "leaves at least 90% of their accuracy, and after the attack that leaves the fewest; of networks that "
               "owe the marked one nothing.",
               "False claims pass so often by the verdict of the scheme's own paper, and by all standards of "
               "docs/ownership.md. A machine decides: pruned networks that are proven on one machine and not on "
               "another. -: not part of the study."}};
  table.is_beyond_papers = true;
  const auto accuracy = study::gather_by(Cells(train, "accuracy"), {"scheme"}).values;
  const auto mean_of = [&](const std::string& scheme) {
    const auto found = accuracy.find({scheme});
    return found == accuracy.end() ? "-" : study::percent(study::mean(found->second));
  };
  const auto proven = [](const ClaimsMade::ByScheme& claims, const std::string& scheme) {
    const auto found = claims.find(scheme);
    return found == claims.end() ? "-" : counted(found->second.proven(), found->second.count);
  };
  const Rows<FalseClaims> forged = false_claims(root, {"scheme"});
  const Rows<Machines> read = machines(root, {"scheme"});
  for (const auto& [scheme, claims] : made.unattacked) {
    const auto forgeries = forged.by_labels.find({scheme});
    const auto networks = read.by_labels.find({scheme});
    const auto passed = [&](std::size_t standard) {
      return forgeries == forged.by_labels.end()
                 ? "-"
                 : counted(forgeries->second.passed.at(standard), forgeries->second.claims);
    };
    table.rows.push_back(
        {scheme, mean_of(scheme), mean_of("clean"), proven(made.unattacked, scheme), proven(made.attacked, scheme),
         made.attacked.contains(scheme) ? hardest_attack(made, scheme) : "-", proven(made.not_stolen, scheme),
         passed(0), passed(claim_standards().size() - 1),
         networks == read.by_labels.end() ? "-" : counted(networks->second.decided, networks->second.networks)});
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
  const ClaimsMade made = claims_made(root, *train, attacks);
  add(schemes_table(root, *train, made)), add(power_table(root, *train, made)), add(null_table(root, *train));
  add(false_claims_table(root)), add(machines_table(root));
  return tables;
}

}  // namespace telltale::experiments
