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

Group decode_results(ByteSpan bytes, const std::string& origin, const Identity& expected) {
  const Identity actual = Identity::of(bytes);
  if (actual != expected)
    throw Error(origin + " is damaged: its SHA-256 is " + actual.hex() + ", not " + expected.hex() +
                " as the journal says; `telltale run` rebuilds it from the journal");
  return decode_results(bytes, origin);
}

Identity write_results_file(const std::string& path, const Group& root,
                            const std::function<void(const Identity& hash)>& before) {
  const Bytes image = encode_results(root);
  const Identity hash = Identity::of(image);
  if (before) before(hash);
  remove_stale_temporaries(directory_of(path), std::filesystem::path(path).filename().string());
  write_file_atomically(path, {image});
  return hash;
}

Group read_results_file(const std::string& path, const std::optional<Identity>& expected) {
  const Bytes bytes = read_file(path);
  return expected ? decode_results(bytes, path, *expected) : decode_results(bytes, path);
}

}  // namespace telltale::store
