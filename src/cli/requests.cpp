#include "cli/requests.h"

#include <iostream>

#include "core/error.h"
#include "core/process.h"
#include "forensics/profile.h"
#include "study/axis.h"

namespace telltale::cli {
namespace {

// The options, unless only help was wanted.
std::optional<Options> read(const Arguments& arguments, const Shape& shape) {
  Options options = parse(arguments, shape);
  if (!options.help) return options;
  std::cout << help_text(shape);
  return std::nullopt;
}

// The profile that an option names, by its one name; this CPU can run it.
std::optional<std::string> profile_of(const Options& options) {
  const auto named = options.value("profile");
  if (!named) return std::nullopt;
  std::string profile = forensics::canonical_profile(*named);
  forensics::require_runnable(profile);
  return profile;
}

}  // namespace

std::optional<JobRequest> read_run(const Arguments& arguments) {
  auto options =
      read(arguments, {.command = "run",
                       .argument = "JOB",
                       .own = {{"output,o", "the results file, x.h5; its journal and lock lie beside it"},
                               {"break-lock",
                                "the host of a run that cannot be alive, but whose lock on the results file still "
                                "stands: it is broken"}},
                       .takes_keys = true,
                       .logs = true});
  if (!options) return std::nullopt;
  if (!options->value("output")) throw InputError("where shall the results go? add -o RESULTS.h5");
  study::Job job = study::Job::load(options->argument, options->keys);
  return JobRequest{std::move(*options), std::move(job)};
}

std::optional<JobRequest> read_plan(const Arguments& arguments) {
  auto options = read(arguments, {.command = "plan",
                                  .argument = "JOB",
                                  .own = {{"output,o", "a results file: shows what of it is there already"}},
                                  .takes_keys = true,
                                  .logs = true});
  if (!options) return std::nullopt;
  study::Job job = study::Job::load(options->argument, options->keys);
  return JobRequest{std::move(*options), std::move(job)};
}

std::optional<JobRequest> read_probe(const Arguments& arguments) {
  auto options =
      read(arguments, {.command = "probe",
                       .argument = "JOB",
                       .argument_required = false,
                       .own = {{"json", "print every rank's whole passport and fingerprints as JSON", false}},
                       .takes_keys = true,
                       .logs = true});
  if (!options) return std::nullopt;
  study::Job job = options->argument.empty() ? study::Job::parse("", "the command line", options->keys)
                                             : study::Job::load(options->argument, options->keys);
  return JobRequest{std::move(*options), std::move(job)};
}

std::optional<ReplayRequest> read_replay(const Arguments& arguments) {
  const auto options = read(
      arguments, {"replay",
                  nullptr,
                  false,
                  {{"model", "the network: safetensors, or a training's product out of `artifacts`"},
                   {"points",
                    "the inputs: a folder that `telltale export --format png` wrote, or safetensors with a float32 "
                    "tensor `points`, N x C x H x W"},
                   {"search-batch", "how many copies of a point are predicted at once (default 1)"},
                   {"profile", "the profile to predict under (default: as this process is)"},
                   {"serve",
                    "instead of the three others: read requests from standard input, three lines each (the paths of "
                    "model, points and output), and answer each with a line, `done` or `failed: REASON`, until the "
                    "input ends",
                    false},
                   {"output,o",
                    "where the answers go: for a folder its form, filled in, for `telltale identify`; else safetensors "
                    "with `logits`, N x classes"}},
                  false});
  if (!options) return std::nullopt;
  const auto needed = [&](const char* name) {
    const auto value = options->value(name);
    if (!value) throw InputError(std::string("replay needs --") + name);
    return *value;
  };
  ReplayRequest request;
  const long long batch = study::parse_integer(options->value("search-batch").value_or("1"));
  if (batch < 1 || batch > 65536) throw InputError("--search-batch is 1 to 65536");
  request.batch = static_cast<int>(batch);
  request.serves = options->value("serve").has_value();
  if (request.serves) {
    for (const char* name : {"model", "points", "output"})
      if (options->value(name)) throw InputError(std::string("replay --serve takes no --") + name);
  } else {
    request.model = needed("model");
    request.points = needed("points");
    request.output = needed("output");
  }
  request.profile = profile_of(*options);
  return request;
}

std::optional<Options> read_validate(const Arguments& arguments) {
  return read(arguments, {.command = "validate",
                          .argument = "FOLDER",
                          .own = {{"expect", "nodes that there should be, by microarchitecture: Zen 3:2,Haswell"}}});
}

std::optional<TransformRequest> read_transform(const Arguments& arguments) {
  const Shape shape{"transform",
                    "TRANSFORM",
                    true,
                    {{"output,o",
                      "where the processed images go: safetensors with the float32 tensor `points`, N x C x H x W, as "
                      "`telltale replay` asks a network about"},
                     {"data-dir", "where a data set is looked for (default: the variable TELLTALE_DATA)"},
                     {"profile", "the profile to compute under (default: as this process is)"}},
                    false,
                    "IMAGES"};
  const Options options = parse(arguments, shape);
  if (options.help) {
    std::cout
        << help_text(shape)
        << "TRANSFORM is what `telltale export --models` wrote (model-HASH-transform.safetensors). IMAGES is the\n"
           "name of a data set (its test images), a PNG file or a folder of them, or safetensors with `points`.\n";
    return std::nullopt;
  }
  TransformRequest request{options.argument, options.second_argument, options.value("data-dir").value_or(""),
                           options.value("output").value_or(""), profile_of(options)};
  if (request.output.empty()) throw InputError("transform needs --output: where the processed images go");
  return request;
}

std::optional<Options> read_export_models(const Arguments& arguments) {
  const Shape shape{"export",
                    "RESULTS.h5",
                    true,
                    {{"models", "the trained models, as safetensors and as TorchScript", false},
                     {"where", "only models of these cases: DIMENSION=LABEL,..., of the dimensions of group train"},
                     {"artifacts", "the folder of models, if it is not `artifacts` beside the results file"}},
                    false,
                    "FOLDER"};
  Options options = parse(arguments, shape);
  if (!options.help) return options;
  std::cout << help_text(shape)
            << "FOLDER gets each model twice, as model-HASH.safetensors (weights) and model-HASH.pt\n"
               "(torch.jit.load), and manifest.csv: which model is of which case. It must be empty or not there.\n";
  return std::nullopt;
}

std::optional<AnswerRequest> read_answer(const Arguments& arguments) {
  const auto options = read(
      arguments, {"answer", "MODEL", true, {{"memory", "GiB that it may take (default 4)"}}, false, "QUERIES.npy"});
  if (!options) return std::nullopt;
  return AnswerRequest{options->argument, options->second_argument, options->number_above_0("memory", 4, 1e4, "GiB")};
}

void take_profile(const study::Job& job, bool coordinator_works, char** argv, const char* program) {
  try {
    const auto list = forensics::parse_profile_list(job.profiles());
    const int rank = launcher_rank(), size = launcher_size();
    // Workers take the list in their order; a coordinator that computes too goes first, one that does not takes the
    // best.
    const bool counted = size == 1 || coordinator_works;
    const std::string mine =
        rank == 0 && !counted ? "best" : forensics::profile_of_worker(list, counted ? rank : rank - 1);
    forensics::pin_and_reexecute(mine, argv, program);
  } catch (const InputError& error) {
    job.refuse("profiles", error.what());
  }
}

}  // namespace telltale::cli
