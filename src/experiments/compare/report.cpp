#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <map>
#include <set>

#include "core/text.h"
#include "experiments/compare/compare.h"
#include "study/cells.h"
#include "study/published.h"

namespace telltale::experiments {
namespace {

using namespace study;  // the engine's tables and texts

constexpr const char* precisions[] = {"float32", "float64", "bfloat16"};

// The CPUs that had each environment, by its name, as the passports tell them.
std::map<std::string, std::string> cpus_of(const store::Group& root) {
  std::map<std::string, std::string> cpus;
  const store::Group* run = root.child("run");
  if (run == nullptr || run->find_variable("microarchitectures") == nullptr) return cpus;
  const auto& names = run->find_variable("environment")->strings();
  const auto& texts = run->find_variable("microarchitectures")->strings();
  for (std::size_t i = 0; i < names.size(); ++i) cpus[names[i]] = texts[i];
  return cpus;
}

// One precision's group, read by setting (case and batch size) and machine (environment and threads).
class Compared {
 public:
  Compared(const store::Group& group, const std::map<std::string, std::string>& cpus)
      : group_(group),
        environments_(group.find_variable("environment")->strings()),
        threads_(group.find_variable("threads")->numbers().as<std::int64_t>()),
        classes_(group.find_variable("equivalence_class")->numbers().as<std::int32_t>()) {
    for (std::string& name : environments_)
      // A pinned rank is named by the CPU whose code path it takes; of others, the CPU itself says more.
      if (const auto cpu = cpus.find(name); name.starts_with("native") && cpu != cpus.end() && !cpu->second.empty())
        name += " (" + cpu->second + ")";
    const Cells cells(group, "equivalence_class");
    for (const std::string& dimension : cells.dimensions())
      if (dimension != "environment" && dimension != "threads" &&
          (dimension != "repeat" || group.find_dimension(dimension)->size > 1))
        columns_.push_back(dimension);
    for (std::size_t cell = 0; cell < cells.size(); cell += machines()) {
      const auto labels = cells.labels(cell);
      std::vector<std::string> row;
      for (const std::string& column : columns_) row.push_back(labels.at(column));
      labels_.push_back(std::move(row));
    }
  }

  [[nodiscard]] const std::vector<std::string>& columns() const { return columns_; }  ///< of labels()
  [[nodiscard]] std::size_t settings() const { return labels_.size(); }
  [[nodiscard]] const std::vector<std::string>& labels(std::size_t setting) const { return labels_[setting]; }
  [[nodiscard]] std::size_t environments() const { return environments_.size(); }
  [[nodiscard]] std::span<const std::int64_t> threads() const { return threads_; }
  [[nodiscard]] std::size_t machines() const { return environments_.size() * threads_.size(); }
  [[nodiscard]] std::int32_t class_of(std::size_t setting, std::size_t machine) const {
    return classes_[setting * machines() + machine];
  }
  [[nodiscard]] std::int32_t class_of(std::size_t setting, std::size_t environment, std::size_t threads) const {
    return class_of(setting, environment * threads_.size() + threads);
  }
  [[nodiscard]] const std::string& environment(std::size_t environment) const { return environments_[environment]; }

  template <typename T>
  [[nodiscard]] T pair(const char* variable, std::size_t setting, std::size_t machine, std::size_t other) const {
    return group_.find_variable(variable)->numbers().as<T>()[(setting * machines() + machine) * machines() + other];
  }
  [[nodiscard]] const std::string& layer(std::int32_t position) const {
    return group_.find_variable("layer")->strings()[static_cast<std::size_t>(position)];
  }

  // The classes of a setting in their order: number and machines.
  [[nodiscard]] std::map<std::int32_t, std::vector<std::size_t>> members(std::size_t setting) const {
    std::map<std::int32_t, std::vector<std::size_t>> members;
    for (std::size_t m = 0; m < machines(); ++m)
      if (class_of(setting, m) >= 0) members[class_of(setting, m)].push_back(m);
    return members;
  }

  // "haswell, zen/2": an environment with all its thread counts, or with the one behind the stroke.
  [[nodiscard]] std::string name(const std::vector<std::size_t>& machines_named) const {
    std::vector<std::string> words;
    for (std::size_t e = 0; e < environments_.size(); ++e) {
      std::vector<std::string> counts;
      for (const std::size_t m : machines_named)
        if (m / threads_.size() == e) counts.push_back(std::to_string(threads_[m % threads_.size()]));
      if (counts.size() == threads_.size())
        words.push_back(environments_[e]);
      else
        for (const std::string& count : counts) words.push_back(environments_[e] + "/" + count);
    }
    return joined(words, ", ");
  }

 private:
  const store::Group& group_;
  std::vector<std::string> environments_;
  std::span<const std::int64_t> threads_;
  std::span<const std::int32_t> classes_;
  std::vector<std::string> columns_;
  std::vector<std::vector<std::string>> labels_;
};

// A precision's name and what there is of it.
using All = std::vector<std::pair<std::string, Compared>>;

std::vector<std::string> leading_columns(const All& all) {
  std::vector<std::string> columns = {"precision"};
  const auto& more = all.front().second.columns();
  for (const std::string& column : more) columns.push_back(column == "predict_batch" ? "batch size" : column);
  return columns;
}

std::vector<std::string> leading_cells(const std::string& precision, const Compared& compared, std::size_t setting) {
  std::vector<std::string> cells = {precision};
  cells.insert(cells.end(), compared.labels(setting).begin(), compared.labels(setting).end());
  return cells;
}

Table machines_table(const store::Group& root, const std::map<std::string, std::string>& cpus) {
  Table table{"Machines", {"environment", "profile", "computed on", "identity"}, {}, {}};
  const store::Group* environments = root.child("environments");
  if (environments == nullptr) return table;
  const auto& names = environments->find_variable("environment")->strings();
  const auto& profiles = environments->find_variable("profile")->strings();
  const auto& identities = environments->find_variable("identity")->strings();
  for (std::size_t e = 0; e < names.size(); ++e) {
    const auto cpu = cpus.find(names[e]);
    table.rows.push_back({names[e], profiles[e], cpu == cpus.end() ? "-" : cpu->second, identities[e].substr(0, 12)});
  }
  table.notes = {
      "A profile is the code path of that CPU with these library builds; native is what the libraries choose."};
  return table;
}

Table models_table(const store::Group& train) {
  const Cells cells(train, "accuracy");
  Table table = means_table(train, "Models", without(cells.dimensions(), {"repeat"}), {{"accuracy", "test %"}});
  return table;
}

// How many classes there are at every thread count, and who falls together.
Table classes_table(const All& all) {
  Table table{"Equivalence classes: machines whose logits are bit-identical", leading_columns(all), {}, {}};
  const bool several = all.front().second.threads().size() > 1;
  if (several) table.columns.emplace_back("threads");
  table.columns.insert(table.columns.end(), {"machines", "classes", "which fall together"});
  for (const auto& [precision, compared] : all)
    for (std::size_t setting = 0; setting < compared.settings(); ++setting)
      for (std::size_t t = 0; t < compared.threads().size(); ++t) {
        std::map<std::int32_t, std::vector<std::string>> members;
        std::size_t machines = 0;
        for (std::size_t e = 0; e < compared.environments(); ++e)
          if (const std::int32_t number = compared.class_of(setting, e, t); number >= 0) {
            members[number].push_back(compared.environment(e));
            ++machines;
          }
        std::vector<std::string> sets;
        for (const auto& [number, names] : members) sets.push_back("{" + joined(names, ", ") + "}");
        auto row = leading_cells(precision, compared, setting);
        if (several) row.push_back(std::to_string(compared.threads()[t]));
        row.insert(row.end(), {std::to_string(machines), machines == 0 ? "-" : std::to_string(members.size()),
                               machines == 0 ? "-" : joined(sets, " ")});
        table.rows.push_back(std::move(row));
      }
  return table;
}

// Environments whose bits change with the number of threads; nothing where only one number was asked.
Table threads_table(const All& all) {
  Table table{"What the number of threads changes", leading_columns(all), {}, {}};
  table.columns.emplace_back("environments whose logits differ between thread counts");
  for (const auto& [precision, compared] : all)
    for (std::size_t setting = 0; setting < compared.settings(); ++setting) {
      std::vector<std::string> changed;
      for (std::size_t e = 0; e < compared.environments(); ++e) {
        std::set<std::int32_t> numbers;
        for (std::size_t t = 0; t < compared.threads().size(); ++t)
          if (const std::int32_t number = compared.class_of(setting, e, t); number >= 0) numbers.insert(number);
        if (numbers.size() > 1) changed.push_back(compared.environment(e));
      }
      auto row = leading_cells(precision, compared, setting);
      row.push_back(changed.empty()                             ? "none"
                    : changed.size() == compared.environments() ? "all"
                                                                : joined(changed, ", "));
      table.rows.push_back(std::move(row));
    }
  return table;
}

// Every class beside the first one of its setting.
Table distances_table(const All& all, std::int64_t images) {
  Table table{"How far the classes lie from the first one", leading_columns(all), {}, {}};
  table.columns.insert(table.columns.end(), {"class", "machines", "images that differ", "max ULP", "bits that remain",
                                             "labels that differ", "first layer"});
  for (const auto& [precision, compared] : all)
    for (std::size_t setting = 0; setting < compared.settings(); ++setting) {
      const auto members = compared.members(setting);
      for (const auto& [number, machines] : members) {
        auto row = leading_cells(precision, compared, setting);
        row.insert(row.end(), {std::to_string(number), compared.name(machines)});
        const std::size_t first = members.begin()->second.front(), here = machines.front();
        if (here == first) {
          row.insert(row.end(), {members.size() == 1 ? "none: all fall together" : "the first", "", "", "", ""});
        } else {
          const auto layer = compared.pair<std::int32_t>("first_layer", setting, first, here);
          row.insert(row.end(),
                     {std::to_string(compared.pair<std::int64_t>("differing_images", setting, first, here)) + " of " +
                          std::to_string(images),
                      std::to_string(compared.pair<std::int64_t>("max_ulp", setting, first, here)),
                      decimals(compared.pair<double>("remaining_bits", setting, first, here), 1),
                      std::to_string(compared.pair<std::int64_t>("label_disagreements", setting, first, here)),
                      layer < 0 ? "-" : compared.layer(layer)});
        }
        table.rows.push_back(std::move(row));
      }
    }
  table.notes = {
      "ULP: steps from one value of the precision to the next. Bits that remain: leading bits in which all logits "
      "agree,",
      "of 24 (float32), 53 (float64), 8 (bfloat16). Behind a stroke: the number of threads, where it makes a "
      "difference.",
      "The distances of every pair are in the file: differing_images, max_ulp, remaining_bits, label_disagreements,",
      "first_layer; layer_class says by layer who falls together; merge_* and leaf_order are the dendrogram."};
  return table;
}

// A setting's dendrogram in one line: what is in braces has the same bits, numbers are the bits lost where two join.
std::string tree_of(const store::Group& group, const Compared& compared, std::size_t setting) {
  const std::size_t machines = compared.machines(), merges = machines - 1;
  const auto integers = [&](const char* name) { return group.find_variable(name)->numbers().as<std::int32_t>(); };
  const auto first = integers("merge_first"), second = integers("merge_second");
  const auto height = group.find_variable("merge_height")->numbers().as<double>();
  const auto collect = [&](auto&& self, std::size_t cluster, std::vector<std::size_t>& into) -> void {
    if (cluster < machines) {
      into.push_back(cluster);
      return;
    }
    const std::size_t at = setting * merges + cluster - machines;
    self(self, static_cast<std::size_t>(first[at]), into);
    self(self, static_cast<std::size_t>(second[at]), into);
  };
  const auto text = [&](auto&& self, std::size_t cluster) -> std::string {
    const std::size_t at = setting * merges + cluster - machines;
    if (cluster < machines || height[at] == 0) {
      std::vector<std::size_t> members;
      collect(collect, cluster, members);
      std::sort(members.begin(), members.end());
      return "{" + compared.name(members) + "}";
    }
    const auto side = [&](std::int32_t branch) {
      const std::string inner = self(self, static_cast<std::size_t>(branch));
      return inner.front() == '{' && inner.find('}') == inner.size() - 1 ? inner : "(" + inner + ")";
    };
    return side(first[at]) + " " + decimals(height[at], 1) + " " + side(second[at]);
  };
  std::size_t last = merges;  // the last merge that there is holds all machines that answered
  while (last > 0 && first[setting * merges + last - 1] < 0) --last;
  return last == 0 ? "-" : text(text, machines + last - 1);
}

Table dendrogram_table(const store::Group& root, const All& all) {
  Table table{"Dendrogram: average linkage by the bits that are lost", leading_columns(all), {}, {}};
  table.columns.emplace_back("what joins at how many bits");
  for (const auto& [precision, compared] : all) {
    const store::Group& group = *root.child(precision);
    if (group.find_variable("merge_first") == nullptr) continue;
    for (std::size_t setting = 0; setting < compared.settings(); ++setting) {
      auto row = leading_cells(precision, compared, setting);
      row.push_back(tree_of(group, compared, setting));
      table.rows.push_back(std::move(row));
    }
  }
  return table;
}

// "3 to 20", "2".
std::string range_of(const std::vector<std::size_t>& counts) {
  if (counts.empty()) return "-";
  const auto [least, most] = std::minmax_element(counts.begin(), counts.end());
  return *least == *most ? std::to_string(*least) : std::to_string(*least) + " to " + std::to_string(*most);
}

std::vector<std::size_t> class_counts(const Compared& compared) {
  std::vector<std::size_t> counts;
  for (std::size_t setting = 0; setting < compared.settings(); ++setting)
    if (const auto members = compared.members(setting); !members.empty()) counts.push_back(members.size());
  return counts;
}

// Of the environments and settings of a precision, how many change class with the number of threads: "3 of 10".
std::string changes_with_threads(const Compared& compared) {
  std::size_t changed = 0, total = 0;
  for (std::size_t setting = 0; setting < compared.settings(); ++setting)
    for (std::size_t e = 0; e < compared.environments(); ++e) {
      std::set<std::int32_t> numbers;
      for (std::size_t t = 0; t < compared.threads().size(); ++t) numbers.insert(compared.class_of(setting, e, t));
      if (numbers.contains(-1)) continue;
      ++total;
      changed += numbers.size() > 1;
    }
  return std::to_string(changed) + " of " + std::to_string(total);
}

Table follow_up_table(const All& all) {
  const auto there = [](const char* measure) {
    return shortest(published_paper("numerical-deviations").row_of("Raw results", measure).value);
  };
  Table table{"Beside Schloegl, Hofer and Boehme 2023 (TensorFlow 2.5; " + there("machine_configurations") +
                  " machine configurations, " + there("microarchitectures") + " microarchitectures)",
              {"there", "here"},
              {},
              {}};
  for (const auto& [precision, compared] : all) {
    if (precision == "float32")
      table.rows.push_back(
          {"float32: " + there("fewest_classes") + " to " + there("most_classes") + " classes by network",
           "float32: " + range_of(class_counts(compared)) + " classes of " + std::to_string(compared.machines()) +
               " machines"});
    const bool asks_threads = compared.threads().size() > 1;
    if (precision == "float32" && asks_threads)
      table.rows.push_back(
          {"a machine changes class with its core count",
           "with its thread count " + changes_with_threads(compared) + " (by network and batch size)"});
    if (precision == "float64") {
      std::vector<std::size_t> counts;
      for (std::size_t setting = 0; setting < compared.settings(); ++setting)
        for (std::size_t t = 0; t < compared.threads().size(); ++t) {
          std::set<std::int32_t> numbers;
          for (std::size_t e = 0; e < compared.environments(); ++e)
            if (const auto number = compared.class_of(setting, e, t); number >= 0) numbers.insert(number);
          if (!numbers.empty()) counts.push_back(numbers.size());
        }
      table.rows.push_back({"float64: the class depends on the core count only",
                            "float64: " + range_of(counts) + " classes at one thread count" +
                                (asks_threads ? "; changed by it: " + changes_with_threads(compared) : "")});
    }
  }
  table.rows.push_back({"repeated CPU runs were deterministic",
                        "every rank repeated its own bits before it took part; one that does not is set aside"});
  table.notes = {
      "There, at two cores: {Sandy, Ivy Bridge}, {Haswell, Broadwell}, {Rome, Milan}, {Skylake, Cascade Lake}, {Ice "
      "Lake}.",
      "Here, one profile stands for each of these sets (sandybridge, haswell, zen, skylakex): other libraries dispatch "
      "alike."};
  return table;
}

}  // namespace

std::vector<Table> Compare::report(const store::Group& root) const {
  const auto cpus = cpus_of(root);
  std::vector<Table> tables{machines_table(root, cpus)};
  if (const store::Group* train = root.child("train")) tables.push_back(models_table(*train));
  All all;
  std::int64_t images = 0;
  for (const char* precision : precisions)
    if (const store::Group* group = root.child(precision)) {
      all.emplace_back(precision, Compared(*group, cpus));
      images = group->find_dimension("image")->size;
    }
  if (all.empty()) return tables;
  tables.push_back(classes_table(all));
  if (all.front().second.threads().size() > 1) tables.push_back(threads_table(all));
  tables.push_back(distances_table(all, images));
  if (all.front().second.machines() > 1) tables.push_back(dendrogram_table(root, all));
  tables.push_back(follow_up_table(all));
  return tables;
}

}  // namespace telltale::experiments
