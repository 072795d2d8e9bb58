// What fingerprints say once they are taken: who falls together. Nothing here computes with a network.
#include <algorithm>
#include <set>

#include "core/error.h"
#include "forensics/fingerprint.h"
#include "forensics/operations.h"

namespace telltale::forensics {
namespace {

// The hash of an operation in a subject; empty where it was not computed.
std::string hash_in(const Fingerprints& fingerprints, const std::string& subject, const std::string& operation) {
  const auto hashes = fingerprints.by_operation.find(subject);
  if (hashes == fingerprints.by_operation.end()) return "";
  const auto hash = hashes->second.find(operation);
  return hash == hashes->second.end() ? "" : hash->second;
}

std::vector<std::string> keys_of(const std::map<std::string, std::string>& map) {
  std::vector<std::string> keys;
  for (const auto& item : map) keys.push_back(item.first);
  return keys;
}

GroupDifference difference_of(const RankReport& a, const RankReport& b) {
  GroupDifference difference;
  difference.builds = a.passport.at("libraries") != b.passport.at("libraries");
  std::set<std::string> subjects;
  for (const RankReport* report : {&a, &b}) {
    for (const auto& item : report->fingerprints.by_subject) subjects.insert(item.first);
  }
  for (const std::string& operation : operations()) {
    for (const std::string& subject : subjects) {
      if (hash_in(a.fingerprints, subject, operation) != hash_in(b.fingerprints, subject, operation)) {
        difference.operations[operation].push_back(subject);
      }
    }
  }
  return difference;
}

}  // namespace

std::string Subject::key() const {
  const data::ImageShape& shape = network.input;
  std::string options;
  for (const auto& [option, value] : network.options) options += (options.empty() ? "" : ", ") + option + "=" + value;
  const std::string key = network.name + (options.empty() ? "" : "{" + options + "}") + "/" +
                          std::to_string(shape.channels) + "x" + std::to_string(shape.height) + "x" +
                          std::to_string(shape.width) + "/" + std::to_string(network.classes) + "/channels-last/";
  switch (use) {
    case Use::training: return key + "batch " + std::to_string(batch) + "/evaluation " + std::to_string(eval_batch);
    case Use::prediction:
      return key + "prediction " + std::to_string(eval_batch) +
             (threads == 1 ? "" : "/" + std::to_string(threads) + " threads") +
             (precision == models::Precision::float32 ? "" : std::string("/") + models::name_of(precision));
    case Use::search: return key + "search " + std::to_string(eval_batch);
  }
  throw Error("there is no such use of a network");
}

const std::vector<std::string>& operations() {
  static const std::vector<std::string> names{forward_one,    forward_evaluation, forward_training,
                                              input_gradient, weight_gradients,   optimizer_step};
  return names;
}

Identity Trial::identity() const { return identity_of(hashes); }

void Fingerprints::add(const std::string& subject_key, const std::vector<Trial>& trials) {
  if (trials.size() < 2) throw Error("whether the bits of " + subject_key + " repeat takes at least two trials to say");
  const Trial& first = trials.front();
  by_subject[subject_key] = first.identity().hex();
  by_operation[subject_key] = first.hashes;
  if (!first.layers.empty()) layers[subject_key] = first.layers;
  const auto least = [&](double Trial::*seconds) {
    return (*std::min_element(trials.begin(), trials.end(),
                              [&](const Trial& a, const Trial& b) { return a.*seconds < b.*seconds; })).*
           seconds;
  };
  train_step_s[subject_key] = least(&Trial::train_step_s);
  eval_image_s[subject_key] = least(&Trial::eval_image_s);
  for (const auto& [operation, hash] : first.hashes) {
    const bool same = std::all_of(trials.begin(), trials.end(), [&, name = operation, expected = hash](const Trial& t) {
      return t.hashes.at(name) == expected;
    });
    if (same) continue;
    repeats = false;
    unrepeated.push_back(subject_key + ": " + operation);
  }
}

Json Fingerprints::to_json() const {
  return {{"by_subject", by_subject},     {"by_operation", by_operation}, {"layers", layers},
          {"train_step_s", train_step_s}, {"eval_image_s", eval_image_s}, {"repeats", repeats},
          {"unrepeated", unrepeated}};
}

Fingerprints Fingerprints::from_json(const Json& json) {
  try {
    Fingerprints fingerprints;
    json.at("by_subject").get_to(fingerprints.by_subject);
    json.at("by_operation").get_to(fingerprints.by_operation);
    json.at("layers").get_to(fingerprints.layers);
    json.at("train_step_s").get_to(fingerprints.train_step_s);
    json.at("eval_image_s").get_to(fingerprints.eval_image_s);
    json.at("repeats").get_to(fingerprints.repeats);
    json.at("unrepeated").get_to(fingerprints.unrepeated);
    return fingerprints;
  } catch (const Json::exception& problem) {
    throw Error(std::string("these are no fingerprints: ") + problem.what());
  }
}

Identity environment_identity(const std::vector<std::string>& subject_keys,
                              const std::map<std::string, std::string>& by_subject, const Json& library_builds) {
  Json content = {{"builds", library_builds}, {"fingerprints", Json::object()}};
  for (const std::string& key : subject_keys) {
    const auto found = by_subject.find(key);
    if (found == by_subject.end()) throw Error("there is no fingerprint of " + key);
    content["fingerprints"][key] = found->second;
  }
  return identity_of(content);
}

Grouping group_environments(const std::vector<RankReport>& reports) {
  Grouping grouping;
  std::vector<const RankReport*> members;                          // one of each group, at the group's index
  std::map<std::string, std::vector<const RankReport*>> agreeing;  // operation -> one of each set
  for (const RankReport& report : reports) {
    if (!report.fingerprints.repeats) {
      grouping.set_aside.push_back(report.rank);
      continue;
    }
    const auto& by_subject = report.fingerprints.by_subject;
    const Identity environment = environment_identity(keys_of(by_subject), by_subject, report.passport.at("libraries"));
    const auto group = std::find_if(grouping.groups.begin(), grouping.groups.end(),
                                    [&](const EnvironmentGroup& g) { return g.environment == environment; });
    if (group != grouping.groups.end()) {
      group->ranks.push_back(report.rank);
    } else {
      grouping.groups.push_back({environment, {report.rank}});
      members.push_back(&report);
    }

    for (const std::string& operation : operations()) {
      auto& sets = grouping.by_operation[operation];
      auto& examples = agreeing[operation];
      const auto same = std::find_if(examples.begin(), examples.end(), [&](const RankReport* other) {
        return difference_of(*other, report).operations.count(operation) == 0;
      });
      if (same != examples.end()) {
        sets[static_cast<std::size_t>(same - examples.begin())].push_back(report.rank);
      } else {
        sets.push_back({report.rank});
        examples.push_back(&report);
      }
    }
  }
  for (std::size_t first = 0; first < members.size(); ++first) {
    for (std::size_t second = first + 1; second < members.size(); ++second) {
      GroupDifference difference = difference_of(*members[first], *members[second]);
      difference.first = first;
      difference.second = second;
      grouping.differences.push_back(std::move(difference));
    }
  }
  return grouping;
}

}  // namespace telltale::forensics
