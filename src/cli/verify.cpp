#include <iostream>
#include <map>
#include <utility>

#include "cli/options.h"
#include "core/error.h"
#include "store/artifacts.h"
#include "study/products.h"
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

  const study::Publication publication = study::read_publication(paths);
  const study::StudyRecords& records = publication.records;
  std::cout << "journal    " << paths.journal() << ": " << records.outcomes.size() << " outcomes, "
            << records.damages.size() << " damages\n";
  if (!records.head) fault("damaged    the journal's head: nothing says what the outcomes belong to");
  for (const store::Damage& damage : records.damages)
    fault("damaged    journal, byte " + std::to_string(damage.offset) + ", " + std::to_string(damage.length) +
          " bytes: " + damage.what);

  std::map<Identity, std::string> kinds;  // of the tasks that the results file lists
  if (!publication.file) {
    fault("missing    " + paths.results + ": `telltale run` publishes it from the journal");
  } else if (!publication.known) {
    fault("damaged    " + paths.results +
          ": its SHA-256 is none that the journal holds; `telltale run` builds it anew");
  } else {
    const store::Group root = store::decode_results(*publication.file, paths.results);
    std::cout << "results    " << paths.results << ": as published, " << root.children.size() << " groups\n";
    // The journal may be ahead of a partial file; the file never holds what the journal does not.
    const store::Group* tasks = root.child("tasks");
    const auto& identities = tasks->find_variable("identity")->strings();
    const auto& kind = tasks->find_variable("kind")->strings();
    const auto& status = tasks->find_variable("status")->strings();
    for (std::size_t i = 0; i < identities.size(); ++i) {
      const Identity identity = Identity::from_hex(identities[i]);
      kinds[identity] = kind[i];
      if (status[i] == "done" && !records.is_done(identity))
        fault("missing    task " + identity.brief() + " is done in the results file, and not in the journal");
    }
  }

  const store::ArtifactStore artifacts(paths.artifacts(options.value("artifacts").value_or("")));
  study::ProductCheck products = study::check_products(records, artifacts, kinds);
  for (const std::string& text : products.faults) fault(text);
  // Models first, and also where there is none.
  std::cout << "models     " << std::exchange(products.whole["train"], 0) << " as written\n";
  for (const auto& [kind, count] : products.whole)
    if (count > 0) std::cout << "products   " << count << " of " << kind << " as written\n";
  std::cout << (faults == 0 ? "everything is there and as it was written\n" : std::to_string(faults) + " faults\n");
  return faults == 0 ? all_done : some_failed;
}

}  // namespace telltale::cli
