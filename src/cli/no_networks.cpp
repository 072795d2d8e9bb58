// What only networks themselves can say, where there are none: experiments ask it when they plan and when they
// tabulate, which `telltale` leaves to `telltale-compute`. Linked in place of src/models/network.cpp.
#include "core/error.h"
#include "models/network_spec.h"

namespace telltale::models {

void check(const NetworkSpec& spec) { throw Error("only telltale-compute can build the network " + spec.name); }

std::vector<std::string> layer_names(const NetworkSpec& spec) {
  throw Error("only telltale-compute knows the layers of the network " + spec.name);
}

}  // namespace telltale::models
