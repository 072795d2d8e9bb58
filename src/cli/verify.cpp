#include <algorithm>
#include <filesystem>
#include <iostream>

#include "cli/options.h"
#include "core/error.h"
#include "store/artifacts.h"
#include "study/ledger.h"
#include "study/results.h"

namespace telltale::cli {

int run_verify(const Arguments& arguments, char**) {
  const Shape shape{"verify",
                    "RESULTS.h5",
                    true,
                    {{"artifacts", "the folder of models, if it is not `artifacts` beside the results file"}},
                    false};
  const Options options = parse(arguments, shape);
  if (options.help) {
    std::cout << help_text(shape);
    return all_done;
  }
  const study::StudyPaths paths{options.argument};
  std::size_t faults = 0;
  const auto fault = [&](const std::string& text) {
    ++faults;
    std::cout << text << "\n";
  };

  const study::StudyRecords records = study::read_records(paths.journal());
  std::cout << "journal    " << paths.journal() << ": " << records.outcomes.size() << " outcomes, "
            << records.damages.size() << " damages\n";
  if (!records.head) fault("damaged    the journal's head: nothing says what the outcomes belong to");
  for (const store::Damage& damage : records.damages)
    fault("damaged    journal, byte " + std::to_string(damage.offset) + ", " + std::to_string(damage.length) +
          " bytes: " + damage.what);

  if (!std::filesystem::exists(paths.results)) {
    fault("missing    " + paths.results + ": `telltale run` publishes it from the journal");
  } else {
    const Identity hash = hash_file(paths.results);
    if (std::find(records.published.begin(), records.published.end(), hash) == records.published.end()) {
      fault("damaged    " + paths.results +
            ": its SHA-256 is none that the journal holds; `telltale run` builds it anew");
    } else {
      const store::Group root = store::read_results_file(paths.results, hash);
      std::cout << "results    " << paths.results << ": as published, " << root.children.size() << " groups\n";
      // The journal may be ahead of a partial file; the file never holds what the journal does not.
      const store::Group* tasks = root.child("tasks");
      const auto& identities = tasks->find_variable("identity")->strings();
      const auto& status = tasks->find_variable("status")->strings();
      for (std::size_t i = 0; i < identities.size(); ++i)
        if (status[i] == "done" && !records.is_done(Identity::from_hex(identities[i])))
          fault("missing    task " + identities[i].substr(0, 12) +
                " is done in the results file, and not in the journal");
    }
  }

  const store::ArtifactStore artifacts(paths.artifacts(options.value("artifacts").value_or("")));
  std::size_t good = 0;
  for (const auto& [identity, outcome] : records.outcomes) {
    if (outcome.status != TaskStatus::done || !outcome.values.contains(study::model_hash_value)) continue;
    switch (artifacts.check(study::product_kind, identity)) {
      case store::PartState::good: {
        const Bytes packed = *artifacts.get(study::product_kind, identity);
        const Identity promised = Identity::from_bytes(outcome.values.at(study::model_hash_value).as<std::uint8_t>());
        if (Identity::of(study::unpack_product(packed).artifact) == promised)
          ++good;
        else
          fault("damaged    model " + identity.brief() + " is not the one that its training committed");
        break;
      }
      case store::PartState::missing: fault("missing    model " + identity.brief()); break;
      case store::PartState::damaged:
        fault("damaged    model " + identity.brief() + ": " + artifacts.path_of(study::product_kind, identity));
        break;
    }
  }
  std::cout << "models     " << good << " as written\n";
  std::cout << (faults == 0 ? "everything is there and as it was written\n" : std::to_string(faults) + " faults\n");
  return faults == 0 ? all_done : some_failed;
}

}  // namespace telltale::cli
