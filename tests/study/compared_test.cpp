#include "study/compared.h"

#include <gtest/gtest.h>

#include <cmath>

#include "study/published.h"

namespace telltale::study {
namespace {

Comparison comparison(const std::string& paper, std::size_t number, const std::string& unit, double measured) {
  Comparison one;
  one.paper = paper;
  one.number = number;
  one.setting = "prune_scope global";
  one.unit = unit;
  one.measured = measured;
  one.low = one.high = std::nan("");
  one.repeats = 1;
  one.reasons = {"An erratum.", "A finding."};
  return one;
}

store::Group root_of(const std::vector<std::string>& papers) {
  store::Group root, run;
  run.name = "run";
  root.children = {published_group(papers), run};
  return root;
}

TEST(Compared, EveryComparisonStandsBesideItsRowAndWallTimesApart) {
  const std::vector<std::string> papers{"new-label", "aime"};
  store::Group root = root_of(papers);
  Table table;
  table.comparisons = {comparison("aime", 2, "1", 0.5), comparison("new-label", 0, "1", 0.25),
                       comparison("aime", 0, "s", 80)};
  add_compared(root, {Table{}, table}, papers);
  const store::Group* compared = root.child("published")->child("compared");
  ASSERT_NE(compared, nullptr);
  const auto rows = compared->find_variable("row")->numbers().as<std::int64_t>();
  const auto of_new_label = static_cast<std::int64_t>(published_paper("new-label").rows.size());
  EXPECT_EQ((std::vector<std::int64_t>{rows[0], rows[1]}), (std::vector<std::int64_t>{of_new_label + 2, 0}));
  EXPECT_EQ(root.child("published")->find_variable("paper")->strings()[static_cast<std::size_t>(rows[0])], "aime");
  EXPECT_EQ(compared->find_variable("measured")->numbers().as<double>()[1], 0.25);
  EXPECT_EQ(compared->find_variable("reason")->strings()[0], "An erratum. A finding.");
  const store::Group* times = root.child("run")->child("compared");
  ASSERT_NE(times, nullptr);
  EXPECT_EQ(times->find_dimension("comparison")->size, 1);
  EXPECT_NO_THROW((void)store::encode_results(root));
}

TEST(Compared, NothingComparedIsNoGroup) {
  store::Group root = root_of({"aime"});
  add_compared(root, {Table{}}, {"aime"});
  EXPECT_EQ(root.child("published")->child("compared"), nullptr);
  EXPECT_EQ(root.child("run")->child("compared"), nullptr);
}

}  // namespace
}  // namespace telltale::study
