// The page of evidence: what counts as agreeing, and as far.
#include "study/page.h"

#include <gtest/gtest.h>

#include <cmath>

#include "study/published.h"
#include "study/published_table.h"

namespace telltale::study {
namespace {

Comparison share(double published, double measured, double half_width, std::size_t repeats = 3) {
  Comparison one{"aime", 0, "Table IV", "", "Table IV, accuracy", true, "1", published, measured};
  one.low = measured - half_width;
  one.high = measured + half_width;
  one.repeats = repeats;
  return one;
}

TEST(Page, ANumberInsideOurIntervalAgreesHoweverWideItIs) {
  EXPECT_TRUE(agrees(share(0.99, 0.90, 0.2)));
  EXPECT_FALSE(is_far(share(0.99, 0.90, 0.2)));
  EXPECT_FALSE(agrees(share(0.99, 0.98, 0.005)));
  EXPECT_FALSE(is_far(share(0.99, 0.98, 0.005))) << "one point off is near";
  EXPECT_TRUE(is_far(share(0.99, 0.95, 0.005)));
}

TEST(Page, OneRepeatHasNoIntervalAndNeverAgrees) {
  EXPECT_FALSE(agrees(share(0.99, 0.99, std::nan(""), 1)));
  EXPECT_TRUE(is_far(share(0.99, 0.9, std::nan(""), 1)));
}

TEST(Page, SecondsBoundsAndWhatWasNotMeasuredAreNeverFar) {
  Comparison seconds = share(100, 1, 0.1);
  seconds.unit = "s";
  seconds.is_share = false;
  Comparison bound = share(0.5, 0.9, 0.01);
  bound.is_bound = true;
  for (const Comparison& one : {seconds, bound, share(0.99, std::nan(""), std::nan(""), 0)}) {
    EXPECT_FALSE(is_comparable(one));
    EXPECT_FALSE(is_far(one));
  }
}

TEST(Page, NumbersThatAreNoSharesMayBeATenthOff) {
  Comparison queries = share(40, 37, 1);
  queries.unit = "queries";
  queries.is_share = false;
  EXPECT_FALSE(is_far(queries));
  queries.measured = 30;
  queries.low = 29, queries.high = 31;
  EXPECT_TRUE(is_far(queries));
}

// Two cells of one table under two settings: the second fits better, and the second cell tells them apart.
TEST(Page, NamesTheSettingThatFitsWithTheCellThatDecides) {
  std::vector<Comparison> all;
  const auto add = [&](const char* setting, const char* cell, double measured) {
    Comparison one = share(0.99, measured, 0.001);
    one.number = all.size() % 2;
    one.setting = setting;
    one.what = std::string(cell) + setting;
    all.push_back(one);
  };
  add("rate 0.1", "easy: ", 0.98), add("rate 0.1", "hard: ", 0.5);
  add("rate 0.01", "easy: ", 0.97), add("rate 0.01", "hard: ", 0.96);
  const std::vector<Fit> fits = fits_of(all);
  ASSERT_EQ(fits.size(), 2u);
  EXPECT_EQ(fits[0].setting, "rate 0.01");
  EXPECT_NEAR(fits[0].mean_difference, 0.025, 1e-12);
  EXPECT_EQ(fits[0].cells, 2u);
  EXPECT_EQ(fits[1].setting, "rate 0.1");
  ASSERT_NE(fits[1].decides, nullptr);
  EXPECT_EQ(fits[1].decides->what, "hard: rate 0.1");
}

TEST(Page, WhereNothingIsLeftOpenNoSettingIsNamed) {
  EXPECT_TRUE(fits_of({share(0.99, 0.98, 0.001), share(0.99, 0.97, 0.001)}).empty());
}

// A group with accuracy(repeat).
store::Group three_repeats() {
  store::Group group;
  group.name = "train";
  group.dimensions = {{"repeat", 3}};
  group.variables = {
      {"accuracy", {"repeat"}, Array::of<double>({3}, std::vector<double>{0.97, 0.98, 0.99}), {}, std::nullopt}};
  return group;
}

TEST(Page, TablesSayWhatTheyCompareWithErratumAndFinding) {
  PublishedRow row{"Table 1", "accuracy", {{"scheme", "clean"}}, 0.95, "1", "", "printed", std::nullopt, "a misprint"};
  row.finding = "fewer epochs";
  row.paper = "aime";
  row.number = 7;
  const store::Group group = three_repeats();
  const Table table = published_table("Table 1", {row}, ResultsView{group, {{"scheme", "clean"}}});
  ASSERT_EQ(table.comparisons.size(), 1u);
  const Comparison& one = table.comparisons.front();
  EXPECT_EQ(one.what, "Table 1, accuracy: scheme clean");
  EXPECT_EQ(one.paper, "aime");
  EXPECT_EQ(one.number, 7u);
  EXPECT_EQ(one.published, 0.95);
  EXPECT_NEAR(one.measured, 0.98, 1e-12);
  EXPECT_LT(one.low, 0.97);
  EXPECT_EQ(one.repeats, 3u);
  EXPECT_EQ(one.reasons, (std::vector<std::string>{"a misprint", "fewer epochs"}));
}

TEST(Page, WithoutStudiesEveryPublishedNumberIsOpen) {
  const Pages pages = reproduction_pages({}, {});
  for (const PublishedPaper& paper : published_papers())
    EXPECT_NE(pages.overview.find(paper.citation), std::string::npos);
  EXPECT_EQ(pages.overview.find("Not counted"), std::string::npos);
}

TEST(Page, AStudyWhoseResultsAreGoneIsNamedAndNotCounted) {
  const Pages pages = reproduction_pages({}, {"aime-mnist"});
  EXPECT_NE(pages.overview.find("## Not counted here"), std::string::npos);
  EXPECT_NE(pages.overview.find("[aime-mnist](reproduction/aime-mnist.md)"), std::string::npos);
}

TEST(Page, WhatNoPaperMeasuredIsGatheredFromAllStudies) {
  const auto table = [](const char* title, bool is_beyond, const char* cell) {
    Table made{title, {"scheme"}, {{cell}}, {"A note."}};
    made.is_beyond_papers = is_beyond;
    return made;
  };
  Table wider = table("Claims", true, "aime");
  wider.columns.emplace_back("test %"), wider.rows.front().emplace_back("97");
  const std::vector<Table> gathered =
      beyond_papers({{"mnist", {table("Claims", true, "noise"), table("Pruning", false, "x")}},
                     {"cifar-10", {table("Claims", true, "content")}},
                     {"wide", {wider}},
                     {"empty", {Table{"Claims", {"scheme"}, {}, {}}}}});
  ASSERT_EQ(gathered.size(), 2u);
  EXPECT_EQ(gathered[0].columns, (std::vector<std::string>{"study", "scheme"}));
  EXPECT_EQ(gathered[0].rows,
            (std::vector<std::vector<std::string>>{{"[mnist](reproduction/mnist.md)", "noise"},
                                                   {"[cifar-10](reproduction/cifar-10.md)", "content"}}));
  EXPECT_EQ(gathered[0].notes, std::vector<std::string>{"A note."}) << "once";
  EXPECT_EQ(gathered[1].columns.back(), "test %") << "what has other columns stands by itself";
}

}  // namespace
}  // namespace telltale::study
