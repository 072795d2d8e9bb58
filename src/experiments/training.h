// The training of one case: its definition as a task, shared by every experiment, so that a model trained for one job
// file is the model of every other that asks for the same.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/network_spec.h"
#include "models/protection.h"
#include "models/transform_spec.h"
#include "study/experiment.h"
#include "study/ledger.h"
#include "watermark/scheme.h"

namespace telltale::experiments {

using study::CaseValues;
using study::Grid;
using study::OutcomeLookup;
using study::Plan;
using study::Stage;
using study::StudyInputs;

/// The value of a training's outcome that holds the SHA-256 of its model: 32 bytes.
using study::model_hash_value;

/// How a case is trained. Its fields are part of the identity of every training.
struct TrainingRecipe {
  std::string optimizer, augment;
  double learning_rate = 0, momentum = 0, weight_decay = 0, gamma = 1;
  long long batch = 0, epochs = 0;
  std::vector<long long> milestones;
  std::optional<bool> nesterov{};      ///< there where it is on
  std::optional<double> rate_decay{};  ///< there where it is not 0
  std::optional<long long> warm_up{};  ///< likewise
  std::optional<double> gradient_clip{};

  void fields(auto& field) {
    field("optimizer", optimizer), field("learning_rate", learning_rate), field("momentum", momentum),
        field("weight_decay", weight_decay), field("batch", batch), field("epochs", epochs),
        field("milestones", milestones), field("gamma", gamma), field("augment", augment), field("nesterov", nesterov),
        field("rate_decay", rate_decay), field("warm_up", warm_up), field("gradient_clip", gradient_clip);
  }
};

/// What determines a training beside data and environment.
struct TrainingCase {
  models::NetworkSpec network;
  TrainingRecipe recipe;
  Json scheme;  ///< a watermark scheme's settings (watermark/scheme.h)
  long long seed = 0, repeat = 0;

  void fields(auto& field) {
    field("network", network), field("recipe", recipe), field("scheme", scheme), field("seed", seed),
        field("repeat", repeat);
  }
};

/// Keys of the random streams of a training: of the network's structure, the seed and the repeat, and nothing else. The
/// trainings of one repeat are pairs: whatever their schemes and recipes, they start from the same weights (but for
/// outputs that others lack) and see the training images in the same order.
struct TrainingStreams {
  explicit TrainingStreams(const TrainingCase& of);
  Identity initial_weights, order;
  Identity secret;  ///< of the owner's transform: of the seed and the repeat alone
};

/// An anti-piracy transform and the loss that trains it with a network (models/transform.h).
struct Protection {
  models::TransformSpec transform;
  models::ProtectionWeights loss;
  std::optional<Identity> teacher{};  ///< the training of a network whose answers are learned beside labels

  void fields(auto& field) { field("transform", transform), field("loss", loss), field("teacher", teacher); }
};

/// Makes a model. Its outcome: train_loss, train_accuracy, epoch_accuracy, epoch_key_accuracy (NaN without a
/// watermark), each by epoch, and model_sha256. Of a protected network accuracies are those of processed images; the
/// outcome has epoch_raw_accuracy besides, and the product is the network and its transform (piracy/).
struct Train {
  static constexpr study::TaskKind kind{
      .name = "train", .algorithm = 3, .makes_product = true, .keeps_checkpoints = true};
  Identity data;
  TrainingCase of;
  std::string environment;  ///< identity of the one that trains; "any" where it is no part of this task's identity
  long long eval_batch = 0;
  std::optional<Identity> start{};    ///< the training whose model this one goes on from; none: drawn weights
  std::optional<Identity> answers{};  ///< the task whose product says what that model answers to the training images;
                                      ///< of a biased network, which decisions are near
  std::optional<double> until_margin{};  ///< ends after the first epoch in which every embedded sample has this margin
  std::optional<std::string> layers{};   ///< last: the output layer alone is trained; none: all
  std::optional<Protection> protection{};  ///< of a network that is to work behind a transform
  std::optional<Identity> teacher{};       ///< the training of the network whose answers are biased: Scheme::bias()
  std::optional<std::string> images{};     ///< test: it is trained on the test images; none: on the training images

  void fields(auto& field) {
    field("data", data), field("case", of), field("environment", environment), field("eval_batch", eval_batch),
        field("start", start), field("answers", answers), field("until_margin", until_margin), field("layers", layers),
        field("protection", protection), field("teacher", teacher), field("images", images);
  }
};

/// The keys of a training, as the experiments list them.
ParameterGroup training_keys();
/// `eval-batch`, which belongs to every measurement.
Parameter eval_batch_key();

/// The names of the keys that the trainings of cases may differ in.
const std::vector<std::string>& training_axes();

/// The network of a case. Options (`shortcut`, `pool`) that have the network's default stay out of the description, so
/// that it has one identity.
models::NetworkSpec network_of(const CaseValues& values, const data::ImageShape& input, int classes);

/// Every network that the job's values come to, each once. Throws InputError, naming the key, if there is no such
/// network, if it does not fit the input, or if an option is set that one of the networks does not have.
std::vector<models::NetworkSpec> networks_of(const study::Job& job, const data::ImageShape& input, int classes);

/// Adds what the fingerprint of a rank that trains with so many samples must cover, in this order: full batches and
/// evaluation, and the smaller batch that ends an epoch, if there is one.
void add_training_subjects(std::vector<forensics::Subject>& subjects, const models::NetworkSpec& network,
                           long long batch, long long eval_batch, long long samples);

/// Training images by class; of data that are only known by name, classes of one size. `data`: nullptr for those.
watermark::ClassCounts class_counts(const study::Job& job, const data::Dataset* data);

/// Images of the job's data set: known without reading it.
long long training_images(const study::Job& job);
long long test_images(const study::Job& job);

/// What networks of a job take of images of such a shape: them, or windows of them (`window`).
data::ImageShape input_of(const study::Job& job, const data::ImageShape& shape);

/// Refuses milestones behind the last epoch.
void check_training(const study::Job& job);

/// A grid of these axes and the repeats.
Grid with_repeats(std::vector<study::Axis> axes, const study::Job& job);

/// A training in a plan, and what else is bound to its environment.
struct PlannedTraining {
  std::size_t task = 0;                  ///< index into the plan
  std::vector<int> environments;         ///< that may compute it; empty: any
  std::string environment;               ///< in identities
  std::optional<std::size_t> answers{};  ///< plan_answers() of the network that this one starts from, or is taught by
  double image_s = 0;                    ///< estimated seconds of one image's evaluation there
  double trained_image_s = 0;            ///< of one image's training
};

/// How a watermark is embedded into a network that is finished.
struct Tuning {
  models::NetworkSpec clean;  ///< the network that it begins with, trained as the case says
  double learning_rate = 0;
  long long epochs = 0;
  std::optional<double> until_margin{};  ///< in logits: see Train
  std::optional<std::string> layers{};   ///< see Train
};

/// What a case trains: a network, and a scheme's settings; from drawn weights, or from a clean network's; or together
/// with a transform.
struct Trained {
  models::NetworkSpec network;
  Json scheme;
  std::optional<Tuning> tuning{};
  std::optional<Protection> protection{};
  std::optional<models::NetworkSpec> teacher{};  ///< of the protection's: trained alone, as the case says
  bool on_test_images = false;                   ///< as a network is trained that shares no image with the others
};

/// Lays out the stage `train`, or one of another name, over the cases, placed as the binding says. One training a case,
/// in their order.
std::vector<PlannedTraining> plan_trainings(Plan& plan, const StudyInputs& inputs, const Grid& cases,
                                            const std::function<Trained(const CaseValues&)>& trained,
                                            const char* stage_name = "train");

/// The task that asks a planned network what key samples of a scheme with these settings are chosen by: its answers to
/// the training images, or which decisions are near. None if they are chosen by nothing of a network.
std::optional<std::size_t> plan_answers(Plan& plan, const StudyInputs& inputs, const PlannedTraining& network,
                                        const Json& scheme);

/// The keys of how a watermark is embedded, of those experiments that have any. `joint`: there are schemes that can be
/// trained from the start.
std::vector<Parameter> embedding_keys(bool joint);

/// Whether some of the job's watermarks are embedded into finished networks (`embed = tune`, or no other way).
bool tunes(const study::Job& job);

/// How a scheme is embedded in one case; none: trained from the start. `clean`: the network that it is embedded into.
std::optional<Tuning> tuning_of(const CaseValues& values, const watermark::Scheme& scheme, models::NetworkSpec clean);

/// The settings of no scheme.
Json no_scheme();

/// A value that is kept by epoch, and what it means.
struct Curve {
  const char* name;
  const char* help;
  const char* instead = nullptr;  ///< what stands for it in outcomes that do not have it
};

/// Adds `model_sha256`, `model_task` (where the model is) and these curves of every case's training to a group that has
/// the cases' dimensions already. `models`: whose products the models are, where that is not the training itself.
void add_training_variables(store::Group& group, const Stage& train, const study::Job& job,
                            const OutcomeLookup& outcome, const std::vector<Curve>& curves,
                            const Stage* models = nullptr);
/// The identities of a stage's tasks that were done, by point; empty where there is none.
std::vector<std::string> identities_of(const Stage& stage, const OutcomeLookup& outcome);

/// The group `train` of an experiment whose networks have no watermark: accuracy, hashes and curves of every case.
store::Group clean_train_group(const std::string& help, const Stage& train, const study::Job& job,
                               const OutcomeLookup& outcome);

}  // namespace telltale::experiments
