#include "experiments/ownership/owners_key.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "core/error.h"
#include "core/posix.h"
#include "experiments/ownership/claims.h"
#include "experiments/ownership/ownership.h"
#include "store/artifacts.h"
#include "study/cells.h"
#include "study/data_request.h"
#include "study/exporting.h"
#include "study/results.h"
#include "watermark/claims.h"

namespace telltale::experiments {
namespace {

constexpr const char* key_format = "telltale key";
constexpr std::int64_t key_version = 2;
constexpr std::string_view commitment_domain = "telltale key 2\n";
constexpr long long usual_queries = 100, usual_decoys = 99;

Json to_json(const data::DatasetRequest& request) {
  Json json = {{"name", request.name}, {"official", request.official}, {"seed", request.seed}};
  const auto put = [&](const char* name, const std::optional<std::int64_t>& value) {
    if (value) json[name] = *value;
  };
  put("train_limit", request.train_limit), put("test_limit", request.test_limit);
  put("generated_train", request.generated_train), put("generated_test", request.generated_test);
  return json;
}

data::DatasetRequest request_from(const Json& json, const std::string& data_dir) {
  data::DatasetRequest request;
  request.name = json.at("name").get<std::string>();
  request.official = json.at("official").get<bool>();
  request.seed = json.at("seed").get<std::uint64_t>();
  request.directories = data::directories_of(data_dir);
  const auto get = [&](const char* name, std::optional<std::int64_t>& value) {
    if (json.contains(name)) value = json.at(name).get<std::int64_t>();
  };
  get("train_limit", request.train_limit), get("test_limit", request.test_limit);
  get("generated_train", request.generated_train), get("generated_test", request.generated_test);
  return request;
}

Identity random_bits() {
  std::array<std::uint8_t, Identity::size> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    throw Error(std::string("the system gives no random bits: ") + std::strerror(errno));
  return Identity(bytes);
}

// The cases of group `train` whose networks carry a watermark, by their position there.
struct MarkedCases {
  std::vector<std::string> dimensions;
  std::vector<std::vector<std::string>> labels;
  std::vector<std::size_t> positions;
};

MarkedCases marked_cases(const study::Session& session) {
  const Stage* evaluated = session.plan.find_stage("evaluate");
  if (evaluated == nullptr || dynamic_cast<const OwnershipExperiment*>(session.experiment) == nullptr)
    throw InputError("experiment " + session.job.experiment() + " marks no network: there is no key to take");
  MarkedCases marked;
  marked.dimensions = evaluated->grid.dimensions();
  for (std::size_t position = 0; position < evaluated->tasks.size(); ++position) {
    if (!evaluated->tasks[position]) continue;
    const auto task = study::task_from<Evaluate>(session.plan.tasks[*evaluated->tasks[position]].payload);
    if (!task.is_marked) continue;
    marked.positions.push_back(position);
    auto& labels = marked.labels.emplace_back();
    const Grid::Point point = evaluated->grid.point(position);
    for (const study::Axis& axis : evaluated->grid.axes()) labels.push_back(point.text(axis.key));
  }
  if (marked.positions.empty()) throw InputError("no network of this study carries a watermark");
  return marked;
}

// The one case that `where` selects.
std::size_t selected_case(const MarkedCases& marked, const std::string& where) {
  const auto selected = study::cases_where(marked.dimensions, marked.labels, where, "marked case");
  if (selected.size() > 1) {
    std::string open;
    for (std::size_t d = 0; d < marked.dimensions.size(); ++d)
      if (std::any_of(selected.begin(), selected.end(),
                      [&](std::size_t i) { return marked.labels[i][d] != marked.labels[selected.front()][d]; }))
        open += (open.empty() ? "" : ",") + marked.dimensions[d] + "=" + marked.labels[selected.front()][d];
    throw InputError(fmt::format("a key is of one network, and there are {} marked ones: --where \"{}\" selects one",
                                 selected.size(), open));
  }
  return marked.positions[selected.front()];
}

std::vector<NullClaims> nulls_of(const study::Session& session, const study::StudyRecords& records,
                                 std::size_t position) {
  std::vector<NullClaims> found;
  const Stage* nulls = session.plan.find_stage("null");
  if (nulls == nullptr) return found;
  const std::size_t each = nulls->grid.size() / session.plan.stage("evaluate").grid.size();
  for (std::size_t point = position * each; point < (position + 1) * each; ++point) {
    const auto& task = nulls->tasks[point];
    if (!task) continue;
    const auto outcome = records.outcomes.find(session.plan.tasks[*task].identity);
    if (outcome == records.outcomes.end() || outcome->second.status != TaskStatus::done)
      throw InputError("not all null models of this study are there yet: `telltale run` goes on with it");
    const std::string stratum = nulls->grid.point(point).text(null_stratum_axis);
    if (found.empty() || found.back().stratum != stratum) found.push_back({stratum, {}});
    found.back().parts.push_back(ClaimGiven::of(outcome->second).whole);
  }
  return found;
}

std::string model_hash(const study::Session& session, const study::StudyRecords& records, std::size_t position) {
  const auto& training = session.plan.stage("train").tasks.at(position);
  const auto found = training ? records.outcomes.find(session.plan.tasks[*training].identity) : records.outcomes.end();
  if (found == records.outcomes.end() || found->second.status != TaskStatus::done)
    throw InputError("the network of this case is not trained yet: `telltale run` goes on with it");
  return Identity::from_bytes(found->second.values.at(model_hash_value).as<std::uint8_t>()).hex();
}

Bytes stored_answers(const Identity& task, const std::string& artifacts) {
  const store::ArtifactStore folder(artifacts);
  const auto packed = folder.get(study::product_kind, task);
  if (!packed)
    throw InputError("the answers that these key samples were chosen by are missing: " +
                     folder.path_of(study::product_kind, task) + " (--artifacts names another folder)");
  const ByteSpan answers = study::unpack_product(*packed).artifact;
  return {answers.begin(), answers.end()};
}

}  // namespace

Identity hash_of(const watermark::KeySamples& samples) {
  Hasher hasher;
  hasher.update(canonical(Json{samples.shape.channels, samples.shape.height, samples.shape.width, samples.count()}));
  hasher.update(
      ByteSpan(reinterpret_cast<const std::uint8_t*>(samples.pixels.data()), samples.pixels.size() * sizeof(float)));
  hasher.update(ByteSpan(reinterpret_cast<const std::uint8_t*>(samples.labels.data()),
                         samples.labels.size() * sizeof(std::int64_t)));
  return hasher.finish();
}

Identity commitment_to(const KeyManifest& manifest, const Identity& nonce) {
  Hasher hasher;
  hasher.update(commitment_domain).update(canonical(study::json_of(manifest))).update(nonce.bytes());
  return hasher.finish();
}

std::string OwnersKey::form() const { return commitment.brief(); }

OwnersKey take_key(const KeySource& source) {
  const study::StudyRecords records = study::read_records(source.paths.journal());
  const study::Session session = study::reopened(records, source.data_dir);
  const study::Job& job = session.job;
  const std::size_t position = selected_case(marked_cases(session), source.where);
  const auto& asked = session.plan.stage("evaluate").tasks[position];
  const auto task = study::task_from<Evaluate>(session.plan.tasks[*asked].payload);

  OwnersKey key;
  KeyManifest& manifest = key.manifest;
  manifest.scheme = task.scheme;
  manifest.data = to_json(study::data_request(job));
  for (const std::string& name : watermark::scheme_of(task.scheme).other_data(task.scheme))
    manifest.data["others"][name] = to_json(study::other_data_request(job, name));
  manifest.data_hash = task.data;
  manifest.classes = session.data->classes();
  manifest.key_images = task.key_images;
  const ClaimSettings claim = task.claim.value_or(ClaimSettings{usual_decoys, usual_queries, {}});
  manifest.queries = source.queries.value_or(claim.queries);
  manifest.decoys = source.decoys.value_or(claim.decoys);
  manifest.level = watermark::claim_level;
  manifest.model = model_hash(session, records, position);
  // They were asked so many queries, and say nothing of another number.
  if (task.claim && claim.queries == manifest.queries) manifest.nulls = nulls_of(session, records, position);
  if (task.answers) {
    key.answers = stored_answers(*task.answers, source.artifacts);
    manifest.answers = Identity::of(key.answers);
  }
  key.samples = regenerated(key, {*session.data, session.other_data});
  manifest.queries = key.samples.count();
  manifest.samples = hash_of(key.samples);
  key.nonce = random_bits();
  key.commitment = commitment_to(manifest, key.nonce);
  return key;
}

void write_key(const std::string& path, const OwnersKey& key) {
  if (std::filesystem::exists(path)) throw InputError(path + " is there already: a key is never overwritten");
  const watermark::KeySamples& samples = key.samples;
  const data::ImageShape& shape = samples.shape;
  store::Group root;
  root.attributes = {
      {"format", std::string(key_format)},
      {"version", key_version},
      {"description", std::string("An owner's key: to be kept secret until a claim is made. docs/ownership.md")},
      {"scheme", key.manifest.scheme.at("method").get<std::string>()},
      {"manifest", canonical(study::json_of(key.manifest))},
      {"nonce", key.nonce.hex()},
      {"commitment", key.commitment.hex()}};
  root.dimensions = {
      {"query", samples.count()}, {"channel", shape.channels}, {"row", shape.height}, {"column", shape.width}};
  root.variables.push_back(
      {"image",
       {"query", "channel", "row", "column"},
       Array::of<float>({samples.count(), shape.channels, shape.height, shape.width}, samples.pixels),
       {{"description", std::string("what is asked, pixels of [0, 1] and beyond")}},
       {}});
  root.variables.push_back({"label",
                            {"query"},
                            Array::of<std::int64_t>({samples.count()}, samples.labels),
                            {{"description", std::string("the answer that the owner claims")}},
                            {}});
  if (!key.answers.empty()) {
    root.dimensions.push_back({"byte", static_cast<std::int64_t>(key.answers.size())});
    root.variables.push_back({"chosen_by",
                              {"byte"},
                              Array::of<std::uint8_t>({static_cast<std::int64_t>(key.answers.size())}, key.answers),
                              {{"description", std::string("what the network without a watermark answered, by which "
                                                           "the images were chosen")}},
                              {}});
  }
  const OwnersFiles mine;
  store::write_results_file(path, root);
}

OwnersKey read_key(const std::string& path) {
  if (!std::filesystem::exists(path)) throw InputError("there is no key " + path);
  const auto refuse = [&](const std::string& why) { throw InputError(path + " is no key: " + why); };
  store::Group root;
  try {
    root = store::read_results_file(path);
  } catch (const Error& error) {
    refuse(error.what());
  }
  if (study::text_of(root, "format") != key_format) refuse("`telltale key` writes one");
  const store::Attribute* version = root.find_attribute("version");
  const auto* number = version == nullptr ? nullptr : std::get_if<std::int64_t>(&version->value);
  if (number == nullptr) refuse("it names no version");
  if (*number != key_version)
    refuse(fmt::format("it is of version {}, and this program reads {}: {}", *number, key_version,
                       *number < key_version ? "`telltale key` takes it from its study anew" : "a newer one reads it"));
  OwnersKey key;
  try {
    key.manifest = study::fields_from<KeyManifest>(Json::parse(study::text_of(root, "manifest")));
    key.nonce = Identity::from_hex(study::text_of(root, "nonce"));
    key.commitment = Identity::from_hex(study::text_of(root, "commitment"));
    const store::Variable *image = root.find_variable("image"), *label = root.find_variable("label");
    if (image == nullptr || label == nullptr) throw Error("its samples are missing");
    const auto& sizes = image->numbers().shape;
    if (sizes.size() != 4 || label->numbers().shape != std::vector<std::int64_t>{sizes[0]})
      throw Error("images and labels do not belong together");
    key.samples.shape = {static_cast<int>(sizes[1]), static_cast<int>(sizes[2]), static_cast<int>(sizes[3])};
    const auto pixels = image->numbers().as<float>();
    key.samples.pixels.assign(pixels.begin(), pixels.end());
    const auto labels = label->numbers().as<std::int64_t>();
    key.samples.labels.assign(labels.begin(), labels.end());
    key.samples.sources.assign(labels.size(), -1);
    if (const store::Variable* answers = root.find_variable("chosen_by")) {
      const auto given = answers->numbers().as<std::uint8_t>();
      key.answers.assign(given.begin(), given.end());
    }
    static_cast<void>(watermark::scheme_of(key.manifest.scheme));
  } catch (const std::exception& error) {
    refuse(error.what());
  }
  return key;
}

KeyData load_data(const KeyManifest& manifest, const std::string& data_dir) {
  const auto require = [](const data::Dataset& data, const std::string& hash) {
    if (data.content_hash().hex() != hash)
      throw InputError("the data set " + data.name() + " is not the one that this key was made of (" +
                       data.content_hash().brief() + " here, " + hash.substr(0, 12) + " there)");
  };
  KeyData found{data::load(request_from(manifest.data, data_dir)), {}};
  require(found.data, manifest.data_hash.hex());
  if (manifest.data.contains("others"))
    for (const auto& [name, request] : manifest.data.at("others").items()) {
      found.others.emplace(name, data::load(request_from(request, data_dir)));
      require(found.others.at(name), manifest.scheme.at("other_data").at(name));
    }
  return found;
}

watermark::KeySamples regenerated(const OwnersKey& key, const KeyData& data, std::optional<long long> decoy,
                                  bool labels_alone) {
  Json settings = key.manifest.scheme;
  if (decoy) settings["decoy"] = *decoy;
  auto inputs = watermark::KeyInputs::of(settings, data.data, data.others, key.answers);
  inputs.labels_alone = labels_alone;
  return watermark::claimed_keys(inputs, key.manifest.key_images, key.manifest.queries);
}

}  // namespace telltale::experiments
