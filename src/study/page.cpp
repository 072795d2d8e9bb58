#include "study/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "core/text.h"
#include "study/cells.h"
#include "study/published.h"
#include "study/published_table.h"
#include "study/records.h"
#include "study/report.h"

namespace telltale::study {
namespace {

// Longer tables that compare nothing are left to `telltale report`.
constexpr std::size_t most_rows = 40;

std::string written(const Comparison& one, double value) {
  return std::isnan(value) ? "-" : one.is_share ? percent(value) + "%" : shortest(value) + " " + one.unit;
}

std::string interval(const Comparison& one) {
  return std::isnan(one.low) ? "-" : written(one, one.low) + " to " + written(one, one.high);
}

// From the overview to a study's page.
std::string link_to(const std::string& study) { return fmt::format("[{0}](reproduction/{0}.md)", study); }

// A study as the page needs it: its tables once.
struct Study {
  const NamedResults* results;
  std::vector<Table> tables;

  [[nodiscard]] std::vector<const Comparison*> comparisons() const {
    std::vector<const Comparison*> all;
    for (const Table& table : tables)
      for (const Comparison& one : table.comparisons) all.push_back(&one);
    return all;
  }
};

std::string coverage_table(const std::vector<Study>& studies) {
  // By paper: which of its rows were measured anywhere.
  std::map<std::string, std::set<std::size_t>> measured;
  for (const Study& study : studies)
    for (const Comparison* one : study.comparisons())
      if (one->repeats > 0) measured[one->paper].insert(one->number);
  Table table{"What is compared", {"paper", "published numbers", "measured here", "open"}, {}, {}};
  for (const PublishedPaper& paper : published_papers()) {
    const auto found = measured.find(paper.key);
    const std::size_t count = found == measured.end() ? 0 : found->second.size();
    table.rows.push_back({paper.citation, std::to_string(paper.rows.size()), std::to_string(count),
                          std::to_string(paper.rows.size() - count)});
  }
  return render({table}, TableFormat::markdown);
}

// How many of a study's comparisons fall on which side.
struct Agreement {
  std::size_t compared = 0, inside = 0, far = 0, others = 0;
};

Agreement agreement_of(const Study& study) {
  Agreement all;
  for (const Comparison* one : study.comparisons()) {
    if (one->repeats == 0) continue;
    if (!is_comparable(*one)) {
      ++all.others;
      continue;
    }
    ++all.compared;
    all.inside += agrees(*one);
    all.far += is_far(*one);
  }
  return all;
}

std::string agreement_table(const std::vector<Study>& studies) {
  Table table{
      "How far they agree",
      {"study", "compared", "inside our 95% interval", "outside, but near", "far", "seconds and bounds"},
      {},
      {fmt::format("Near: within {} points of a share, a tenth of any other number. One published number can be "
                   "compared several times, once for each setting that its paper leaves open; the page of a study "
                   "says which of them fits, and gives the reason of what lies far off, or marks it open.",
                   shortest(100 * far_difference))}};
  for (const Study& study : studies) {
    const Agreement all = agreement_of(study);
    table.rows.push_back({link_to(study.results->name), std::to_string(all.compared), std::to_string(all.inside),
                          std::to_string(all.compared - all.inside - all.far), std::to_string(all.far),
                          std::to_string(all.others)});
  }
  return render({table}, TableFormat::markdown);
}

std::string beyond_part(const std::vector<Study>& studies) {
  std::vector<std::pair<std::string, std::vector<Table>>> named;
  for (const Study& study : studies) named.emplace_back(study.results->name, study.tables);
  const std::vector<Table> tables = beyond_papers(named);
  return tables.empty() ? "" : "# Beyond the papers\n\n" + render(tables, TableFormat::markdown);
}

std::string far_table(const Study& study) {
  Table table{"What lies far off", {"number", "paper", "measured", "95% interval", "why"}, {}, {}};
  std::map<std::string, std::size_t> notes;  // each reason is said once
  for (const Comparison* one : study.comparisons()) {
    if (!is_far(*one)) continue;
    std::string why;
    for (const std::string& reason : one->reasons) {
      const auto [note, is_new] = notes.emplace(reason, notes.size() + 1);
      if (is_new) table.notes.push_back(fmt::format("[{}] {}\n", note->second, reason));
      why += fmt::format("[{}]", note->second);
    }
    table.rows.push_back({one->what, written(*one, one->published), written(*one, one->measured), interval(*one),
                          why.empty() ? "open" : why});
  }
  if (table.rows.empty()) table.notes = {"Nothing."};
  return agreement_of(study).compared == 0 ? "" : render({table}, TableFormat::markdown);
}

std::string fits_table(const Study& study) {
  Table table{
      "Which settings fit, of those that the paper leaves open",
      {"table", "setting", "cells", "mean difference", "speaks against it"},
      {},
      {"The best of each table first; the others with the cell that is off by the most more than under the best."}};
  std::vector<Comparison> all;
  for (const Comparison* one : study.comparisons()) all.push_back(*one);
  for (const Fit& fit : fits_of(all))
    table.rows.push_back(
        {fit.table, fit.setting, std::to_string(fit.cells), fmt::format("{:.2f} points", 100 * fit.mean_difference),
         fit.decides == nullptr
             ? "fits best"
             : fmt::format("{}: {} against {}", fit.decides->what, written(*fit.decides, fit.decides->measured),
                           written(*fit.decides, fit.decides->published))});
  return table.rows.empty() ? "" : render({table}, TableFormat::markdown);
}

// "network zhang-mnist; epochs 3; repeats 3": what decides how far a study can be trusted.
std::string size_of(const store::Group& root) {
  const std::string settings = text_of(root, "settings");
  const Json all = settings.empty() ? Json::object() : Json::parse(settings);
  std::vector<std::string> words;
  for (const char* key : {"network", "epochs", "repeats", "train-images", "test-images", "key-images"}) {
    if (!all.contains(key)) continue;
    std::vector<std::string> values;
    for (const Json& value : all.at(key).is_array() ? all.at(key) : Json::array({all.at(key)}))
      values.push_back(value.is_string() ? value.get<std::string>() : value.dump());
    // No limit, where 0 stands for all.
    if (std::string(key).ends_with("images") && joined(values) == "0") continue;
    words.push_back(std::string(key) + " " + joined(values));
  }
  return joined(words, "; ");
}

std::string run_text(const store::Group& root) {
  const store::Group *run = root.child("run"), *environments = root.child("environments");
  if (run == nullptr || environments == nullptr) return "";
  double seconds = 0;
  for (const double one : run->find_variable("seconds")->numbers().as<double>()) seconds += std::isnan(one) ? 0 : one;
  const store::Variable* sessions = run->find_variable("session");
  std::set<std::string> cpus;
  if (const store::Variable* known = run->find_variable("microarchitectures"))
    for (const std::string& one : known->strings())
      if (!one.empty()) cpus.insert(one);
  return fmt::format(
      "{} of rank time in {} start{}, trained on {}, CPUs: {}",
      seconds < 5400 ? fmt::format("{:.0f} minutes", seconds / 60) : fmt::format("{:.1f} hours", seconds / 3600),
      sessions == nullptr ? 0 : sessions->strings().size(),
      sessions != nullptr && sessions->strings().size() == 1 ? "" : "s", text_of(*environments, "training_environment"),
      cpus.empty() ? "unknown" : joined({cpus.begin(), cpus.end()}));
}

std::string errata_of(const Study& study) {
  std::set<std::string> papers;
  for (const Comparison* one : study.comparisons()) papers.insert(one->paper);
  std::string text;
  for (const PublishedPaper& paper : published_papers()) {
    if (!papers.contains(paper.key) || paper.errata.empty()) continue;
    Table table = errata_table(paper);
    table.title = "Errata of the paper";
    text += render({table}, TableFormat::markdown);
  }
  return text;
}

std::string study_page(const Study& study) {
  const store::Group& root = study.results->root;
  std::string text = fmt::format("# {}\n\n", text_of(root, "title"));
  Table how{"How it was run", {"", ""}, {}, {}};
  how.rows = {{"command", "`./run reproduce " + study.results->name + "`"},
              {"data", text_of(root, "dataset") + ", SHA-256 " + text_of(root, "dataset_sha256").substr(0, 12)},
              {"size", size_of(root)},
              {"tasks", text_of(root, "tasks_done") + " done, " + text_of(root, "tasks_failed") + " failed, " +
                            text_of(root, "tasks_open") + " open"},
              {"run", run_text(root)},
              {"program", text_of(root, "program_version") + " (" + text_of(root, "git") + ")"}};
  text += render({how}, TableFormat::markdown) + fits_table(study) + far_table(study);
  std::vector<std::string> left_out;
  for (const Table& table : study.tables) {
    if (table.rows.empty() || table.title == "Errata of the paper") continue;
    if (table.comparisons.empty() && table.rows.size() > most_rows) {
      left_out.push_back(fmt::format("\"{}\" ({} rows)", table.title, table.rows.size()));
      continue;
    }
    text += render({table}, TableFormat::markdown);
  }
  if (!left_out.empty()) text += "`telltale report` shows more: " + joined(left_out) + ".\n\n";
  return text + errata_of(study);
}

}  // namespace

bool agrees(const Comparison& one) { return one.low <= one.published && one.published <= one.high; }

bool is_comparable(const Comparison& one) { return one.repeats > 0 && one.unit != "s" && !one.is_bound; }

bool is_far(const Comparison& one) {
  const double limit = one.is_share ? far_difference : 0.1 * std::abs(one.published);
  return is_comparable(one) && !agrees(one) && std::abs(one.measured - one.published) > limit;
}

std::vector<Fit> fits_of(const std::vector<Comparison>& comparisons) {
  // What a setting sets: "share 0.3, tune ftal" sets "share, tune". Others are no rivals of it.
  const auto names_of = [](const std::string& setting) {
    std::string names;
    for (std::size_t first = 0; first < setting.size();) {
      const std::size_t end = std::min(setting.find(", ", first), setting.size());
      names += setting.substr(first, setting.find(' ', first) - first) + ", ";
      first = end + 2;
    }
    return names;
  };
  // By paper, table and what is set: settings in their order, each with its differences by number of the row.
  using Differences = std::map<std::size_t, std::pair<double, const Comparison*>>;
  std::map<std::tuple<std::string, std::string, std::string>, std::vector<std::pair<std::string, Differences>>> tables;
  for (const Comparison& one : comparisons) {
    if (!is_comparable(one) || !one.is_share || one.setting.empty()) continue;
    auto& settings = tables[{one.paper, one.table, names_of(one.setting)}];
    auto found = std::find_if(settings.begin(), settings.end(), [&](const auto& s) { return s.first == one.setting; });
    if (found == settings.end()) found = settings.insert(settings.end(), {one.setting, {}});
    found->second[one.number] = {std::abs(one.measured - one.published), &one};
  }
  std::vector<Fit> fits;
  for (const auto& [key, settings] : tables) {
    if (settings.size() < 2) continue;
    std::vector<std::pair<Fit, const Differences*>> of_table;
    for (const auto& [setting, differences] : settings) {
      Fit fit{std::get<0>(key), std::get<1>(key), setting, differences.size(), 0, nullptr};
      for (const auto& [number, one] : differences)
        fit.mean_difference += one.first / static_cast<double>(differences.size());
      of_table.emplace_back(std::move(fit), &differences);
    }
    std::stable_sort(of_table.begin(), of_table.end(),
                     [](const auto& a, const auto& b) { return a.first.mean_difference < b.first.mean_difference; });
    const Differences& best = *of_table.front().second;
    for (auto& [fit, differences] : of_table) {
      double most = 0;
      for (const auto& [number, one] : *differences) {
        const auto there = best.find(number);
        const double more = one.first - (there == best.end() ? 0 : there->second.first);
        if (differences != &best && more > most) {
          most = more;
          fit.decides = one.second;
        }
      }
      fits.push_back(fit);
    }
  }
  return fits;
}

std::vector<Table> beyond_papers(const std::vector<std::pair<std::string, std::vector<Table>>>& studies) {
  std::vector<Table> gathered;
  for (const auto& [study, tables] : studies)
    for (const Table& table : tables) {
      if (!table.is_beyond_papers || table.rows.empty()) continue;
      std::vector<std::string> columns{"study"};
      columns.insert(columns.end(), table.columns.begin(), table.columns.end());
      auto of = std::find_if(gathered.begin(), gathered.end(),
                             [&](const Table& one) { return one.title == table.title && one.columns == columns; });
      if (of == gathered.end()) of = gathered.insert(of, {table.title, columns, {}, table.notes});
      for (const auto& row : table.rows) {
        of->rows.push_back({link_to(study)});
        of->rows.back().insert(of->rows.back().end(), row.begin(), row.end());
      }
    }
  return gathered;
}

Pages reproduction_pages(const std::vector<NamedResults>& results, const std::vector<std::string>& others) {
  std::vector<Study> studies;
  for (const NamedResults& one : results) {
    Study study{&one, report(one.root)};
    study.tables.erase(study.tables.begin());  // the overview, which the page has its own of
    studies.push_back(std::move(study));
  }
  Pages pages;
  pages.overview =
      "# Reproduction\n\n"
      "Published numbers beside what Telltale measured. `./run reproduce --page` makes these pages from results "
      "files;\n"
      "nothing in them is typed. Every number can be had again with the command of its study (data/README.md says how\n"
      "to get the data), or looked up in its results file, which lies beside its page (`reproduction/NAME.h5.xz`).\n"
      "*measured* is the mean of the repeats, the interval Student's 95% interval of that mean from the repeats "
      "alone,\n"
      "*n* their number. Most studies here are small enough for two cores: fewer epochs and repeats than the papers',\n"
      "as each says.\n\n";
  pages.overview += coverage_table(studies) + agreement_table(studies) + beyond_part(studies);
  if (!others.empty()) {
    Table table{"Not counted here", {"study"}, {}, {"Their pages were made of results files that have not been kept."}};
    for (const std::string& name : others) table.rows.push_back({link_to(name)});
    pages.overview += render({table}, TableFormat::markdown);
  }
  for (const Study& study : studies) pages.studies.emplace_back(study.results->name, study_page(study));
  return pages;
}

}  // namespace telltale::study
