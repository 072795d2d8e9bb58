#include "slurm/site.h"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <functional>

#include "core/assignments.h"
#include "core/error.h"
#include "core/posix.h"
#include "core/text.h"

namespace telltale::slurm {
namespace {

constexpr int most_nodes = 100000;

int whole_number(const std::string& text, int least, int most) {
  int number = 0;
  const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || stop != text.data() + text.size() || number < least || number > most)
    throw InputError(fmt::format("'{}' is no whole number from {} to {}", text, least, most));
  return number;
}

// The place of `text` among `choices`.
std::size_t choice(const std::string& text, const std::vector<std::string>& choices) {
  for (std::size_t i = 0; i < choices.size(); ++i)
    if (text == choices[i]) return i;
  throw InputError(fmt::format("'{}' is not one of {}", text, joined(choices)));
}

std::vector<std::string> words_of(const std::string& text, const char* between) {
  std::vector<std::string> words;
  for (std::size_t at = 0; (at = text.find_first_not_of(between, at)) != std::string::npos;) {
    const std::size_t end = std::min(text.find_first_of(between, at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

template <typename Target>
struct Key {
  const char* name;
  std::function<void(Target&, const std::string&)> set;
};

const std::vector<Key<Site>>& site_keys() {
  static const std::vector<Key<Site>> keys = {
      {"partition", [](Site& site, const std::string& value) { site.partition = value; }},
      {"account", [](Site& site, const std::string& value) { site.account = value; }},
      {"qos", [](Site& site, const std::string& value) { site.qos = value; }},
      {"time", [](Site& site, const std::string& value) { site.time = value; }},
      {"launcher",
       [](Site& site, const std::string& value) {
         site.launcher = Launcher(choice(value, {"mpirun", "srun"}));
       }},
      {"allocation",
       [](Site& site, const std::string& value) {
         site.allocation = Allocation(choice(value, {"one", "heterogeneous"}));
       }},
      {"requeue",
       [](Site& site, const std::string& value) {
         site.requeue = choice(value, {"no", "yes"}) == 1;
       }},
      {"successors", [](Site& site, const std::string& value) { site.successors = whole_number(value, 0, 1000); }},
      {"sbatch", [](Site& site, const std::string& value) { site.sbatch = words_of(value, " \t"); }},
  };
  return keys;
}

const std::vector<Key<NodeKind>>& kind_keys() {
  static const std::vector<Key<NodeKind>> keys = {
      {"feature", [](NodeKind& kind, const std::string& value) { kind.feature = value; }},
      {"partition", [](NodeKind& kind, const std::string& value) { kind.partition = value; }},
      {"account", [](NodeKind& kind, const std::string& value) { kind.account = value; }},
      {"qos", [](NodeKind& kind, const std::string& value) { kind.qos = value; }},
      {"microarchitecture", [](NodeKind& kind, const std::string& value) { kind.microarchitecture = value; }},
  };
  return keys;
}

template <typename Target>
void set(Target& target, const std::vector<Key<Target>>& keys, const Assignment& one) {
  std::vector<std::string> names;
  for (const Key<Target>& key : keys) {
    if (one.key == key.name) return key.set(target, one.value);
    names.emplace_back(key.name);
  }
  throw InputError(fmt::format("there is no such key here: those that there are: {}", joined(names)));
}

bool is_a_name(const std::string& text) { return !text.empty() && text.find_first_of(" \t:,*[]") == std::string::npos; }

}  // namespace

Site Site::parse(const std::string& text, const std::string& name) {
  Site site;
  for (const Assignment& one : parse_assignments(text, name, /*sections=*/true)) {
    const std::string at = fmt::format("{}:{}: ", name, one.line);
    const auto words = words_of(one.section, " \t");
    if (!one.section.empty() && (words.size() != 2 || words[0] != "nodes" || !is_a_name(words[1])))
      throw InputError(fmt::format("{}[{}]: sections are [nodes NAME]", at, one.section));
    try {
      if (one.section.empty())
        set(site, site_keys(), one);
      else if (NodeKind& kind = site.kinds[words[1]]; !one.key.empty())
        set(kind, kind_keys(), one);
    } catch (const InputError& error) {
      throw InputError(at + one.key + ": " + error.what());
    }
  }
  return site;
}

Site Site::load(const std::string& path) {
  try {
    return parse(std::string(as_text(read_file(path))), path);
  } catch (const InputError&) {
    throw;
  } catch (const Error& error) {
    throw InputError(std::string("the site file: ") + error.what());
  }
}

const NodeKind& Site::kind(const std::string& name) const {
  if (const auto found = kinds.find(name); found != kinds.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [known, what] : kinds) names.push_back(known);
  throw InputError(fmt::format("the site has no nodes called '{}': {}", name,
                               names.empty() ? "its file has no section [nodes NAME], or there is no site file (--site)"
                                             : "those that it has: " + joined(names)));
}

std::vector<NodeCount> parse_nodes(const std::string& text) {
  std::vector<NodeCount> all;
  for (const std::string& word : words_of(text, " \t,")) {
    const std::size_t colon = word.find(':');
    if (word.find_first_not_of("0123456789") == std::string::npos) {
      all.push_back({"", whole_number(word, 1, most_nodes)});
    } else {
      const std::string kind = word.substr(0, colon);
      if (!is_a_name(kind)) throw InputError(fmt::format("--nodes: '{}' names no nodes", word));
      all.push_back({kind, colon == std::string::npos ? 1 : whole_number(word.substr(colon + 1), 1, most_nodes)});
    }
  }
  if (all.empty()) throw InputError("--nodes: how many? A number, or KIND:COUNT,KIND:COUNT");
  for (const NodeCount& one : all)
    if (one.kind.empty() && all.size() > 1) throw InputError("--nodes: either one number, or KIND:COUNT,KIND:COUNT");
  return all;
}

}  // namespace telltale::slurm
