#include "study/replay.h"

#include <iostream>

#include "cli/options.h"
#include "core/error.h"
#include "study/axis.h"

namespace telltale::cli {

// Under the profile that its caller runs with: whoever starts it by hand on another machine has that machine's bits.
int run_replay(const Arguments& arguments, char**) {
  const Shape shape{"replay",
                    nullptr,
                    false,
                    {{"model", "the network: safetensors, as training writes it"},
                     {"points", "the inputs: safetensors with a float32 tensor `points`, N x C x H x W"},
                     {"search-batch", "how many copies of a point are predicted at once (default 1)"},
                     {"output,o", "where the answers go: safetensors with `logits`, N x classes"}},
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
  study::replay_files(needed("model"), needed("points"), static_cast<int>(batch), needed("output"));
  return all_done;
}

}  // namespace telltale::cli
