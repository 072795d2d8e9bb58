#include "forensics/fingerprint.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "forensics/evaluator.h"
#include "models/batches.h"
#include "models/evaluate.h"
#include "models/network.h"
#include "models/runtime.h"
#include "models/training.h"

namespace telltale::forensics {
namespace {

constexpr const char* forward_one = "forward, one image";
constexpr const char* forward_evaluation = "forward, evaluation batch";
constexpr const char* forward_training = "forward, training batch";
constexpr const char* input_gradient = "input gradient";
constexpr const char* weight_gradients = "weight gradients";
constexpr const char* optimizer_step = "optimizer step";

constexpr int single_images = 4;  // asked one by one

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The values in row-major order, whatever their layout.
void put(Hasher& hasher, const at::Tensor& tensor) {
  const at::Tensor values = tensor.detach().contiguous();
  hasher.update(ByteSpan(static_cast<const std::uint8_t*>(values.data_ptr()), values.nbytes()));
}

std::string hash_of(const at::Tensor& tensor) {
  Hasher hasher;
  put(hasher, tensor);
  return hasher.finish().hex();
}

std::string hash_of(const std::map<std::string, at::Tensor>& tensors) {
  Hasher hasher;
  for (const auto& [name, tensor] : tensors) {
    hasher.update(name);
    put(hasher, tensor);
  }
  return hasher.finish().hex();
}

// Lets a Trainer train the network inside, and keeps what passes by: so that a fingerprint takes the way of a real
// training step, and one step gives all of it.
class Tapped : public models::Network {
 public:
  explicit Tapped(std::shared_ptr<models::Network> inner) : Network(inner->spec()), inner_(std::move(inner)) {
    register_module("inner", inner_);
    for (const auto& item : inner_->named_parameters()) {
      item.value().register_hook([this, name = item.key()](const at::Tensor& gradient) { gradients[name] = gradient; });
    }
  }

  at::Tensor forward(const at::Tensor& images) override {
    const at::Tensor asked = images.detach().requires_grad_();
    asked.register_hook([this](const at::Tensor& gradient) { images_gradient = gradient; });
    logits = inner_->forward(asked);
    return logits;
  }

  at::Tensor logits, images_gradient;
  std::map<std::string, at::Tensor> gradients;

 private:
  std::shared_ptr<models::Network> inner_;
};

std::map<std::string, at::Tensor> parameters_of(const models::Network& network) {
  std::map<std::string, at::Tensor> parameters;
  for (const auto& item : network.named_parameters()) parameters[item.key()] = item.value();
  return parameters;
}

// Random bytes as images with labels; the first images are the same for every count.
struct Images {
  Images(const models::NetworkSpec& spec, std::int64_t count, const Stream& stream)
      : pixels(static_cast<std::size_t>(count) * spec.input.pixels()), labels(static_cast<std::size_t>(count)) {
    Stream pixel_draws = stream.derive("pixels"), label_draws = stream.derive("labels");
    for (std::uint8_t& pixel : pixels) pixel = static_cast<std::uint8_t>(pixel_draws.bits() >> 56);
    const auto classes = static_cast<std::uint64_t>(std::min(spec.classes, 256));
    for (std::uint8_t& label : labels) label = static_cast<std::uint8_t>(label_draws.below(classes));
  }

  [[nodiscard]] models::ImageView first(std::int64_t count, const models::NetworkSpec& spec) const {
    const ByteSpan all_pixels = pixels, all_labels = labels;
    const auto size = static_cast<std::size_t>(count);
    return {all_pixels.first(size * spec.input.pixels()), all_labels.first(size), spec.input, count};
  }

  Bytes pixels, labels;
};

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

namespace {

// Some predictions, and how long one image took.
void try_predictions(const Subject& subject, models::Network& network, const Images& images, Trial& trial) {
  const bool one = subject.eval_batch == 1;
  const int count = one ? single_images : subject.eval_batch;
  models::set_threads(subject.threads);
  const auto converted = models::converted(network, subject.precision);
  const auto start = std::chrono::steady_clock::now();
  const at::Tensor logits = models::predict_logits(*converted, images.first(count, network.spec()), subject.eval_batch);
  trial.eval_image_s = seconds_since(start) / count;
  trial.hashes[one ? forward_one : forward_evaluation] = hash_of(logits);
  models::set_threads_to_one();
}

// The answers to one question of each kind about a few images.
void try_questions(const Subject& subject, const models::Network& network, const Images& images, Trial& trial) {
  const Evaluator evaluator(models::converted(network, models::Precision::float32), subject.eval_batch);
  const models::ImageView view = images.first(single_images, network.spec());
  Hasher forward, slopes;
  const auto put_values = [](Hasher& hasher, const std::vector<float>& values) {
    hasher.update(ByteSpan(reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof(float)));
  };
  const auto start = std::chrono::steady_clock::now();
  for (std::int64_t i = 0; i < view.count; ++i) {
    Question question;
    for (const std::uint8_t byte : view.image(i)) question.point.push_back(models::pixel_value(byte));
    const Answer predicted = evaluator.answer(question);
    put_values(forward, predicted.logits);
    put_values(forward, predicted.confidences);
    question.label = predicted.label();
    question.rivals = {(question.label + 1) % network.spec().classes};
    for (const Slope slope : {Slope::loss, Slope::score, Slope::margin}) {
      question.slope = slope;
      put_values(slopes, evaluator.answer(question).slopes.front());
    }
  }
  trial.eval_image_s = seconds_since(start) / (7.0 * static_cast<double>(view.count));
  trial.hashes[subject.eval_batch == 1 ? forward_one : forward_evaluation] = forward.finish().hex();
  trial.hashes[input_gradient] = slopes.finish().hex();
}

}  // namespace

Trial run_trial(const Subject& subject) {
  if (subject.batch < 1 || subject.eval_batch < 1) throw Error("a fingerprint needs batches of at least one image");
  models::set_threads_to_one();
  const models::NetworkSpec& spec = subject.network;
  const Stream stream(0, spec.to_json(), "fingerprint");
  const std::shared_ptr<models::Network> network = models::make_network(spec);
  models::initialise(*network, stream.derive("weights"));
  const Images images(spec, std::max({subject.batch, subject.eval_batch, single_images}), stream);

  Trial trial;
  if (subject.use == Use::prediction) {
    try_predictions(subject, *network, images, trial);
    return trial;
  }
  if (subject.use == Use::search) {
    try_questions(subject, *network, images, trial);
    return trial;
  }
  trial.hashes[forward_one] = hash_of(models::predict_logits(*network, images.first(single_images, spec), 1));
  auto start = std::chrono::steady_clock::now();
  const at::Tensor answers =
      models::predict_logits(*network, images.first(subject.eval_batch, spec), subject.eval_batch);
  trial.eval_image_s = seconds_since(start) / subject.eval_batch;
  trial.hashes[forward_evaluation] = hash_of(answers);

  const auto tapped = std::make_shared<Tapped>(network);
  models::Recipe recipe;
  recipe.momentum = 0.9;
  recipe.batch = subject.batch;
  recipe.epochs = 1;
  models::Trainer trainer(tapped, recipe, {images.first(subject.batch, spec), {}, {}}, stream.derive("training"));
  start = std::chrono::steady_clock::now();
  trainer.step();
  trial.train_step_s = seconds_since(start);
  trial.hashes[forward_training] = hash_of(tapped->logits);
  trial.hashes[input_gradient] = hash_of(tapped->images_gradient);
  trial.hashes[weight_gradients] = hash_of(tapped->gradients);
  trial.hashes[optimizer_step] = hash_of(parameters_of(*network));
  return trial;
}

Identity fingerprint(const Subject& subject) { return run_trial(subject).identity(); }

void Fingerprints::add(const std::string& subject_key, const std::vector<Trial>& trials) {
  if (trials.size() < 2) throw Error("whether the bits of " + subject_key + " repeat takes at least two trials to say");
  const Trial& first = trials.front();
  by_subject[subject_key] = first.identity().hex();
  by_operation[subject_key] = first.hashes;
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
  return {{"by_subject", by_subject},     {"by_operation", by_operation}, {"train_step_s", train_step_s},
          {"eval_image_s", eval_image_s}, {"repeats", repeats},           {"unrepeated", unrepeated}};
}

Fingerprints Fingerprints::from_json(const Json& json) {
  try {
    Fingerprints fingerprints;
    json.at("by_subject").get_to(fingerprints.by_subject);
    json.at("by_operation").get_to(fingerprints.by_operation);
    json.at("train_step_s").get_to(fingerprints.train_step_s);
    json.at("eval_image_s").get_to(fingerprints.eval_image_s);
    json.at("repeats").get_to(fingerprints.repeats);
    json.at("unrepeated").get_to(fingerprints.unrepeated);
    return fingerprints;
  } catch (const Json::exception& problem) {
    throw Error(std::string("these are no fingerprints: ") + problem.what());
  }
}

Fingerprints take_fingerprints(const std::vector<Subject>& subjects, int trials) {
  Fingerprints fingerprints;
  for (const Subject& subject : subjects) {
    if (fingerprints.by_subject.count(subject.key()) != 0) continue;
    std::vector<Trial> runs;
    for (int i = 0; i < trials; ++i) runs.push_back(run_trial(subject));
    fingerprints.add(subject.key(), runs);
  }
  return fingerprints;
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
