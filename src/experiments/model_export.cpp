#include "experiments/model_export.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <vector>

#include "core/error.h"
#include "core/json.h"
#include "models/torchscript.h"
#include "models/transform.h"
#include "models/weights.h"
#include "store/artifacts.h"
#include "store/atomic_file.h"
#include "study/cells.h"
#include "study/csv.h"
#include "study/exporting.h"
#include "study/ledger.h"

namespace telltale::experiments {
namespace {

using namespace study;  // the engine's files and texts

// The cases of group `train`, by their position in it.
struct Cases {
  std::vector<std::string> dimensions;
  std::vector<std::vector<std::string>> labels;  ///< by dimension
  std::vector<std::string> hashes, tasks;        ///< of the model and its training; empty if there is none
  std::vector<std::string> transforms;           ///< tasks that made what it works behind; empty: it has none
};

Cases cases_of(const store::Group& root) {
  const store::Group* train = root.child("train");
  if (train == nullptr)
    throw InputError("these results hold no trained models: experiment " + text_of(root, "experiment") +
                     " trains none");
  const store::Variable* tasks = train->find_variable("model_task");
  if (tasks == nullptr)
    throw InputError(
        "these results do not say where their models are, as those of older versions: `telltale run` "
        "with the same job file writes them anew");
  Cases cases;
  const Cells cells(*train, "model_sha256");
  cases.dimensions = cells.dimensions();
  cases.hashes = train->find_variable("model_sha256")->strings();
  cases.tasks = tasks->strings();
  const store::Variable* transforms = train->find_variable("transform_task");
  cases.transforms = transforms == nullptr ? std::vector<std::string>(cases.tasks.size()) : transforms->strings();
  for (std::size_t i = 0; i < cases.hashes.size(); ++i) {
    const auto labels = cells.labels(i);
    auto& of_case = cases.labels.emplace_back();
    for (const std::string& dimension : cases.dimensions) of_case.push_back(labels.at(dimension));
  }
  return cases;
}

// A model that is to be exported.
struct Model {
  std::string hash, task, transform;
  std::vector<std::size_t> cases;  ///< in the order of the results

  [[nodiscard]] std::string name() const { return "model-" + hash.substr(0, 16); }
  [[nodiscard]] std::string transform_name() const { return name() + "-transform"; }
};

class Artifacts {
 public:
  explicit Artifacts(const std::string& folder) : store_(folder) {}

  // The model as its training made it, in the product that holds it; empty, and said why, unless it is there and whole.
  [[nodiscard]] ByteSpan find(const Model& model) {
    const ByteSpan made = product_of(model.task);
    if (!made.empty() && Identity::of(made).hex() == model.hash) return made;
    return lost(model.task);
  }
  // Likewise the transform that it works behind.
  [[nodiscard]] ByteSpan find_transform(const Model& model) {
    const ByteSpan made = product_of(model.transform);
    return made.empty() ? lost(model.transform) : made;
  }
  [[nodiscard]] const std::string& why() const { return why_; }

 private:
  ByteSpan product_of(const std::string& task) {
    product_ = store_.get(product_kind, Identity::from_hex(task));
    return product_ ? unpack_product(*product_).artifact : ByteSpan();
  }
  ByteSpan lost(const std::string& task) {
    const Identity identity = Identity::from_hex(task);
    const bool missing = store_.check(product_kind, identity) == store::PartState::missing;
    why_ = store_.path_of(product_kind, identity) + (missing ? " is missing" : " is damaged");
    return {};
  }

  store::ArtifactStore store_;
  std::shared_ptr<const Bytes> product_;
  std::string why_;
};

std::string coordinates_text(const Cases& cases, std::size_t at) {
  std::string text;
  for (std::size_t d = 0; d < cases.dimensions.size(); ++d)
    text += (text.empty() ? "" : ", ") + cases.dimensions[d] + "=" + cases.labels[at][d];
  return text;
}

void require_whole(const std::vector<Model>& models, const Cases& cases, Artifacts& artifacts) {
  constexpr std::size_t named = 5;
  std::string lost;
  std::size_t count = 0;
  for (const Model& model : models) {
    if (!artifacts.find(model).empty() && (model.transform.empty() || !artifacts.find_transform(model).empty()))
      continue;
    if (++count <= named) lost += "\n  " + coordinates_text(cases, model.cases.front()) + ": " + artifacts.why();
  }
  if (count == 0) return;
  if (count > named) lost += "\n  and " + std::to_string(count - named) + " more";
  throw InputError(std::to_string(count) + " of " + std::to_string(models.size()) +
                   " models cannot be exported (--artifacts names another folder; `telltale run` with the same job "
                   "file and another results file computes them anew):" +
                   lost);
}

// What both files say of the model, or its transform, that they hold: `what`, described by `spec`.
Json description_of(const Model& model, const Cases& cases, const char* what, const Json& spec,
                    const std::string& dataset) {
  Json of_cases = Json::array();
  for (const std::size_t at : model.cases) {
    Json coordinates = Json::object();
    for (std::size_t d = 0; d < cases.dimensions.size(); ++d) coordinates[cases.dimensions[d]] = cases.labels[at][d];
    of_cases.push_back(std::move(coordinates));
  }
  Json description = {{what, spec},
                      {"dataset", dataset},
                      {"cases", std::move(of_cases)},
                      {"model_sha256", model.hash},
                      {"model_task", model.task}};
  if (!model.transform.empty()) description["transform_task"] = model.transform;
  return description;
}

// A module's tensors and its script, described alike.
void write_module(ByteSpan stored, const Json& description, const Bytes& script, const std::string& path) {
  models::TensorMap map = models::read_tensors(stored);
  for (const auto& [key, value] : description.items())
    map.metadata[key] = value.is_string() ? value.get<std::string>() : canonical(value);
  store::write_file_atomically(path + ".safetensors", {models::write_tensors(map)});
  store::write_file_atomically(path + ".pt", {script});
}

}  // namespace

ExportedModels export_models(const store::Group& root, const std::string& artifacts_folder,
                             const std::string& conditions, const std::string& folder) {
  const Cases cases = cases_of(root);
  ExportedModels exported;
  std::vector<Model> models;
  std::map<std::string, std::size_t> by_hash;
  std::vector<std::size_t> model_of(cases.hashes.size());
  std::vector<std::size_t> trained;
  for (const std::size_t at : cases_where(cases.dimensions, cases.labels, conditions, "model")) {
    if (cases.hashes[at].empty()) {
      ++exported.untrained;
      continue;
    }
    const auto [place, is_new] = by_hash.try_emplace(cases.hashes[at], models.size());
    if (is_new) models.push_back({cases.hashes[at], cases.tasks[at], cases.transforms[at], {}});
    models[place->second].cases.push_back(at);
    model_of[at] = place->second;
    trained.push_back(at);
  }
  if (models.empty())
    throw InputError("none of the " + std::to_string(exported.untrained) +
                     " cases that were asked for has a trained model yet; `telltale run` goes on with what is open");
  exported.models = models.size();
  exported.cases = trained.size();

  Artifacts artifacts(artifacts_folder);
  require_whole(models, cases, artifacts);
  make_empty_folder(folder);
  const auto path = [&](const std::string& name) { return (std::filesystem::path(folder) / name).string(); };
  std::vector<std::string> networks;
  for (const Model& model : models) {
    const ByteSpan stored = artifacts.find(model);
    if (stored.empty()) throw Error(artifacts.why() + " just now");
    const auto network = models::load_network(stored);
    const Json spec = network->spec().to_json();
    const std::string dataset = text_of(root, "dataset");
    const Json description = description_of(model, cases, "network", spec, dataset);
    write_module(stored, description, models::torchscript_of(*network, canonical(description)), path(model.name()));
    networks.push_back(canonical(spec));
    if (model.transform.empty()) continue;
    const ByteSpan made = artifacts.find_transform(model);
    if (made.empty()) throw Error(artifacts.why() + " just now");
    const auto transform = models::load_transform(made);
    const Json of_transform = description_of(model, cases, "transform", transform->spec().to_json(), dataset);
    write_module(made, of_transform, models::torchscript_of(*transform, canonical(of_transform)),
                 path(model.transform_name()));
  }

  const bool with_transforms =
      std::any_of(models.begin(), models.end(), [](const Model& model) { return !model.transform.empty(); });
  std::vector<std::string> header = {"safetensors", "torchscript"};
  if (with_transforms) header.insert(header.end(), {"transform_safetensors", "transform_torchscript"});
  header.insert(header.end(), cases.dimensions.begin(), cases.dimensions.end());
  for (const char* name : {"model_sha256", "model_task", "network"}) header.emplace_back(name);
  std::string manifest = csv_line(header) + "\n";
  for (const std::size_t at : trained) {
    const Model& model = models[model_of[at]];
    std::vector<std::string> row = {model.name() + ".safetensors", model.name() + ".pt"};
    if (with_transforms)
      for (const char* suffix : {".safetensors", ".pt"})
        row.push_back(model.transform.empty() ? "" : model.transform_name() + suffix);
    row.insert(row.end(), cases.labels[at].begin(), cases.labels[at].end());
    row.insert(row.end(), {model.hash, model.task, networks[model_of[at]]});
    manifest += csv_line(row) + "\n";
  }
  store::write_file_atomically(path("manifest.csv"), {as_bytes(manifest)});
  return exported;
}

}  // namespace telltale::experiments
