#include <iostream>

#include "cli/options.h"
#include "core/error.h"
#include "experiments/ownership/key_claim.h"

namespace telltale::cli {

int run_key(const Arguments& arguments, char**) {
  const Shape shape{
      "key",
      "RESULTS.h5",
      true,
      {{"output,o", "the key"},
       {"where", "the case whose key it is: DIMENSION=LABEL,...; needed where a study has several marked networks"},
       {"queries", "how many key samples a claim asks (default: the study's claim-queries, or 100)"},
       {"decoys", "how many secrets of others are put beside the owner's (default: as many as the study did, or 99)"},
       {"data-dir", "where the data set lies, if not where the study had it"},
       {"artifacts", "the study's folder of artifacts, if it is not `artifacts` beside the results file"},
       {"form", "a folder that gets the queries as files for a service, and answers.csv to fill in"},
       {"format", "of the form's queries: npy, one float32 array (default), or png, where 8 bits hold them"}}};
  const Options options = parse(arguments, shape);
  if (options.help) {
    std::cout << help_text(shape)
              << "A key is secret until the claim is made; its commitment is not, and shows nothing of it: have that\n"
                 "time-stamped now. docs/ownership.md says what is in it and what a claim is worth.\n";
    return all_done;
  }
  const auto output = options.value("output");
  if (!output) throw InputError("key needs --output (-o)");
  const std::string format = options.value("format").value_or("npy");
  if (format != "npy" && format != "png") throw InputError("--format: " + format + " is not npy or png");
  experiments::KeySource source{{options.argument},
                                options.value("where").value_or(""),
                                options.value("data-dir").value_or(""),
                                study::StudyPaths{options.argument}.artifacts(options.value("artifacts").value_or(""))};
  const auto count = [&](const char* name, std::optional<long long>& value, long long least) {
    if (!options.value(name)) return;
    value = options.whole_number(name, 0);
    if (*value < least) throw InputError("--" + std::string(name) + ": at least " + std::to_string(least));
  };
  count("queries", source.queries, 1);
  count("decoys", source.decoys, 0);
  const experiments::OwnersKey key = experiments::take_key(source);
  const auto form = options.value("form");
  std::size_t queries = 0;
  if (form) {
    const experiments::ClaimQueries asked(key, experiments::load_data(key.manifest, source.data_dir));
    experiments::write_form(key, asked, *form, format == "png");
    queries = asked.count();
  }
  // Last: where the form is refused there is no key either, whose commitment nobody has been told.
  experiments::write_key(*output, key);
  std::cout << key.samples.count() << " key samples of " << key.manifest.scheme.at("method").get<std::string>()
            << " in " << *output << "\ncommitment: " << key.commitment.hex() << "\n";
  if (form)
    std::cout << queries << " queries in " << *form << ": write the service's labels into its answers.csv, then\n"
              << "telltale claim " << *output << " " << *form << "/answers.csv\n";
  return all_done;
}

}  // namespace telltale::cli
