#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>

#include "core/statistics.h"
#include "experiments/boundary/boundary.h"
#include "study/cells.h"
#include "study/published_table.h"

namespace telltale::experiments {
namespace {

using namespace study;  // the engine's tables, texts and files

// A variable whose leading dimensions are those of the settings: row by row.
template <typename T>
class Rows {
 public:
  Rows(const store::Group& group, const std::string& name, std::size_t rows)
      : values_(group.find_variable(name)->numbers().as<T>()), width_(rows == 0 ? 0 : values_.size() / rows) {}

  [[nodiscard]] T at(std::size_t row, std::size_t column = 0) const { return values_[row * width_ + column]; }
  [[nodiscard]] std::size_t width() const { return width_; }

 private:
  std::span<const T> values_;
  std::size_t width_;
};

// One line a setting: its labels, then what `cells` adds.
template <typename Add>
Table settings_table(const store::Group& group, const char* variable, const std::string& title,
                     const std::vector<std::string>& columns, Add add) {
  const Cells cells(group, variable);
  // What is the same in every row says nothing there.
  std::vector<std::string> shown;
  for (const std::string& dimension : cells.dimensions()) {
    std::set<std::string> values;
    for (std::size_t row = 0; row < cells.size(); ++row) values.insert(cells.labels(row).at(dimension));
    if (values.size() > 1 || dimension == "search") shown.push_back(dimension);
  }
  Table table{title, shown, {}, {}};
  table.columns.insert(table.columns.end(), columns.begin(), columns.end());
  for (std::size_t row = 0; row < cells.size(); ++row) {
    const auto labels = cells.labels(row);
    std::vector<std::string> line;
    for (const std::string& dimension : shown) line.push_back(labels.at(dimension));
    const std::vector<std::string> more = add(row);
    if (more.empty()) continue;
    line.insert(line.end(), more.begin(), more.end());
    table.rows.push_back(std::move(line));
  }
  return table;
}

// What the paper has published of this study's data set and network, a table for each of its own: nothing of others.
std::vector<Table> published_tables(const store::Group& root) {
  const Json settings = settings_of(root);
  Json here{{"dataset", settings.at("dataset")}};
  if (settings.contains("network")) here["network"] = settings.at("network");
  const PublishedPaper& paper = published_paper("boundary-samples");
  const ResultsView summary{*root.child("summary"), settings, {"search"}},
      sets{*root.child("identifying_sets"), settings, {"search"}};
  const Measured measured = [&](PublishedRow row) {
    const bool is_failure = row.measure == "failure_share";  // what is left of the share that is stored
    if (is_failure) row.measure = "success_share";
    auto points = summary(row);
    if (points.empty()) points = sets(row);
    // The published numbers are those of the authors' search. Ours is no reading of it: it has the other tables.
    std::erase_if(points, [](const MeasuredPoint& point) {
      return std::ranges::find(point.labels, std::pair<std::string, std::string>{"search", "telltale"}) !=
             point.labels.end();
    });
    if (is_failure)
      for (MeasuredPoint& point : points)
        for (double& share : point.repeats) share = 1 - share;
    return points;
  };
  std::vector<std::string> titles;
  for (const PublishedRow& row : paper.rows_of("", here))
    if (std::find(titles.begin(), titles.end(), row.table) == titles.end()) titles.push_back(row.table);
  std::vector<Table> tables;
  for (const std::string& title : titles)
    tables.push_back(published_table("Beside Schloegl, Kupek and Boehme 2021, " + title, paper.rows_of(title, here),
                                     measured, NotInStudy::shown));
  if (!tables.empty()) tables.push_back(errata_table(paper));
  return tables;
}

Table machines_table(const store::Group& root, const store::Group& boundary) {
  Table table{
      "Machines (Table 1): what predicts the same bits is one", {"machine", "environments", "profiles"}, {}, {}};
  const store::Group* environments = root.child("environments");
  for (const std::string& machine : boundary.find_variable("machine")->strings()) {
    std::string members, profiles;
    const auto& names = environments->find_variable("environment")->strings();
    for (std::size_t e = 0; e < names.size(); ++e) {
      if (("+" + machine + "+").find("+" + names[e] + "+") == std::string::npos) continue;
      members += (members.empty() ? "" : ", ") + names[e];
      profiles += (profiles.empty() ? "" : ", ") + environments->find_variable("profile")->strings()[e];
    }
    table.rows.push_back({machine, members, profiles});
  }
  table.notes = {"The local machine is " + text_of(boundary, "local_machine") +
                 ". A profile is the code path of that CPU with this library build, no measurement of its silicon."};
  return table;
}

Table success_table(const store::Group& summary) {
  const std::vector<std::string>& machines = summary.find_variable("machine")->strings();
  std::vector<std::string> columns{"attempts", "success %"};
  for (const std::string& machine : machines) columns.push_back(machine + " %");
  columns.insert(columns.end(), {"runs for 99%", "attempts for 99%"});
  const std::size_t rows = Cells(summary, "success_share").size();
  const Rows<double> share(summary, "success_share", rows), runs(summary, "runs_for_99", rows),
      attempts(summary, "attempts_for_99", rows);
  const Rows<std::int64_t> tried(summary, "attempts", rows), counted(summary, "successes", rows),
      identified(summary, "identified", rows);
  Table table = settings_table(
      summary, "success_share", "Success, and the machines singled out (Table 2)", columns, [&](std::size_t row) {
        if (tried.at(row) == 0) return std::vector<std::string>();
        std::vector<std::string> line{std::to_string(tried.at(row)), percent(share.at(row))};
        for (std::size_t m = 0; m < machines.size(); ++m)
          line.push_back(counted.at(row) == 0 ? "-"
                                              : decimals(100.0 * static_cast<double>(identified.at(row, m)) /
                                                             static_cast<double>(counted.at(row)),
                                                         1));
        line.insert(line.end(), {decimals(runs.at(row), 0), decimals(attempts.at(row), 0)});
        return line;
      });
  table.notes.emplace_back("Only samples count that a process of its own repeated on every environment, bit for bit.");
  return table;
}

Table quantile_table(const store::Group& summary, const std::string& title,
                     const std::vector<std::pair<std::string, std::string>>& variables, int digits, bool with_mean) {
  std::vector<std::string> columns;
  for (const auto& [name, heading] : variables)
    for (const char* quantile : {"min", "Q1", "median", "Q3", "max"})
      columns.push_back((heading.empty() ? "" : heading + " ") + quantile);
  if (with_mean) columns.emplace_back("mean");
  const std::size_t rows = Cells(summary, "success_share").size();
  const Rows<std::int64_t> counted(summary, "successes", rows);
  return settings_table(summary, "success_share", title, columns, [&](std::size_t row) {
    std::vector<std::string> line;
    if (counted.at(row) == 0) return line;
    for (const auto& [name, heading] : variables) {
      const Rows<double> values(summary, name + "_quantiles", rows);
      for (std::size_t q = 0; q < values.width(); ++q) line.push_back(decimals(values.at(row, q), digits));
    }
    if (with_mean) line.push_back(decimals(Rows<double>(summary, "psnr_mean", rows).at(row), 2));
    return line;
  });
}

Table endings_table(const store::Group& summary) {
  const std::vector<std::string>& endings = summary.find_variable("ending")->strings();
  const std::size_t rows = Cells(summary, "success_share").size();
  const Rows<std::int64_t> count(summary, "endings", rows), tried(summary, "attempts", rows);
  return settings_table(summary, "success_share", "Every attempt: how it ended", endings, [&](std::size_t row) {
    std::vector<std::string> line;
    if (tried.at(row) == 0) return line;
    for (std::size_t e = 0; e < endings.size(); ++e) line.push_back(std::to_string(count.at(row, e)));
    return line;
  });
}

// Fig. 6, its largest cells.
Table pairs_table(const store::Group& summary) {
  const std::size_t rows = Cells(summary, "success_share").size();
  const Rows<std::int64_t> pairs(summary, "label_pairs", rows);
  const auto classes = static_cast<std::size_t>(std::llround(std::sqrt(static_cast<double>(pairs.width()))));
  constexpr std::size_t shown = 5;
  return settings_table(summary, "success_share", "Most frequent identifying > contrast labels (Fig. 6)", {"pairs"},
                        [&](std::size_t row) {
                          std::vector<std::pair<std::int64_t, std::size_t>> cells;
                          for (std::size_t k = 0; k < pairs.width(); ++k)
                            if (pairs.at(row, k) > 0) cells.emplace_back(-pairs.at(row, k), k);
                          std::sort(cells.begin(), cells.end());
                          std::string text;
                          for (std::size_t i = 0; i < std::min(shown, cells.size()); ++i)
                            text += (text.empty() ? "" : ", ") + std::to_string(cells[i].second / classes) + " > " +
                                    std::to_string(cells[i].second % classes) + ": " + std::to_string(-cells[i].first);
                          return text.empty() ? std::vector<std::string>() : std::vector<std::string>{text};
                        });
}

Table sets_table(const store::Group& sets) {
  const std::vector<std::string>& machines = sets.find_variable("machine")->strings();
  std::vector<std::string> columns{"worst PSNR, dB", "fewest images"};
  for (const std::string& machine : machines) columns.push_back(machine + ": dB (image)");
  const std::size_t rows = Cells(sets, "worst_psnr").size();
  const Rows<double> worst(sets, "worst_psnr", rows), psnr(sets, "psnr", rows);
  const Rows<std::int64_t> fewest(sets, "fewest_images", rows), image(sets, "image", rows);
  Table table = settings_table(
      sets, "worst_psnr", "Fully identifying sets: a sample for every machine", columns, [&](std::size_t row) {
        std::vector<std::string> line{decimals(worst.at(row), 2),
                                      fewest.at(row) < 0 ? "-" : std::to_string(fewest.at(row))};
        bool any = false;
        for (std::size_t m = 0; m < machines.size(); ++m) {
          any |= image.at(row, m) >= 0;
          line.push_back(image.at(row, m) < 0
                             ? "-"
                             : decimals(psnr.at(row, m), 2) + " (" + std::to_string(image.at(row, m)) + ")");
        }
        return any ? line : std::vector<std::string>();
      });
  return table;
}

// PSNR as an objective: ours against the published search, image by image, where both succeed.
Table against_code_table(const store::Group& boundary) {
  Table table{"telltale against code, on images where both succeed",
              {"setting", "images", "at least as good", "worst difference, dB", "median difference, dB",
               "exceptions (image: dB)"},
              {},
              {}};
  const Cells psnr(boundary, "psnr");
  const std::size_t rows = psnr.size();
  const Rows<std::int32_t> verified(boundary, "verified", rows);
  // Setting without its search and image -> image -> PSNR.
  std::map<std::string, std::map<std::string, double>> ours, theirs;
  for (std::size_t cell = 0; cell < rows; ++cell) {
    if (verified.at(cell) != 1) continue;
    auto labels = psnr.labels(cell);
    if (labels.at("target") != "any" || labels.at("grid") != "float" || labels.at("search") == "paper") continue;
    auto& into = labels.at("search") == "code" ? theirs : ours;
    const std::string image = labels.at("image");
    for (const char* left_out : {"search", "image", "target", "grid"}) labels.erase(left_out);
    std::string setting;
    for (const auto& [dimension, label] : labels) setting += (setting.empty() ? "" : ", ") + dimension + " " + label;
    into[setting][image] = psnr.value(cell);
  }
  for (const auto& [setting, images] : theirs) {
    std::vector<double> differences;
    std::string exceptions;
    for (const auto& [image, db] : images) {
      const auto found = ours[setting].find(image);
      if (found == ours[setting].end()) continue;
      differences.push_back(found->second - db);
      if (differences.back() < 0)
        exceptions += (exceptions.empty() ? "" : ", ") + image + ": " + decimals(differences.back(), 2);
    }
    if (differences.empty()) continue;
    std::sort(differences.begin(), differences.end());
    const auto good = std::count_if(differences.begin(), differences.end(), [](double d) { return d >= 0; });
    table.rows.push_back({setting, std::to_string(differences.size()), std::to_string(good),
                          decimals(differences.front(), 2), decimals(median(differences), 2),
                          exceptions.empty() ? "none" : exceptions});
  }
  return table;
}

}  // namespace

std::vector<Table> Boundary::report(const store::Group& root) const {
  const store::Group *boundary = root.child("boundary"), *summary = root.child("summary"), *train = root.child("train");
  std::vector<Table> tables{
      means_table(*train, "The networks", without(Cells(*train, "accuracy").dimensions(), {"repeat"}),
                  {{"accuracy", "test %"}}),
      machines_table(root, *boundary), success_table(*summary)};
  tables.push_back(quantile_table(*summary, "PSNR of the successes, dB (Table 3)", {{"psnr", ""}}, 2, true));
  tables.push_back(quantile_table(*summary, "Steps of the successes (Fig. 5)",
                                  {{"local_steps", "local"}, {"remote_steps", "remote"}}, 1, false));
  tables.push_back(quantile_table(*summary, "Evaluations of the successes", {{"evaluations", ""}}, 1, false));
  tables.push_back(endings_table(*summary));
  tables.push_back(pairs_table(*summary));
  tables.push_back(sets_table(*root.child("identifying_sets")));
  tables.push_back(against_code_table(*boundary));
  for (Table& table : published_tables(root)) tables.push_back(std::move(table));
  std::erase_if(tables, [](const Table& table) { return table.rows.empty(); });
  return tables;
}

}  // namespace telltale::experiments
