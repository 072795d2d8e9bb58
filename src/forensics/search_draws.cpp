#include "forensics/search_draws.h"

#include <algorithm>

namespace telltale::forensics {

Json SearchDraws::coordinates() const {
  std::vector<std::string> sorted = machines;
  std::sort(sorted.begin(), sorted.end());
  Json json = {{"data", data}, {"model", model}, {"image", image},     {"search", search}, {"eight_bit", eight_bit},
               {"clip", clip}, {"batch", batch}, {"machines", sorted}, {"local", local}};
  if (target) json["target"] = *target;
  return json;
}

}  // namespace telltale::forensics
