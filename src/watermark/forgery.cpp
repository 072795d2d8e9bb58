#include "watermark/forgery.h"

#include <algorithm>

#include "core/error.h"
#include "core/text.h"

namespace telltale::watermark {

const std::vector<Forgery>& forgeries() {
  static const std::vector<Forgery> all = [] {
    std::vector<Forgery> list{
#define TELLTALE_FORGERY(name, sees_suspect, help) {#name, help, sees_suspect},
#include "watermark/forgeries/forgeries.def"
#undef TELLTALE_FORGERY
    };
    for (Forgery& one : list) std::replace(one.name.begin(), one.name.end(), '_', '-');
    return list;
  }();
  return all;
}

const Forgery& forgery_named(const std::string& name) {
  std::vector<std::string> known;
  for (const Forgery& one : forgeries()) {
    if (one.name == name) return one;
    known.push_back(one.name);
  }
  throw InputError("there is no forgery named \"" + name + "\"; there are: " + joined(known));
}

Json rival_settings(const Json& owners) {
  constexpr std::uint64_t rival = std::uint64_t{1} << 40;  // above every seed that a job file may give
  Json settings = owners;
  settings["seed"] = rival + owners.at("seed").get<std::uint64_t>();
  return settings;
}

}  // namespace telltale::watermark
