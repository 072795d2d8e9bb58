#include <fmt/format.h>

#include <algorithm>
#include <iostream>

#include "cli/options.h"
#include "cli/requests.h"
#include "core/command.h"
#include "core/error.h"
#include "core/temporary_directory.h"
#include "experiments/ownership/key_claim.h"
#include "store/npy_file.h"
#include "study/answers.h"
#include "study/ledger.h"
#include "study/table.h"

namespace telltale::cli {
namespace {

using experiments::ClaimFindings;
using experiments::ClaimQueries;
using experiments::OwnersKey;

struct Suspect {
  std::vector<std::int64_t> answers;
  std::optional<std::int64_t> outputs;  ///< known of a model
};

Suspect from_file(const std::string& path, const OwnersKey& key, const ClaimQueries& queries) {
  const study::Answers read = study::read_answers(path, queries.count(), queries.labels(), key.form());
  return {{read.labels.begin(), read.labels.end()}, {}};
}

// Why a model has not answered, as its process says.
std::string why(const std::string& model, const CommandResult& ran) {
  constexpr std::string_view speaker = "telltale answer: ";
  if (ran.errors.starts_with(speaker)) {
    const std::string said = ran.errors.substr(speaker.size());
    return said.substr(0, said.find('\n'));
  }
  return fmt::format("{} cannot be asked: its process ended with {}{}", model, ran.exit_code,
                     ran.exit_code > 128 ? " (a signal)" : "");
}

CommandResult asked_of(const std::string& model, const std::string& queries, double limit_s, double memory_gib) {
  const auto limit = std::chrono::milliseconds(static_cast<std::int64_t>(1000 * limit_s));
  const std::vector<std::string> words{compute_program(), "answer",   model,
                                       queries,           "--memory", fmt::format("{}", memory_gib)};
  try {
    return run_command(words, {}, limit);
  } catch (const Error& error) {
    throw InputError(fmt::format("{} cannot be asked: {} (--time-limit {})", model, error.what(), limit_s));
  }
}

// The model is somebody's: `telltale answer` runs it in a process that can reach nothing (core/confinement.h).
Suspect from_model(const std::string& model, const ClaimQueries& queries, double limit_s, double memory_gib) {
  constexpr std::size_t at_once = std::size_t{1} << 28;  // bytes of images that a process is handed
  const std::size_t image_bytes = queries.shape().pixels() * sizeof(float);
  const std::size_t most = std::max<std::size_t>(1, at_once / image_bytes);
  const TemporaryDirectory folder;
  const std::string asked = folder / "queries.npy";
  Suspect suspect;
  for (std::size_t first = 0; first < queries.count(); first += most) {
    std::vector<std::span<const float>> images;
    for (std::size_t i = first; i < std::min(queries.count(), first + most); ++i) images.push_back(queries.image(i));
    const data::ImageShape& shape = queries.shape();
    store::write_npy(asked, {static_cast<std::int64_t>(images.size()), shape.channels, shape.height, shape.width},
                     images);
    const CommandResult ran = asked_of(model, asked, limit_s, memory_gib);
    if (ran.exit_code != all_done) throw InputError(why(model, ran));
    const Json told = Json::parse(ran.output);
    suspect.outputs = told.at("outputs").get<std::int64_t>();
    for (const Json& label : told.at("labels")) suspect.answers.push_back(label.get<std::int64_t>());
    if (suspect.answers.size() != first + images.size()) throw Error(model + " did not answer everything");
  }
  return suspect;
}

std::string probability(double p) { return fmt::format("{:.3g}", p); }

std::string as_text(const OwnersKey& key, const ClaimFindings& found, std::int64_t commitments) {
  std::string text = fmt::format("{}: {} of {} key samples of {} were answered as claimed\n",
                                 watermark::name_of(found.judgement.verdict), found.matches, found.asked,
                                 key.manifest.scheme.at("method").get<std::string>());
  for (const std::string& fault : found.faults) text += "inadmissible: " + fault + "\n";
  study::Table table{fmt::format("Against each hypothesis of innocence, at {}%", 100 * key.manifest.level),
                     {"by", "p", "least possible"},
                     {},
                     found.notes};
  for (const watermark::ClaimTest& test : found.tests)
    table.rows.push_back(
        {test.against, probability(test.p), test.resolution == 0 ? "-" : probability(test.resolution)});
  if (commitments > 1)
    table.notes.push_back(fmt::format("{} keys were committed to: the verdict rests on p times as many, {}",
                                      commitments, probability(found.judgement.p)));
  if (found.unanswered > 0)
    table.notes.push_back(fmt::format("{} key samples without an answer count as no matches", found.unanswered));
  for (const std::string& need : found.judgement.needs) table.notes.push_back("what could decide: at least " + need);
  if (!table.rows.empty()) return text + "\n" + study::render({table}, study::TableFormat::text);
  text += "no hypothesis of innocence was tested\n";
  for (const std::string& note : table.notes) text += note + "\n";
  return text;
}

Json as_json(const OwnersKey& key, const ClaimFindings& found, std::int64_t commitments) {
  Json tests = Json::array();
  for (const watermark::ClaimTest& test : found.tests)
    tests.push_back({{"by", test.against}, {"p", test.p}, {"least_possible", test.resolution}});
  return {{"verdict", watermark::name_of(found.judgement.verdict)},
          {"p", found.judgement.p},
          {"level", key.manifest.level},
          {"commitments", commitments},
          {"commitment", key.commitment.hex()},
          {"asked", found.asked},
          {"matches", found.matches},
          {"unanswered", found.unanswered},
          {"tests", std::move(tests)},
          {"needs", found.judgement.needs},
          {"faults", found.faults},
          {"notes", found.notes}};
}

}  // namespace

int run_claim(const Arguments& arguments, char**) {
  const Shape shape{
      "claim",
      "KEY.h5",
      true,
      {{"json", "the same as JSON", false},
       {"commitment",
        "the commitment that was time-stamped, in hexadecimal digits: the key must be the "
        "one that it is to"},
       {"commitments",
        "how many keys the claimant has committed to, with any of which he could have "
        "come: every p-value is multiplied by it (default 1)"},
       {"owner-model",
        "the product of the training that marked the owner's network (artifacts/products): it must be the "
        "one that the key commits to"},
       {"data-dir", "where the data set lies that the key was made of"},
       {"time-limit", "of a model: seconds that its process may take (default 600)"},
       {"memory", "of a model: GiB that its process may take (default 4)"}},
      false,
      "SUSPECT"};
  const Options options = parse(arguments, shape);
  if (options.help) {
    std::cout
        << help_text(shape)
        << "SUSPECT is a model (TorchScript from anywhere; safetensors or a training's product of a study), which "
           "runs\nin a process without files and network, or a service's answers, the form of `telltale key "
           "--form` filled in\n(NAME.csv). Exit codes: 0 proven; 1 not proven, unresolved or inadmissible; 2 "
           "unusable input.\n";
    return all_done;
  }
  experiments::ClaimTerms terms;
  terms.commitments = options.whole_number("commitments", 1);
  if (terms.commitments < 1) throw InputError("--commitments: at least 1");
  if (const auto given = options.value("commitment")) {
    try {
      terms.commitment = Identity::from_hex(*given);
    } catch (const Error&) {
      throw InputError("--commitment: 64 hexadecimal digits");
    }
  }
  if (const auto path = options.value("owner-model")) {
    try {
      terms.owner_model = Identity::of(study::read_made(*path)).hex();
    } catch (const Error& error) {
      throw InputError(fmt::format("--owner-model: {}", error.what()));
    }
  }
  const double limit_s = options.number_above_0("time-limit", 600, 1e6, "seconds");
  const double memory_gib = options.number_above_0("memory", 4, 1e4, "GiB");

  const OwnersKey key = experiments::read_key(options.argument);
  const ClaimQueries queries(key, experiments::load_data(key.manifest, options.value("data-dir").value_or("")));
  const std::string& path = options.second_argument;
  const Suspect suspect =
      path.ends_with(".csv") ? from_file(path, key, queries) : from_model(path, queries, limit_s, memory_gib);
  terms.outputs = suspect.outputs;
  const ClaimFindings found = experiments::judge_claim(key, queries, suspect.answers, terms);
  if (options.value("json"))
    std::cout << as_json(key, found, terms.commitments).dump(2) << "\n";
  else
    std::cout << as_text(key, found, terms.commitments);
  return found.judgement.verdict == watermark::Verdict::proven ? all_done : some_failed;
}

}  // namespace telltale::cli
