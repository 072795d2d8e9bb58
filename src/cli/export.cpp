#include "experiments/boundary/export.h"

#include <algorithm>
#include <iostream>
#include <numeric>

#include "cli/options.h"
#include "core/error.h"
#include "forensics/identifying_sets.h"
#include "study/results.h"

namespace telltale::cli {
namespace {

std::string counted(std::size_t samples) { return std::to_string(samples) + (samples == 1 ? " sample" : " samples"); }

// At least `redundancy` samples for each of the machines, or a refusal that says for which there are too few.
std::vector<std::size_t> identifying_set(const experiments::BoundarySamples& all,
                                         const std::vector<std::size_t>& candidates,
                                         const std::vector<std::size_t>& machines, std::size_t redundancy,
                                         forensics::Preference preference) {
  const forensics::KnownLabels labels = all.labels();
  std::string short_of;
  for (const std::size_t machine : machines) {
    const std::size_t there = forensics::count_identifying(labels, candidates, machine);
    if (there < redundancy)
      short_of += (short_of.empty() ? "" : ", ") + all.machines[machine] + " (" + std::to_string(there) + ")";
  }
  if (!short_of.empty())
    throw InputError("of " + counted(candidates.size()) + " to choose from, fewer than " + std::to_string(redundancy) +
                     " identify " + short_of + ": a smaller --redundancy, one --machine or --set all asks for less");
  std::vector<double> psnr;
  for (const experiments::BoundarySample& sample : all.samples) psnr.push_back(sample.psnr);
  return forensics::choose_samples(labels, psnr, candidates, machines, redundancy, preference);
}

template <typename T>
T one_of(const Options& options, const char* name, const std::vector<std::pair<std::string, T>>& choices) {
  const std::string given = options.value(name).value_or(choices.front().first);
  std::string known;
  for (const auto& [text, choice] : choices) {
    if (text == given) return choice;
    known += (known.empty() ? "" : " or ") + text;
  }
  throw InputError("--" + std::string(name) + ": " + given + " is not " + known);
}

}  // namespace

int run_export(const Arguments& arguments, char** argv) {
  if (std::find(arguments.begin(), arguments.end(), "--models") != arguments.end())
    return run_export_models(arguments, argv);
  const Shape shape{
      "export",
      "RESULTS.h5",
      true,
      {{"format,f",
        "png: 8-bit images, of samples on the 8-bit grid only (default); raw: float32 files; "
        "npy: one float32 array"},
       {"set", "all (default), or identifying: the samples that are needed to tell all machines apart"},
       {"redundancy", "of an identifying set: at least so many samples a machine, default 3"},
       {"prefer", "of an identifying set: psnr, the best worst PSNR (default), or fewest samples"},
       {"machine", "only samples that identify this machine"},
       {"where",
        "only samples of these cases: DIMENSION=LABEL,...; needed where a study has several networks, to select one"},
       {"models", "no samples but trained models (telltale export --models --help)", false}},
      false,
      "FOLDER"};
  const Options options = parse(arguments, shape);
  if (options.help) {
    std::cout << help_text(shape)
              << "FOLDER gets the samples, manifest.csv (which sample is which; not for the service) and answers.csv\n"
                 "(to be filled in for telltale identify). It must be empty or not there.\n";
    return all_done;
  }
  const experiments::ExportFormat format = experiments::parse_export_format(options.value("format").value_or("png"));
  const bool identifying = one_of<bool>(options, "set", {{"all", false}, {"identifying", true}});
  const auto preference = one_of<forensics::Preference>(
      options, "prefer", {{"psnr", forensics::Preference::worst_psnr}, {"fewest", forensics::Preference::fewest}});
  const long long redundancy = options.whole_number("redundancy", 3);
  if (redundancy < 1) throw InputError("--redundancy: at least one sample a machine is needed");

  const std::string where = options.value("where").value_or("");
  const experiments::BoundarySamples all = experiments::read_samples(study::open_results({options.argument}), where);
  std::vector<std::size_t> machines(all.machines.size());
  std::iota(machines.begin(), machines.end(), 0);
  std::vector<std::size_t> chosen = experiments::samples_where(all, where);
  if (const auto machine = options.value("machine")) {
    machines = {all.machine(*machine)};
    // Of two machines that part the search names one, and the sample identifies both.
    std::erase_if(chosen, [&](std::size_t i) {
      const auto identified = forensics::identified_machines(all.samples[i].labels);
      return std::find(identified.begin(), identified.end(), machines.front()) == identified.end();
    });
    if (chosen.empty()) throw InputError("no sample to choose from identifies " + *machine);
  }
  const std::size_t before = chosen.size();
  if (format == experiments::ExportFormat::png)
    std::erase_if(chosen, [&](std::size_t i) { return !all.samples[i].eight_bit; });
  const std::size_t skipped = before - chosen.size();
  if (chosen.empty())
    throw InputError("none of " + counted(before) +
                     " can be a PNG: they are not on the 8-bit grid; --format npy or raw keeps them");
  if (identifying) chosen = identifying_set(all, chosen, machines, static_cast<std::size_t>(redundancy), preference);
  experiments::export_samples(all, chosen, options.second_argument, format);

  std::cout << counted(chosen.size()) << " of " << all.samples.size() << " in " << options.second_argument << "\n";
  if (skipped > 0)
    std::cout << counted(skipped)
              << " skipped: not on the 8-bit grid, so no PNG can hold them; --format npy or raw can\n";
  std::cout << "Write the service's labels into " << options.second_argument << "/answers.csv, then: telltale identify "
            << options.argument << " " << options.second_argument << "/answers.csv"
            << (where.empty() ? "" : " --where \"" + where + "\"") << "\n";
  return all_done;
}

}  // namespace telltale::cli
