// What every experiment on ownership does: networks marked by schemes are trained over a grid, asked as they are, and
// asked again after attacks. Which schemes and attacks, an experiment says by name.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "experiments/ownership/claims.h"
#include "experiments/training.h"
#include "watermark/attack.h"
#include "watermark/scheme.h"

namespace telltale::experiments {

/// Asks a model, as it is or after an attack, for the test images and for key samples. Its outcome: accuracy,
/// accuracy_label_removed (of networks with an output more than the data have classes), and of each set of key samples
/// (new, wrong, trained, other) how many were asked, keys_*, how many of them got their label, key_matches_*, and the
/// share, key_accuracy_*. A network without a watermark was trained on none; of a scheme that has no other key samples
/// it is asked those that would have been. Where those have true labels: true_matches_trained, and signature, 1 if all
/// of them got the watermark's labels. After an attack that refuses: refused, and refused_* of each set of key samples,
/// the shares without an answer. And what the attack itself measures. Of a claim: that of put_claim()
/// (experiments/ownership/asking.h).
struct Evaluate {
  static constexpr study::TaskKind kind{.name = "evaluate", .algorithm = 4};
  Identity data, model;
  Json scheme;            ///< whose key samples are asked
  bool is_marked = true;  ///< the model was trained on key samples
  Json attack;
  long long key_images = 0;  ///< how many images each set of key samples is made of; 0: all
  std::string environment;
  long long eval_batch = 0;
  std::optional<Identity> answers{};     ///< as of Train: what the key samples were chosen by
  std::optional<ClaimSettings> claim{};  ///< none: nothing is claimed

  void fields(auto& field) {
    field("data", data), field("model", model), field("scheme", scheme), field("is_marked", is_marked),
        field("attack", attack), field("key_images", key_images), field("environment", environment),
        field("eval_batch", eval_batch), field("answers", answers), field("claim", claim);
  }
};

/// What is measured of every case, as tables show it: variable, and title of its column; those that the group has.
/// `halves`: accuracy on each half of the test images too.
std::vector<std::pair<std::string, std::string>> measured_columns(const store::Group& group, bool halves = false);

/// The group `control`: how often a network that nobody marked gives each watermark's labels.
study::Table control_table(const store::Group& control);

/// The number, in a grid of cases, of the case that lies at a point of another grid, but for some coordinates. Throws
/// Error if the grid has no such case.
std::size_t case_at(const Grid& cases, const Grid::Point& point, const std::map<std::string, std::string>& but_for);

/// Of a results file whose job has both `embed = joint` and `tune`: what share of their cases agree, and how long the
/// trainings of each took. None of others.
std::optional<study::Table> embedding_table(const store::Group& root);

/// The schemes and attacks of an experiment, and what follows from them.
class Ownership {
 public:
  /// Names in the registry of watermark/. `control`: the scheme whose key samples the network without a watermark is
  /// asked; empty: those of every scheme of the job, which is a stage and a group of its own (`control`).
  Ownership(const std::vector<std::string>& schemes, const std::vector<std::string>& attacks, std::string control);

  /// `scheme` and the keys of the schemes, each once; then `key-images`.
  [[nodiscard]] ParameterGroup scheme_keys() const;
  [[nodiscard]] ParameterGroup attack_keys() const;

  /// What fingerprints must cover: every network, with the outputs that each scheme gives it, in batches of every size
  /// that its training comes to.
  [[nodiscard]] std::vector<forensics::Subject> subjects(const study::Job& job, const data::Dataset* data) const;

  /// The data sets that the job's schemes make key samples of, beside its own.
  [[nodiscard]] std::vector<std::string> other_data(const study::Job& job) const;

  /// Refuses, naming the key, what the data cannot serve.
  void check(const StudyInputs& inputs) const;

  /// Lays out the stages `train`, `evaluate`, and one for each attack that the job switches on. Counts the cases.
  /// Returns the training of each case.
  std::vector<PlannedTraining> plan(Plan& plan, const StudyInputs& inputs) const;

  /// Every case of a job.
  [[nodiscard]] Grid cases(const study::Job& job) const;
  /// Those of networks that have a watermark; no case at all where none has.
  [[nodiscard]] Grid marked_cases(const study::Job& job) const;
  /// `suspect`: the networks that something made of a marked case is put to: the case's own, and the clean one of the
  /// same repeat where the job has it.
  [[nodiscard]] study::Axis suspect_axis(const study::Job& job) const;
  /// The case of the network that a point of marked cases and suspects names; where the point has a `suspect_repeat`,
  /// of that repeat.
  [[nodiscard]] std::size_t suspect_at(const Grid& cases, const study::Job& job, const Grid::Point& point) const;
  /// A scheme's settings in one case; those of the control where `asked` of a network without a watermark. With the
  /// hashes of the other data that it uses, where these are known.
  [[nodiscard]] Json settings(const CaseValues& values, bool asked, const data::OtherData* others) const;

  /// The group `train`: every case as trained, and what was measured of it as it is.
  [[nodiscard]] store::Group train_group(const study::Job& job, const Plan& plan, const OutcomeLookup& outcome) const;
  /// A group for each attack; before them `control`, behind them `null`, `false-claims` and `machines`, if these are
  /// there.
  [[nodiscard]] std::vector<store::Group> further_groups(const StudyInputs& inputs, const Plan& plan,
                                                         const OutcomeLookup& outcome) const;

  /// Means over the repeats, and over the dimensions that are `pooled`, of all that was measured in a group.
  [[nodiscard]] study::Table networks_table(const store::Group& group, const std::string& title,
                                            const std::vector<std::string>& pooled = {}, bool halves = false) const;
  /// A table for each attack that a results file holds.
  [[nodiscard]] std::vector<study::Table> attack_tables(const store::Group& root) const;

 private:
  [[nodiscard]] Grid scheme_grid(const study::Job& job) const;
  /// What a case trains.
  [[nodiscard]] Trained marked(const CaseValues& values, const StudyInputs& inputs) const;
  void plan_control(Plan& plan, const StudyInputs& inputs, const std::vector<PlannedTraining>& trainings) const;
  void check_claims(const study::Job& job) const;
  /// Networks of nobody, trained as the cases are: each of a repeat of its own, from `first_repeat` on.
  struct Strangers {
    Grid grid;
    std::vector<PlannedTraining> trainings;
    std::int64_t count = 0, first_repeat = 0;
    /// One of them, trained as the case of this point is.
    [[nodiscard]] const PlannedTraining& at(const Grid::Point& point, std::int64_t number) const;
  };
  using TrainedOf = std::function<Trained(const CaseValues&)>;
  [[nodiscard]] static Strangers plan_strangers(Plan& plan, const StudyInputs& inputs, std::int64_t count,
                                                std::int64_t first_repeat, const char* stage, const TrainedOf& trained);
  /// Of the stratum `same`; none where there is none.
  Strangers plan_nulls(Plan& plan, const StudyInputs& inputs, const std::vector<PlannedTraining>& trainings) const;
  void plan_machines(Plan& plan, const StudyInputs& inputs, const std::vector<PlannedTraining>& trainings) const;
  void add_machine_subjects(std::vector<forensics::Subject>& subjects, const study::Job& job) const;
  /// `judges`: whose networks the null models are.
  void plan_false_claims(Plan& plan, const StudyInputs& inputs, const std::vector<PlannedTraining>& trainings,
                         const Strangers& judges) const;
  void add_null_subjects(std::vector<forensics::Subject>& subjects, const study::Job& job) const;
  void add_attack_subjects(std::vector<forensics::Subject>& subjects, const study::Job& job) const;
  /// The question of a case put to a trained network. `answers`: the task whose answers its key samples are chosen by.
  /// `attack_s`: how long the attack itself takes.
  [[nodiscard]] study::Task<Evaluate> evaluation(const Plan& plan, const StudyInputs& inputs, const CaseValues& values,
                                                 const PlannedTraining& training, bool is_marked,
                                                 const std::optional<std::size_t>& answers, Json attack,
                                                 double attack_s = 0) const;
  [[nodiscard]] std::vector<study::Measure> measures() const;
  [[nodiscard]] std::vector<study::Measure> measures_after(const watermark::Attack& attack) const;
  [[nodiscard]] std::vector<study::Count> counts() const;
  void join_clean_rows(study::Table& table) const;
  [[nodiscard]] bool any_has(watermark::Query query) const;
  [[nodiscard]] bool any_needs_answers() const;

  std::vector<const watermark::Scheme*> schemes_;
  std::vector<const watermark::Attack*> attacks_;
  std::string control_;
};

/// An experiment on ownership, as far as all are alike.
class OwnershipExperiment : public study::Experiment {
 public:
  void check(const study::Job& job) const override { check_training(job); }
  [[nodiscard]] std::vector<std::string> other_data(const study::Job& job) const final {
    return ownership_.other_data(job);
  }
  [[nodiscard]] std::vector<forensics::Subject> subjects(const study::Job& job,
                                                         const data::Dataset* data) const override {
    return ownership_.subjects(job, data);
  }

 protected:
  explicit OwnershipExperiment(Ownership ownership) : ownership_(std::move(ownership)) {}
  Ownership ownership_;
};

}  // namespace telltale::experiments
