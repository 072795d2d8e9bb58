// The groups that studies write, as docs/results-file.md lists them: made by tabulating small studies of which nothing
// has been computed yet.
//
// TELLTALE_UPDATE_DOCS=1 rewrites the page.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>

#include "core/text.h"
#include "experiments/made_up.h"

namespace telltale::experiments {
namespace {

using namespace study;

const std::filesystem::path page = std::filesystem::path(TELLTALE_REPOSITORY) / "docs" / "results-file.md";
constexpr const char* begin_mark = "<!-- groups of experiments: made by tests/experiments/groups_test.cpp -->\n";
constexpr const char* end_mark = "<!-- end of groups -->";

// A small job of each experiment that has every group it can have.
const std::map<std::string, std::string> jobs{
    {"new-label", "prune-rate = 0, 0.5\ntune = ftal\npredict-images = 3\ntwist = yes\n"},
    {"compare", "predict-images = 3\nnetwork = dnn-1\n"},
    {"backdoor",
     "unrelated = glyphs\nunrelated-other-class = 2\nunrelated-class = 1\nprune-rate = 0.5\ntune = ftal\n"
     "show-images = 2\ninvert-from = blank\n"},
    {"aime", "prune-rate = 0.5\ntune = ftal\nkey-length = 5\n"},
    {"anti-piracy",
     "network = simple-cnn\nshow-images = 2\nprune-rate = 0.5\ntune = ftal\ninput-only-attempts = 2\n"
     "pair-attempts = 2\npairs = 20\nregain-labels = 0, 1\nextract-queries = 10\npredict-images = 4\n"
     "fine-prune = 0.5\nquantise-bits = 4\nweight-noise = 0.1\nweight-shift = 1\nsmooth = 3\ninput-noise = 0.1\n"
     "jpeg-quality = 50\n"},
    {"ownership",
     "unrelated = glyphs\nunrelated-other-class = 2\nunrelated-class = 1\nkey-length = 5\nprune-rate = 0.5\ntune = "
     "ftal\n"
     "fine-prune = 0.5\nquantise-bits = 4\nweight-noise = 0.1\nweight-shift = 1\noverwrite-keys = 10\n"
     "extract-queries = 10\nadaptive-extract-queries = 10\nscratch-images = 10\ncombine = fine-tune+prune\nremove-class = extra\nsmooth = 3\ninput-noise = 0.1\n"
     "jpeg-quality = 50\nreject-images = 10\ndecoys = 9\nnull-models = 2\nfalse-claims = answers\n"
     "machines-prune-rate = 0.5\n"},
    {"boundary", "images = 2\nsteps = yes\n"},
    {"empty", "tasks = 2\n"}};

std::vector<store::Group> groups_of(const Experiment& experiment) {
  const std::string images = experiment.needs_data() ? "train-images = 200\ntest-images = 50\n" : "";
  const Job job = Job::parse("experiment = " + experiment.name() + "\n" + images + jobs.at(experiment.name()), "x.ini");
  std::optional<data::Dataset> data;
  if (experiment.needs_data()) data = made_up_data(job);
  const World world;
  const Environments environments = made_up_environments(world, experiment.subjects(job, nullptr));
  const Binding binding{"bound", 0};
  const data::OtherData others = made_up_other_data(job);
  const StudyInputs inputs{job, data ? &*data : nullptr, others, environments, binding};
  return experiment.tabulate(inputs, experiment.plan(inputs), [](std::size_t) { return nullptr; });
}

std::string type_of(const store::Variable& variable) {
  if (std::holds_alternative<std::vector<std::string>>(variable.data)) return "text";
  switch (variable.numbers().dtype) {
    case DType::float32: return "float32";
    case DType::float64: return "float64";
    case DType::int32: return "int32";
    case DType::int64: return "int64";
    case DType::uint8: return "uint8";
  }
  return "";
}

std::string attribute(const std::vector<store::Attribute>& attributes, const std::string& name) {
  for (const store::Attribute& one : attributes)
    if (one.name == name) return std::get<std::string>(one.value);
  return "";
}

std::string text_of(const std::string& experiment, const store::Group& group) {
  std::string text = "#### `" + group.name + "` of experiment `" + experiment + "`\n\n" +
                     attribute(group.attributes, "description") + ".\n\n" +
                     "| variable | dimensions | type | holds |\n| --- | --- | --- | --- |\n";
  for (const store::Variable& variable : group.variables) {
    if (group.find_dimension(variable.name) != nullptr) continue;  // a coordinate, told by its dimension
    const std::string units = attribute(variable.attributes, "units");
    text += "| `" + variable.name + "` | " + joined(variable.dimensions) + " | " + type_of(variable) + " | " +
            attribute(variable.attributes, "long_name") + (units.empty() || units == "1" ? "" : " (" + units + ")") +
            " |\n";
  }
  return text + "\n";
}

TEST(Groups, ThePageListsWhatStudiesWrite) {
  std::string expected;
  for (const auto& experiment : all_experiments())
    for (const store::Group& group : groups_of(*experiment)) expected += text_of(experiment->name(), group);

  std::ostringstream text;
  text << std::ifstream(page).rdbuf();
  std::string all = text.str();
  const auto begin = all.find(begin_mark), end = all.find(end_mark);
  ASSERT_NE(begin, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  const auto first = begin + std::string(begin_mark).size();
  if (std::getenv("TELLTALE_UPDATE_DOCS") != nullptr) {
    std::ofstream(page) << all.substr(0, first) << "\n" << expected << all.substr(end);
    return;
  }
  EXPECT_EQ(all.substr(first, end - first), "\n" + expected) << "run again with TELLTALE_UPDATE_DOCS=1";
}

// Nothing has been computed: every value is missing, and nothing fails on the way into a file and a report.
TEST(Groups, OpenTasksLeaveFillValues) {
  for (const auto& experiment : all_experiments()) {
    store::Group root;
    root.children = groups_of(*experiment);
    root.children.push_back(
        {"environments",
         {},
         {{"environment", 1}},
         {texts("environment", {"environment"}, {"haswell"}, ""), texts("profile", {"environment"}, {"haswell"}, ""),
          texts("identity", {"environment"}, {std::string(64, '0')}, "")},
         {}});
    for (const store::Group& group : root.children)
      EXPECT_NO_THROW(static_cast<void>(store::encode_results({"", {}, {}, {}, {group}}))) << group.name;
    EXPECT_NO_THROW(static_cast<void>(experiment->report(root))) << experiment->name();
  }
}

TEST(Groups, HaveADescriptionAndEveryVariableSaysWhatItHolds) {
  for (const auto& experiment : all_experiments())
    for (const store::Group& group : groups_of(*experiment)) {
      EXPECT_NE(attribute(group.attributes, "description"), "") << group.name;
      for (const store::Variable& variable : group.variables)
        EXPECT_NE(attribute(variable.attributes, "long_name"), "") << group.name << "/" << variable.name;
    }
}

}  // namespace
}  // namespace telltale::experiments
