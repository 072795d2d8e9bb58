#include <iostream>

#include "cli/requests.h"
#include "experiments/piracy/transform_files.h"
#include "forensics/profile.h"

namespace telltale::cli {

int run_transform(const Arguments& arguments, char** argv) {
  const auto request = read_transform(arguments);
  if (!request) return all_done;
  if (request->profile) forensics::pin_and_reexecute(*request->profile, argv);
  const experiments::TransformedImages made =
      experiments::transform_files(request->transform, request->images, request->data_dir, request->output);
  std::cout << made.count << (made.count == 1 ? " image, " : " images, ") << made.shape.channels << " x "
            << made.shape.height << " x " << made.shape.width << ", in " << request->output
            << "\nask the network: telltale replay --model MODEL --points " << request->output << " -o ANSWERS\n";
  return all_done;
}

}  // namespace telltale::cli
