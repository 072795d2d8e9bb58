#include "study/published_table.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"

namespace telltale::study {
namespace {

const double nan_value = std::nan("");

PublishedRow row(Json coordinates, double value, const std::string& measure = "accuracy",
                 const std::string& unit = "1") {
  return {"Table 1", measure, std::move(coordinates), value, unit, "", "printed", std::nullopt, ""};
}

store::Variable axis(const std::string& name, const std::vector<double>& labels) {
  return {name, {name}, Array::of<double>({static_cast<std::int64_t>(labels.size())}, labels), {}, std::nullopt};
}

// accuracy(scheme, beta, repeat) of two schemes, two betas, three repeats.
store::Group made_up() {
  store::Group group;
  group.name = "train";
  group.dimensions = {{"scheme", 2}, {"beta", 2}, {"repeat", 3}};
  group.variables = {{"scheme", {"scheme"}, std::vector<std::string>{"new-label", "clean"}, {}, std::nullopt},
                     axis("beta", {0.0035, 0.01}),
                     {"accuracy",
                      {"scheme", "beta", "repeat"},
                      Array::of<double>({2, 2, 3}, std::vector<double>{0.97, 0.98, 0.99, 0.5, nan_value, nan_value,  //
                                                                       nan_value, nan_value, nan_value, 0.9, 0.9, 0.9}),
                      {},
                      std::nullopt},
                     {"steps",
                      {"scheme"},
                      Array::of<std::int64_t>({2}, std::vector<std::int64_t>{12, -1}),
                      {},
                      Array::scalar(std::int64_t{-1})}};
  return group;
}

const Json constants{{"dataset", "mnist"}, {"epochs", "50"}};

TEST(PublishedTable, SetsPaperMeasuredDifferenceAndIntervalSideBySide) {
  const store::Group group = made_up();
  const Table table =
      published_table("Table 1", {row({{"dataset", "mnist"}, {"scheme", "new-label"}, {"beta", 0.0035}}, 0.9794)},
                      ResultsView{group, constants});
  EXPECT_EQ(table.columns,
            (std::vector<std::string>{"measure", "unit", "paper", "measured", "difference", "95% interval", "n"}));
  ASSERT_EQ(table.rows.size(), 1u);
  // Three values 1 point apart: 1 / sqrt(3) times Student's 4.303 to either side.
  EXPECT_EQ(table.rows[0],
            (std::vector<std::string>{"accuracy", "%", "97.94", "98.00", "+0.06", "95.52 to 100.48", "3"}));
  ASSERT_EQ(table.notes.size(), 1u);
  for (const char* said : {"beta 0.0035", "scheme new-label", "dataset mnist", "source Table 1"})
    EXPECT_NE(table.notes[0].find(said), std::string::npos) << table.notes[0];
}

TEST(PublishedTable, NumbersAreComparedAsNumbers) {
  const store::Group group = made_up();
  const ResultsView view{group, constants};
  EXPECT_EQ(view(row({{"scheme", "new-label"}, {"beta", 3.5e-3}, {"epochs", 50}}, 1)).size(), 1u);
  EXPECT_EQ(view(row({{"scheme", "new-label"}, {"beta", "0.00350"}}, 1)).size(), 1u);
  EXPECT_TRUE(view(row({{"scheme", "new-label"}, {"beta", 0.0035001}}, 1)).empty());
  EXPECT_TRUE(view(row({{"scheme", "new-label"}, {"epochs", 51}}, 1)).empty());
}

TEST(PublishedTable, LeavesOutWhatIsNotInTheStudyUnlessAsked) {
  const store::Group group = made_up();
  const std::vector<PublishedRow> rows{row({{"dataset", "cifar-10"}, {"scheme", "new-label"}, {"beta", 0.01}}, 0.8746),
                                       row({{"scheme", "new-label"}, {"beta", 0.01}, {"attack", "pruning"}}, 0.8),
                                       row({{"scheme", "clean"}, {"beta", 0.01}}, 0.5, "unheard_of")};
  EXPECT_TRUE(published_table("t", rows, ResultsView{group, constants}).rows.empty());
  const Table table = published_table("t", rows, ResultsView{group, constants}, NotInStudy::shown);
  ASSERT_EQ(table.rows.size(), 3u);
  const auto& cells = table.rows[0];
  EXPECT_EQ((std::vector<std::string>{cells.end() - 5, cells.end()}),
            (std::vector<std::string>{"87.46", "not in this study", "-", "-", "-"}));
}

TEST(PublishedTable, AMissingMeasurementIsADash) {
  const store::Group group = made_up();
  const Table table =
      published_table("t", {row({{"scheme", "clean"}, {"beta", 0.0035}}, 0.98)}, ResultsView{group, constants});
  ASSERT_EQ(table.rows.size(), 1u);
  EXPECT_EQ(table.rows[0], (std::vector<std::string>{"accuracy", "%", "98.00", "-", "-", "-", "0"}));
}

TEST(PublishedTable, OneRepeatHasNoInterval) {
  const store::Group group = made_up();
  const Table table =
      published_table("t", {row({{"scheme", "new-label"}, {"beta", 0.01}}, 0.6)}, ResultsView{group, constants});
  ASSERT_EQ(table.rows.size(), 1u);
  EXPECT_EQ(table.rows[0], (std::vector<std::string>{"accuracy", "%", "60.00", "50.00", "-10.00", "-", "1"}));
}

// Points are never pooled: that would count one training several times.
TEST(PublishedTable, ADimensionThatThePaperLeavesOpenGivesAPointALabel) {
  const store::Group group = made_up();
  const Table table = published_table("t", {row({{"scheme", "new-label"}}, 0.98)}, ResultsView{group, constants});
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_EQ(table.columns[1], "beta");
  EXPECT_EQ(table.rows[0][1], "0.0035");
  EXPECT_EQ(table.rows[1][1], "0.01");
  EXPECT_EQ(table.rows[1].back(), "1");
}

TEST(PublishedTable, ADimensionWithoutAMeaningIsTakenOnce) {
  const store::Group group = made_up();
  const auto points =
      ResultsView{group, constants}(row({{"scheme", "clean"}, {"beta", nullptr}, {"alpha", nullptr}}, 0.98));
  ASSERT_EQ(points.size(), 1u);
  EXPECT_EQ(points[0].repeats, (std::vector<double>{0.9, 0.9, 0.9})) << "the first label that has values";
}

TEST(PublishedTable, AFreeDimensionIsTheStudysOwn) {
  const store::Group group = made_up();
  const auto points = ResultsView{
      group, constants, {"beta", "search"}}(row({{"scheme", "clean"}, {"beta", 7}, {"search", "code"}}, 0.98));
  ASSERT_EQ(points.size(), 2u);
  EXPECT_EQ(points[0].labels, (std::vector<std::pair<std::string, std::string>>{{"beta", "0.0035"}}));
}

TEST(PublishedTable, OtherUnitsAreWrittenAsTheyAreAndFillValuesAreMissing) {
  const store::Group group = made_up();
  PublishedRow steps = row({{"scheme", "new-label"}}, 10, "steps", "steps");
  steps.bound = "above";
  PublishedRow none = row({{"scheme", "clean"}}, 161.5, "steps", "steps");
  const Table table = published_table("t", {steps, none}, ResultsView{group, constants});
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_EQ(table.rows[0], (std::vector<std::string>{"steps", "new-label", "steps", "> 10", "12", "+2", "-", "1"}));
  EXPECT_EQ(table.rows[1], (std::vector<std::string>{"steps", "clean", "steps", "161.5", "-", "-", "-", "0"}));
}

TEST(PublishedTable, ErrataAreNotesEachOnce) {
  const store::Group group = made_up();
  std::vector<PublishedRow> rows{row({{"scheme", "new-label"}, {"beta", 0.0035}}, 0.98),
                                 row({{"scheme", "new-label"}, {"beta", 0.01}}, 0.98),
                                 row({{"scheme", "clean"}, {"beta", 0.01}}, 0.98)};
  rows[0].erratum = rows[2].erratum = "misprinted";
  rows[1].erratum = "ambiguous";
  const Table table = published_table("t", rows, ResultsView{group, constants});
  ASSERT_EQ(table.notes.size(), 3u);
  EXPECT_EQ(table.notes[1], "[1] misprinted");
  EXPECT_EQ(table.notes[2], "[2] ambiguous");
  EXPECT_EQ(table.rows[0][4], "98.00 [1]");
  EXPECT_EQ(table.rows[1][4], "98.00 [2]");
  EXPECT_EQ(table.rows[2][4], "98.00 [1]");
}

TEST(PublishedTable, SettingsOfOneValueAreConstants) {
  store::Group root;
  root.attributes = {{"dataset", "mnist"},
                     {"settings", R"({"lr-gamma": "0.1", "network": ["dnn-1"], "alpha": ["0.1", "0.2"]})"}};
  EXPECT_EQ(settings_of(root), Json({{"dataset", "mnist"}, {"lr_gamma", "0.1"}, {"network", "dnn-1"}}));
}

TEST(PublishedTable, ANumberIsCitedWithItsErratum) {
  PublishedRow one = row({{"p", 0.8}, {"scheme", nullptr}}, 2, "expected_queries", "queries");
  one.erratum = "It is 1.25.";
  EXPECT_EQ(cited(one), "Table 1: expected_queries 2 queries at p 0.8, scheme -. It is 1.25.");
  EXPECT_EQ(cited(row(Json::object(), 0.705)), "Table 1: accuracy 70.50%.");
}

}  // namespace
}  // namespace telltale::study
