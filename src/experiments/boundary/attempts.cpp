#include "experiments/boundary/attempts.h"

#include <limits>
#include <type_traits>

#include "forensics/identification.h"

namespace telltale::experiments::boundary {
namespace {

using study::counted_axis;
using study::done;
using study::missing;
using study::texts;
using study::variable;

// What the replays of one search come to, and why.
void judge(Attempt& attempt, const StudyInputs& inputs, const Stage& replays, std::size_t first,
           const OutcomeLookup& outcome) {
  bool all = true;
  for (std::size_t e = 0; e < inputs.environments.list.size(); ++e) {
    const auto& task = replays.tasks[first + e];
    if (!task) continue;  // that environment was not asked
    const Outcome* one = outcome(*task);
    const std::string& name = inputs.environments.list[e].name;
    std::string against;
    if (one == nullptr)
      all = false;
    else if (one->status != TaskStatus::done)
      against = "the replay on " + name + " failed: " + one->reason;
    else if (one->values.at("repeats").as<std::int32_t>().front() != 1)
      against = "the replay on " + name + " did not repeat its logits";
    if (!against.empty()) attempt.reason += (attempt.reason.empty() ? "" : "; ") + against;
  }
  attempt.replays = !attempt.reason.empty() ? Attempt::Replays::refuted
                    : all                   ? Attempt::Replays::verified
                                            : Attempt::Replays::open;
}

// Values copied bit for bit, or `fill` where there are none.
template <typename T>
void append(std::vector<T>& all, const Attempt& attempt, const char* name, std::size_t count, T fill) {
  if (!attempt.found()) {
    all.insert(all.end(), count, fill);
    return;
  }
  const auto values = attempt.outcome->values.at(name).as<T>();
  all.insert(all.end(), values.begin(), values.end());
}

// What every machine answered, at the machines' places.
template <typename T>
void append_answers(std::vector<T>& all, const Attempt& attempt, const char* name, std::size_t machines,
                    std::size_t each, T fill) {
  const std::size_t first = all.size();
  all.insert(all.end(), machines * each, fill);
  if (!attempt.found()) return;
  const auto values = attempt.outcome->values.at(name).as<T>();
  for (std::size_t i = 0; i < attempt.asked.size(); ++i)
    for (std::size_t k = 0; k < each; ++k)
      all[first + static_cast<std::size_t>(attempt.asked[i]) * each + k] = values[i * each + k];
}

}  // namespace

bool Attempt::found() const {
  return outcome != nullptr && number("ending") == static_cast<std::int64_t>(forensics::Ending::success);
}

std::int64_t Attempt::number(const char* name) const {
  return outcome == nullptr ? -1 : outcome->values.at(name).as<std::int64_t>().front();
}

std::int32_t Attempt::machine_at(std::int64_t position) const {
  return position < 0 ? -1 : asked.at(static_cast<std::size_t>(position));
}

double Attempt::psnr() const {
  return found() ? forensics::psnr(outcome->values.at("squared_error").as<double>().front()) : missing;
}

std::string Attempt::status() const {
  if (!applies) return "not applicable";
  if (failed) return failed_task;
  if (is_open()) return "open";
  return outcome == nullptr ? "" : forensics::name_of(static_cast<forensics::Ending>(number("ending")));
}

std::vector<std::int32_t> Attempt::labels(std::size_t machines) const {
  std::vector<std::int32_t> labels;
  append_answers(labels, *this, "labels", machines, 1, forensics::no_label);
  return labels;
}

std::vector<Attempt> attempts_of(const StudyInputs& inputs, const Setup& setup, const Plan& plan,
                                 const OutcomeLookup& outcome) {
  const Stage &searches = plan.stage("search"), &replays = plan.stage("replay");
  const std::size_t environments = replays.grid.axes().back().values.size();
  std::vector<Attempt> attempts;
  for (const auto& task : searches.tasks) {
    Attempt& attempt = attempts.emplace_back();
    attempt.applies = task.has_value();
    const Outcome* ended = task ? outcome(*task) : nullptr;
    if (ended == nullptr) continue;
    if (ended->status != TaskStatus::done) {
      attempt.failed = true;
      attempt.reason = ended->reason;
      continue;
    }
    attempt.outcome = ended;
    attempt.asked = setup.asked_by(study::fields_from<Search>(plan.tasks[*task].payload));
    if (attempt.found()) judge(attempt, inputs, replays, (attempts.size() - 1) * environments, outcome);
  }
  return attempts;
}

store::Group attempts_group(const StudyInputs& inputs, const Setup& setup, const Plan& plan,
                            const std::vector<Attempt>& attempts, const OutcomeLookup& outcome) {
  store::Group group;
  group.name = "boundary";
  const data::ImageShape& shape = inputs.data->shape();
  std::vector<std::string> environments;
  for (const Machine& machine : setup.machines)
    for (const int e : machine.environments)
      environments.push_back(inputs.environments.list[static_cast<std::size_t>(e)].name);
  const Stage& train = plan.stage("train");
  std::vector<std::string> models;
  for (const auto& task : train.tasks) {
    const Outcome* trained = done(outcome, task);
    models.push_back(
        trained == nullptr ? "" : Identity::from_bytes(trained->values.at("model_sha256").as<std::uint8_t>()).hex());
  }
  group.attributes = {
      {"description", "every attempt to make a boundary sample, from one test image each (Schloegl et al. 2021)"},
      {"network", setup.network.to_json().dump()},
      {"search_batch", std::int64_t{inputs.job.integer("search-batch")}},
      {"local_machine", setup.machines[static_cast<std::size_t>(setup.local)].name},
      {"environments", environments}};
  if (models.size() == 1) group.attributes.push_back({"model", models.front()});
  const Grid& grid = plan.stage("search").grid;
  grid.declare(group);
  const auto classes = static_cast<std::int64_t>(setup.network.classes);
  const auto machines = static_cast<std::int64_t>(setup.machines.size());
  Grid({setup.machine_axis(), counted_axis("class", classes), counted_axis("channel", shape.channels),
        counted_axis("row", shape.height), counted_axis("column", shape.width)})
      .declare(group);
  const auto dimensions = grid.dimensions();
  const auto extents = grid.shape();

  std::vector<std::string> status, reasons, identified;
  std::vector<std::int32_t> verified;
  std::vector<double> psnr, squared_error;
  std::vector<float> samples, logits;
  std::vector<std::int32_t> labels;
  const auto pixels = static_cast<std::size_t>(shape.pixels());
  for (const Attempt& attempt : attempts) {
    status.push_back(attempt.status());
    reasons.push_back(attempt.reason);
    identified.push_back(attempt.found() ? setup.machines.at(static_cast<std::size_t>(attempt.identified())).name : "");
    verified.push_back(attempt.verified());
    psnr.push_back(attempt.psnr());
    squared_error.push_back(
        attempt.outcome == nullptr ? missing : attempt.outcome->values.at("squared_error").as<double>().front());
    append<float>(samples, attempt, "sample", pixels, std::numeric_limits<float>::quiet_NaN());
    const auto answered = attempt.labels(setup.machines.size());
    labels.insert(labels.end(), answered.begin(), answered.end());
    append_answers<float>(logits, attempt, "logits", setup.machines.size(), static_cast<std::size_t>(classes),
                          std::numeric_limits<float>::quiet_NaN());
  }
  auto& variables = group.variables;
  variables.push_back(texts("model", train.grid.dimensions(), models, "SHA-256 of the network; empty while missing"));
  variables.push_back(texts("status", dimensions, status,
                            "success, or how the search failed; failed: its task did; open: a sample was found and is "
                            "not replayed everywhere yet; empty while missing"));
  variables.push_back(texts("reason", dimensions, reasons,
                            "why the task of the search failed, or what speaks against its sample: a replay that "
                            "failed, or did not repeat it"));
  variables.push_back(variable("verified", dimensions, extents, verified,
                               "1: a process of its own on every environment repeated every logit bit for bit"));
  variables.push_back(texts("identified", dimensions, identified,
                            "the machine whose label differs from all others; of two that part, one"));
  for (const auto& [name, help] :
       {std::pair("true_label", "the test image's class"),
        std::pair("start_label", "what the local machine calls the image"),
        std::pair("identifying_label", "the identified machine's label; -1: none"),
        std::pair("contrast_label", "the other machines' label; -1: none"),
        std::pair("local_steps", "steps on the local machine alone"),
        std::pair("remote_steps", "steps that asked all machines"),
        std::pair("evaluations",
                  "forward and backward passes of one image on one machine, each counted; replays apart")}) {
    std::vector<std::int64_t> values;
    for (const Attempt& attempt : attempts) values.push_back(attempt.number(name));
    variables.push_back(variable(name, dimensions, extents, values, std::string(help) + "; -1 while missing"));
  }
  variables.push_back(
      variable("psnr", dimensions, extents, psnr, "peak signal-to-noise ratio, sample against image", "dB"));
  variables.push_back(variable("squared_error", dimensions, extents, squared_error,
                               "mean squared difference of the last point from the image, on [0,1] values"));
  variables.push_back(variable("label", with<std::string>(dimensions, {"machine"}), with(extents, {machines}), labels,
                               "what each machine calls the sample; -1: not asked, or no sample"));
  variables.push_back(variable("logits", with<std::string>(dimensions, {"machine", "class"}),
                               with(extents, {machines, classes}), logits, "each machine's logits, bit for bit"));
  variables.push_back(variable("sample", with<std::string>(dimensions, {"channel", "row", "column"}),
                               with<std::int64_t>(extents, {shape.channels, shape.height, shape.width}), samples,
                               "the boundary sample, bit for bit"));
  const data::Split& test = inputs.data->test();
  const ByteSpan originals = test.images.subspan(static_cast<std::size_t>(inputs.job.integer("first-image")) * pixels,
                                                 static_cast<std::size_t>(setup.images()) * pixels);
  variables.push_back(variable("original", {"image", "channel", "row", "column"},
                               {setup.images(), shape.channels, shape.height, shape.width},
                               std::vector<std::uint8_t>(originals.begin(), originals.end()),
                               "the test image, 0 to 255: its values are these divided by 255"));
  return group;
}

// Every step of every attempt, one after the other.
store::Group steps_group(const std::vector<Attempt>& attempts) {
  std::vector<std::int64_t> attempt_of;
  std::vector<std::int32_t> remote, machine, label;
  std::vector<double> delta, scale;
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    if (attempts[i].outcome == nullptr || !attempts[i].outcome->values.contains("step_delta")) continue;
    const auto& values = attempts[i].outcome->values;
    const auto take = [&]<typename T>(std::vector<T>& all, const char* name) {
      const auto some = values.at(name).as<T>();
      all.insert(all.end(), some.begin(), some.end());
    };
    take(remote, "step_remote");
    for (const std::int32_t position : values.at("step_machine").as<std::int32_t>())
      machine.push_back(attempts[i].machine_at(position));
    take(label, "step_label");
    take(delta, "step_delta");
    take(scale, "step_scale");
    attempt_of.resize(delta.size(), static_cast<std::int64_t>(i));
  }
  store::Group group;
  group.name = "steps";
  group.attributes = {{"description", "every step of every attempt, in the order of the attempts"}};
  const auto count = static_cast<std::int64_t>(attempt_of.size());
  group.dimensions = {{"step", count}};
  group.variables = {
      variable("attempt", {"step"}, {count}, attempt_of, "position of the attempt in the group boundary, row-major"),
      variable("remote", {"step"}, {count}, remote, "1: all machines were asked"),
      variable("machine", {"step"}, {count}, machine, "index of the machine whose slope was followed; -1: none"),
      variable("label", {"step"}, {count}, label, "its label"),
      variable("delta", {"step"}, {count}, delta,
               "the two largest confidences' difference (paper, code); the margin in logits (telltale)"),
      variable("scale", {"step"}, {count}, scale,
               "what multiplied alpha (paper, code); the shift of the margin that was aimed at (telltale)")};
  return group;
}

}  // namespace telltale::experiments::boundary
