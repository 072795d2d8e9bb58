#include "experiments/boundary/replay.h"

#include <filesystem>
#include <iostream>

#include "cli/options.h"
#include "core/error.h"
#include "forensics/profile.h"
#include "study/axis.h"

namespace telltale::cli {

int run_replay(const Arguments& arguments, char** argv) {
  const Shape shape{
      "replay",
      nullptr,
      false,
      {{"model", "the network: safetensors, or a training's product out of `artifacts`"},
       {"points",
        "the inputs: a folder that `telltale export --format png` wrote, or safetensors with a float32 "
        "tensor `points`, N x C x H x W"},
       {"search-batch", "how many copies of a point are predicted at once (default 1)"},
       {"profile", "the profile to predict under (default: as this process is)"},
       {"serve",
        "instead of the three others: read requests from standard input, three lines each (the paths of model, points "
        "and output), and answer each with a line, `done` or `failed: REASON`, until the input ends",
        false},
       {"output,o",
        "where the answers go: for a folder its form, filled in, for `telltale identify`; else safetensors "
        "with `logits`, N x classes"}},
      false};
  const Options options = parse(arguments, shape);
  if (options.help) {
    std::cout << help_text(shape);
    return all_done;
  }
  const auto needed = [&](const char* name) {
    const auto value = options.value(name);
    if (!value) throw InputError(std::string("replay needs --") + name);
    return *value;
  };
  const long long batch = study::parse_integer(options.value("search-batch").value_or("1"));
  if (batch < 1 || batch > 65536) throw InputError("--search-batch is 1 to 65536");
  const bool serves = options.value("serve").has_value();
  std::string model, points, output;
  if (serves) {
    for (const char* name : {"model", "points", "output"})
      if (options.value(name)) throw InputError(std::string("replay --serve takes no --") + name);
  } else {
    model = needed("model"), points = needed("points"), output = needed("output");
  }
  if (const auto profile = options.value("profile")) {
    const std::string name = forensics::canonical_profile(*profile);
    forensics::require_runnable(name);
    forensics::pin_and_reexecute(name, argv);
  }
  if (serves)
    experiments::serve_replays(std::cin, std::cout, static_cast<int>(batch));
  else if (std::filesystem::is_directory(points))
    experiments::replay_export(model, points, static_cast<int>(batch), output);
  else
    experiments::replay_files(model, points, static_cast<int>(batch), output);
  return all_done;
}

}  // namespace telltale::cli
