#include "study/environments.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "core/error.h"
#include "core/text.h"
#include "study/axis.h"

namespace telltale::study {
namespace {

Environment environment_of(const forensics::RankReport& rank) {
  return {profile_of(rank), profile_of(rank), rank.passport.at("libraries"), rank.fingerprints.by_subject};
}

bool counts(const forensics::RankReport& rank, bool computes) { return computes && rank.fingerprints.repeats; }

std::string names(const std::vector<Environment>& list) {
  std::string text;
  for (const Environment& environment : list) text += (text.empty() ? "" : ", ") + environment.name;
  return text.empty() ? "none" : text;
}

void note_rates(Environments& environments, std::size_t index, const forensics::RankReport& rank) {
  const auto keep_fastest = [](std::map<std::string, double>& known, const std::map<std::string, double>& measured) {
    for (const auto& [subject, seconds] : measured) {
      const auto [place, is_new] = known.emplace(subject, seconds);
      if (!is_new) place->second = std::min(place->second, seconds);
    }
  };
  keep_fastest(environments.train_step_s[index], rank.fingerprints.train_step_s);
  keep_fastest(environments.eval_image_s[index], rank.fingerprints.eval_image_s);
}

}  // namespace

namespace {

double rate(const std::vector<std::map<std::string, double>>& rates, int environment, const std::string& subject) {
  const auto& known = rates.at(static_cast<std::size_t>(environment));
  const auto found = known.find(subject);
  return found == known.end() ? 0 : found->second;
}

}  // namespace

double Environments::step_seconds(int environment, const std::string& subject) const {
  return rate(train_step_s, environment, subject);
}
double Environments::image_seconds(int environment, const std::string& subject) const {
  return rate(eval_image_s, environment, subject);
}

std::vector<std::string> Environments::names() const {
  std::vector<std::string> names;
  for (const Environment& environment : list) names.push_back(environment.name);
  return names;
}

std::string profile_of(const forensics::RankReport& rank) { return rank.passport.at("profile"); }
std::string host_of(const forensics::RankReport& rank) { return rank.passport.at("system").at("host"); }

ExpectedNodes parse_expected_nodes(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return {text, 1};
  return {text.substr(0, colon), parse_integer(text.substr(colon + 1))};
}

std::vector<std::string> missing_nodes(const std::vector<std::string>& expected,
                                       const std::map<std::string, std::string>& microarchitecture_of_host) {
  const auto same = [](const std::string& a, const std::string& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](unsigned char one, unsigned char other) { return std::tolower(one) == std::tolower(other); });
  };
  std::vector<std::string> came, absent;
  for (const auto& [host, microarchitecture] : microarchitecture_of_host)
    came.push_back(host + " (" + microarchitecture + ")");
  for (const std::string& word : expected) {
    const auto [kind, count] = parse_expected_nodes(word);
    const auto found = std::count_if(microarchitecture_of_host.begin(), microarchitecture_of_host.end(),
                                     [&, &kind = kind](const auto& host) { return same(host.second, kind); });
    if (found < count)
      absent.push_back(fmt::format("asked for {} node{} of {}, and there {} {}: {} came", count, count == 1 ? "" : "s",
                                   kind, found == 1 ? "is" : "are", found == 0 ? "none" : std::to_string(found),
                                   joined(came)));
  }
  return absent;
}

Identity Environment::identity(const std::vector<std::string>& subjects) const {
  return forensics::environment_identity(subjects, fingerprints, builds);
}

Identity Environment::identity() const {
  std::vector<std::string> subjects;
  for (const auto& [subject, hash] : fingerprints) subjects.push_back(subject);
  return identity(subjects);
}

bool Environment::is_had_by(const Environment& other) const {
  return profile == other.profile && builds == other.builds &&
         std::all_of(fingerprints.begin(), fingerprints.end(), [&](const auto& fingerprint) {
           const auto& [subject, hash] = fingerprint;
           const auto found = other.fingerprints.find(subject);
           return found != other.fingerprints.end() && found->second == hash;
         });
}

Json Environment::to_json() const {
  return {{"name", name}, {"profile", profile}, {"builds", builds}, {"fingerprints", fingerprints}};
}

Environment Environment::from_json(const Json& json) {
  return {json.at("name"), json.at("profile"), json.at("builds"),
          json.at("fingerprints").get<std::map<std::string, std::string>>()};
}

Json Binding::to_json() const { return {{"rule", rule}, {"trainer", trainer}}; }
Binding Binding::from_json(const Json& json) { return {json.at("rule"), json.at("trainer")}; }

Environments environments_of(const std::vector<forensics::RankReport>& ranks, const std::vector<bool>& computes) {
  std::vector<Environment> list;
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    if (!counts(ranks[rank], computes[rank])) continue;
    Environment environment = environment_of(ranks[rank]);
    if (std::none_of(list.begin(), list.end(), [&](const Environment& known) { return known.is_had_by(environment); }))
      list.push_back(std::move(environment));
  }
  std::sort(list.begin(), list.end(), [](const Environment& a, const Environment& b) {
    return a.profile != b.profile ? a.profile < b.profile : a.identity() < b.identity();
  });
  for (Environment& environment : list) {
    const auto twins =
        std::count_if(list.begin(), list.end(), [&](const Environment& e) { return e.profile == environment.profile; });
    if (twins > 1) environment.name = environment.profile + "-" + environment.identity().hex().substr(0, 6);
  }
  return place_ranks(list, ranks, computes);
}

Environments place_ranks(const std::vector<Environment>& recorded, const std::vector<forensics::RankReport>& ranks,
                         const std::vector<bool>& computes) {
  Environments environments;
  environments.list = recorded;
  environments.of_rank.assign(ranks.size(), -1);
  environments.train_step_s.resize(recorded.size());
  environments.eval_image_s.resize(recorded.size());
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    const auto& layers = ranks[rank].fingerprints.layers;
    environments.layers.insert(layers.begin(), layers.end());
    if (!counts(ranks[rank], computes[rank])) continue;
    const Environment environment = environment_of(ranks[rank]);
    for (std::size_t i = 0; i < recorded.size(); ++i) {
      if (!recorded[i].is_had_by(environment)) continue;
      environments.of_rank[rank] = static_cast<int>(i);
      note_rates(environments, i, ranks[rank]);
    }
  }
  return environments;
}

Binding bind_training(const std::string& train_on, const Environments& present) {
  if (train_on == "spread" || train_on == "any") return {train_on, -1};
  for (std::size_t i = 0; i < present.list.size(); ++i)
    if (present.list[i].profile == train_on) return {"bound", static_cast<int>(i)};
  throw InputError("the study is to train on " + train_on + ", and no rank has that environment (present: " +
                   names(present.list) + "); add it to --profiles, or name another with --train-on");
}

}  // namespace telltale::study
