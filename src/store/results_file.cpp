#include "store/results_file.h"

#include <algorithm>
#include <filesystem>

#include "core/posix.h"
#include "store/atomic_file.h"

namespace telltale::store {
namespace {

template <typename Element>
const Element* find_named(const std::vector<Element>& elements, std::string_view name) {
  const auto found = std::find_if(elements.begin(), elements.end(), [&](const Element& e) { return e.name == name; });
  return found == elements.end() ? nullptr : &*found;
}

}  // namespace

const Array& Variable::numbers() const {
  if (const auto* const array = std::get_if<Array>(&data)) return *array;
  throw Error("the variable " + name + " holds texts, not numbers");
}

const std::vector<std::string>& Variable::strings() const {
  if (const auto* const texts = std::get_if<std::vector<std::string>>(&data)) return *texts;
  throw Error("the variable " + name + " holds numbers, not texts");
}

const Attribute* Group::find_attribute(std::string_view attribute) const { return find_named(attributes, attribute); }
const Dimension* Group::find_dimension(std::string_view dimension) const { return find_named(dimensions, dimension); }
const Variable* Group::find_variable(std::string_view variable) const { return find_named(variables, variable); }
const Group* Group::child(std::string_view group) const { return find_named(children, group); }

Identity write_results_file(const std::string& path, const Group& root) {
  const Bytes image = encode_results(root);
  remove_stale_temporaries(directory_of(path), std::filesystem::path(path).filename().string());
  write_file_atomically(path, {image});
  return Identity::of(image);
}

Group read_results_file(const std::string& path, const std::optional<Identity>& expected) {
  const Bytes bytes = read_file(path);
  if (expected) {
    const Identity actual = Identity::of(bytes);
    if (actual != *expected)
      throw Error(path + " is damaged: its SHA-256 is " + actual.hex() + ", not " + expected->hex() +
                  " as the journal says; `telltale run` rebuilds it from the journal");
  }
  return decode_results(bytes, path);
}

}  // namespace telltale::store
