#include "study/published.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "core/error.h"
#include "study/axis.h"

namespace telltale::study {
namespace {

// What a block of rows says for all of them, and what a row says itself, which counts.
const std::set<std::string> block_keys{"table",  "measure", "coordinates", "unit", "bound",
                                       "origin", "repeats", "erratum",     "rows"};
const std::set<std::string> row_keys{"measure", "coordinates", "value",   "unit",
                                     "bound",   "origin",      "repeats", "erratum"};
const std::set<std::string> bounds{"", "above", "below", "about"};
const std::set<std::string> origins{"printed", "text", "computed", "raw results"};

void refuse_unknown_keys(const Json& object, const std::set<std::string>& known, const std::string& where) {
  if (!object.is_object()) throw Error(where + ": is no object");
  for (const auto& [key, value] : object.items())
    if (!known.contains(key)) throw Error(where + ": unknown key " + key);
}

std::string text_at(const Json& object, const char* key, const std::string& where, bool needed = true) {
  const auto found = object.find(key);
  if (found == object.end()) {
    if (needed) throw Error(where + ": has no " + key);
    return "";
  }
  if (!found->is_string() || found->get_ref<const std::string&>().empty())
    throw Error(where + ": " + key + " is no text");
  return found->get<std::string>();
}

const Json& list_at(const Json& object, const char* key, const std::string& where) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array()) throw Error(where + ": has no list " + key);
  return *found;
}

void check_coordinates(const Json& coordinates, const std::string& where) {
  if (!coordinates.is_object()) throw Error(where + ": coordinates are no object");
  for (const auto& [key, value] : coordinates.items()) {
    const bool named = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
    if (!named) throw Error(where + ": coordinate \"" + key + "\" is no dimension's name");
    const bool finite = value.is_number() && std::isfinite(value.get<double>());
    const bool text = value.is_string() && !value.get_ref<const std::string&>().empty();
    if (!finite && !text && !value.is_null())
      throw Error(where + ": coordinate " + key + " is neither a text nor a number");
  }
}

PublishedRow row_from(const Json& object, const std::string& where) {
  PublishedRow row;
  row.table = text_at(object, "table", where);
  row.measure = text_at(object, "measure", where);
  row.coordinates = object.value("coordinates", Json::object());
  check_coordinates(row.coordinates, where);
  const auto value = object.find("value");
  if (value == object.end() || !value->is_number() || !std::isfinite(value->get<double>()))
    throw Error(where + ": has no finite value");
  row.value = value->get<double>();
  row.unit = text_at(object, "unit", where);
  if (row.unit == "1" && !(row.value >= 0 && row.value <= 1))
    throw Error(where + ": a share of " + value->dump() + " is not between 0 and 1");
  row.bound = text_at(object, "bound", where, false);
  if (!bounds.contains(row.bound)) throw Error(where + ": unknown bound " + row.bound);
  row.origin = text_at(object, "origin", where);
  if (!origins.contains(row.origin)) throw Error(where + ": unknown origin " + row.origin);
  if (const auto repeats = object.find("repeats"); repeats != object.end()) {
    if (!repeats->is_number_integer() || repeats->get<int>() < 1) throw Error(where + ": repeats is no count");
    row.repeats = repeats->get<int>();
  }
  row.erratum = text_at(object, "erratum", where, false);
  return row;
}

// What a block says of all its rows, and what this row says itself.
Json merged(const Json& block, const Json& row) {
  Json whole = block;
  whole.erase("rows");
  for (const auto& [key, value] : row.items()) {
    if (key == "coordinates" && value.is_object() && whole.contains(key))
      whole[key].update(value);
    else
      whole[key] = value;
  }
  return whole;
}

bool has_all(const Json& coordinates, const Json& wanted) {
  return std::all_of(wanted.items().begin(), wanted.items().end(), [&](const auto& item) {
    return coordinates.contains(item.key()) && same_coordinate(coordinates.at(item.key()), item.value());
  });
}

// What was found out about differences: said of every row that has the table, the measure and the coordinates.
void add_findings(PublishedPaper& paper, const Json& findings, const std::string& file) {
  int number = 0;
  for (const Json& finding : findings) {
    const std::string where = file + ", finding " + std::to_string(++number);
    refuse_unknown_keys(finding, {"table", "measure", "coordinates", "finding"}, where);
    const std::string table = text_at(finding, "table", where), measure = text_at(finding, "measure", where, false);
    const Json coordinates = finding.value("coordinates", Json::object());
    check_coordinates(coordinates, where);
    bool said = false;
    for (PublishedRow& row : paper.rows) {
      if (row.table != table || (!measure.empty() && row.measure != measure) || !has_all(row.coordinates, coordinates))
        continue;
      row.finding += (row.finding.empty() ? "" : " ") + text_at(finding, "finding", where);
      said = true;
    }
    if (!said) throw Error(where + ": there is no such number");
  }
}

store::Variable texts(const std::string& name, const std::string& dimension, std::vector<std::string> values,
                      const std::string& help) {
  return {name, {dimension}, std::move(values), {{"long_name", help}}, std::nullopt};
}

store::Variable numbers(const std::string& name, const std::string& dimension, const std::vector<double>& values,
                        const std::string& help) {
  return {name,
          {dimension},
          Array::of<double>({static_cast<std::int64_t>(values.size())}, values),
          {{"long_name", help}},
          Array::scalar(std::numeric_limits<double>::quiet_NaN())};
}

// One variable a coordinate: numbers where all of its values are, else texts; NaN or empty where a row has none.
store::Variable coordinate_variable(const std::string& key, const std::vector<const PublishedRow*>& rows) {
  bool all_numbers = true;
  for (const PublishedRow* row : rows)
    if (row->coordinates.contains(key)) all_numbers &= !row->coordinates.at(key).is_string();
  std::vector<double> values;
  std::vector<std::string> words;
  for (const PublishedRow* row : rows) {
    const Json value = row->coordinates.value(key, Json());
    values.push_back(value.is_number() ? value.get<double>() : std::numeric_limits<double>::quiet_NaN());
    words.push_back(value.is_null() ? "" : value.is_string() ? value.get<std::string>() : value.dump());
  }
  const std::string help = "coordinate " + key + " of the row";
  return all_numbers ? numbers(key, "row", values, help) : texts(key, "row", std::move(words), help);
}

store::Group errata_group(const std::vector<const PublishedPaper*>& papers) {
  std::vector<std::string> keys, sources, statements, findings;
  for (const PublishedPaper* paper : papers)
    for (const PublishedErratum& erratum : paper->errata) {
      keys.push_back(paper->key);
      sources.push_back(erratum.source);
      statements.push_back(erratum.statement);
      findings.push_back(erratum.finding);
    }
  store::Group group;
  group.name = "errata";
  group.attributes = {{"description", "what is wrong or ambiguous in the papers and belongs to no single number"}};
  group.dimensions = {{"erratum", static_cast<std::int64_t>(keys.size())}};
  group.variables = {texts("paper", "erratum", std::move(keys), "key of the paper"),
                     texts("source", "erratum", std::move(sources), "section, table or figure"),
                     texts("statement", "erratum", std::move(statements), "what the paper says"),
                     texts("finding", "erratum", std::move(findings), "what we found")};
  return group;
}

}  // namespace

bool same_coordinate(const Json& one, const Json& other) {
  if (one.is_null() || other.is_null()) return one.is_null() && other.is_null();
  if (one.is_string() && other.is_string() && one == other) return true;
  const auto number = [](const Json& value) {
    if (value.is_number()) return value.get<double>();
    try {
      return parse_number(value.get_ref<const std::string&>());
    } catch (const InputError&) {
      return std::numeric_limits<double>::quiet_NaN();  // equal to nothing
    }
  };
  return number(one) == number(other);
}

std::vector<PublishedRow> PublishedPaper::rows_of(std::string_view table, const Json& coordinates) const {
  std::vector<PublishedRow> found;
  for (const PublishedRow& row : rows)
    if ((table.empty() || row.table == table) && has_all(row.coordinates, coordinates)) found.push_back(row);
  return found;
}

const PublishedRow& PublishedPaper::row_of(std::string_view table, std::string_view measure,
                                           const Json& coordinates) const {
  const PublishedRow* found = nullptr;
  for (const PublishedRow& row : rows) {
    if (row.table != table || row.measure != measure || !has_all(row.coordinates, coordinates)) continue;
    if (found != nullptr)
      throw Error("paper " + key + ": " + row.table + " has several numbers " + row.measure + " at " +
                  canonical(coordinates));
    found = &row;
  }
  if (found == nullptr)
    throw Error("paper " + key + " has no " + std::string(measure) + " at " + canonical(coordinates) + " in " +
                std::string(table));
  return *found;
}

PublishedPaper parse_published(const std::string& file_name, const std::string& text) {
  const std::string file = "published numbers, " + file_name;
  Json root;
  try {
    root = Json::parse(text);
  } catch (const Json::parse_error& error) {
    throw Error(file + ": is no JSON: " + error.what());
  }
  refuse_unknown_keys(root, {"key", "citation", "tables", "errata", "findings"}, file);
  PublishedPaper paper{text_at(root, "key", file), text_at(root, "citation", file), {}, {}};
  if (paper.key + ".json" != file_name) throw Error(file + ": its key is " + paper.key);
  std::set<std::string> seen;
  for (const Json& block : list_at(root, "tables", file)) {
    refuse_unknown_keys(block, block_keys, file + ", a block of rows");
    const std::string table = file + ", " + text_at(block, "table", file);
    int number = 0;
    for (const Json& row : list_at(block, "rows", table)) {
      const std::string where = table + ", row " + std::to_string(++number);
      refuse_unknown_keys(row, row_keys, where);
      paper.rows.push_back(row_from(merged(block, row), where));
      PublishedRow& last = paper.rows.back();
      last.paper = paper.key;
      last.number = paper.rows.size() - 1;
      if (!seen.insert(canonical({last.table, last.measure, last.coordinates, last.origin})).second)
        throw Error(where + ": stands twice");
    }
  }
  for (const Json& erratum : list_at(root, "errata", file)) {
    const std::string where = file + ", erratum " + std::to_string(paper.errata.size() + 1);
    refuse_unknown_keys(erratum, {"source", "statement", "finding"}, where);
    paper.errata.push_back(
        {text_at(erratum, "source", where), text_at(erratum, "statement", where), text_at(erratum, "finding", where)});
  }
  add_findings(paper, root.value("findings", Json::array()), file);
  return paper;
}

const std::vector<PublishedPaper>& published_papers() {
  static const std::vector<PublishedPaper> papers = [] {
    std::vector<PublishedPaper> all;
    for (const EmbeddedFile& file : published_files()) all.push_back(parse_published(file.name, file.text));
    return all;
  }();
  return papers;
}

const PublishedPaper& published_paper(std::string_view key) {
  for (const PublishedPaper& paper : published_papers())
    if (paper.key == key) return paper;
  throw Error("no published numbers of a paper " + std::string(key) + " are built in");
}

store::Group published_group(const std::vector<std::string>& papers) {
  std::vector<const PublishedPaper*> chosen;
  for (const std::string& key : papers) chosen.push_back(&published_paper(key));
  return published_group(chosen);
}

store::Group published_group(const std::vector<const PublishedPaper*>& papers) {
  std::vector<const PublishedRow*> rows;
  std::vector<std::string> keys, citations, paper_of;
  std::set<std::string> coordinates;
  for (const PublishedPaper* paper : papers) {
    keys.push_back(paper->key);
    citations.push_back(paper->citation);
    for (const PublishedRow& row : paper->rows) {
      rows.push_back(&row);
      paper_of.push_back(paper->key);
      for (const auto& [key, value] : row.coordinates.items()) coordinates.insert(key);
    }
  }
  const auto words = [&](auto of) {
    std::vector<std::string> values;
    for (const PublishedRow* row : rows) values.push_back(of(*row));
    return values;
  };
  std::vector<double> values, repeats;
  for (const PublishedRow* row : rows) {
    values.push_back(row->value);
    repeats.push_back(row->repeats ? *row->repeats : std::numeric_limits<double>::quiet_NaN());
  }
  store::Group group;
  group.name = "published";
  group.attributes = {{"description", "numbers that papers have published, to be compared with"}};
  if (!keys.empty()) {
    group.attributes.push_back({"papers", keys});
    group.attributes.push_back({"citations", citations});
  }
  group.dimensions = {{"row", static_cast<std::int64_t>(rows.size())}};
  group.variables = {
      texts("paper", "row", std::move(paper_of), "key of the paper: attributes papers and citations"),
      texts("table", "row", words([](const PublishedRow& row) { return row.table; }), "where it stands in the paper"),
      texts("measure", "row", words([](const PublishedRow& row) { return row.measure; }),
            "what it is: the variable of the same name in this file, where there is one"),
      texts("coordinates", "row", words([](const PublishedRow& row) { return canonical(row.coordinates); }),
            "JSON: value of each dimension; null: it has no meaning at this row"),
      numbers("value", "row", values, "the published number"),
      texts("unit", "row", words([](const PublishedRow& row) { return row.unit; }), "of the value; 1: a share, 0 to 1"),
      texts("bound", "row", words([](const PublishedRow& row) { return row.bound; }),
            "above, below or about the value; empty: the value itself"),
      texts("origin", "row", words([](const PublishedRow& row) { return row.origin; }),
            "printed in a table, text, computed from it, raw results of its authors"),
      numbers("repeats", "row", repeats, "runs that the paper averages, where it says so"),
      texts("erratum", "row", words([](const PublishedRow& row) { return row.erratum; }),
            "what is wrong or ambiguous at this number")};
  for (const std::string& key : coordinates) {
    if (group.find_variable(key) != nullptr)
      throw Error("coordinate " + key + " of published numbers has the name of a variable of their group");
    group.variables.push_back(coordinate_variable(key, rows));
  }
  group.children.push_back(errata_group(papers));
  return group;
}

}  // namespace telltale::study
