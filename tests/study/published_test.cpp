#include "study/published.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "core/error.h"
#include "study/job.h"
#include "study/keys.h"

namespace telltale::study {
namespace {

std::string paper(const std::string& rows,
                  const std::string& block = R"("table": "Table 1", "unit": "1", "origin": "printed")") {
  return R"({"key": "x", "citation": "A, 2020", "tables": [{)" + block + R"(, "rows": [)" + rows +
         R"(]}], "errata": [{"source": "Sec. 1", "statement": "a", "finding": "b"}]})";
}

void expect_refused(const std::string& text, const std::vector<std::string>& words) {
  try {
    (void)parse_published("x.json", text);
    FAIL() << "accepted: " << text;
  } catch (const Error& error) {
    for (const std::string& word : words)
      EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
  }
}

TEST(Published, ARowSaysMoreThanItsBlockOrOtherwise) {
  const auto read = parse_published(
      "x.json",
      paper(
          R"({"measure": "accuracy", "coordinates": {"alpha": 0.01, "scheme": null}, "value": 0.5},
                         {"measure": "runs", "value": 28, "unit": "runs", "bound": "above", "erratum": "no"})",
          R"("table": "Table 1", "unit": "1", "origin": "printed", "repeats": 50, "coordinates": {"dataset": "mnist"})"));
  ASSERT_EQ(read.rows.size(), 2u);
  EXPECT_EQ(read.rows[0].coordinates, Json({{"dataset", "mnist"}, {"alpha", 0.01}, {"scheme", nullptr}}));
  EXPECT_EQ(read.rows[0].unit, "1");
  EXPECT_EQ(read.rows[1].unit, "runs");
  EXPECT_EQ(read.rows[1].bound, "above");
  EXPECT_EQ(read.rows[1].erratum, "no");
  EXPECT_EQ(read.rows[1].repeats, 50);
  ASSERT_EQ(read.errata.size(), 1u);
  EXPECT_EQ(read.errata[0].finding, "b");
}

TEST(Published, WhatIsWrongIsRefusedWithFileAndRow) {
  const std::string good = R"({"measure": "accuracy", "value": 0.5},)";
  expect_refused("{", {"x.json", "JSON"});
  expect_refused(paper(good + R"({"measure": "accuracy", "coordinates": {"alpha": 1}, "value": 50})"),
                 {"x.json", "Table 1", "row 2", "not between 0 and 1"});
  expect_refused(paper(good + R"({"measure": "accuracy", "value": 0.6})"), {"x.json", "row 2", "twice"});
  expect_refused(paper(good + R"({"measure": "key", "value": "0.6"})"), {"row 2", "no finite value"});
  expect_refused(paper(R"({"measure": "key", "value": null})"), {"row 1", "no finite value"});
  expect_refused(paper(R"({"measure": "key", "valeu": 0.6})"), {"row 1", "unknown key valeu"});
  expect_refused(paper(R"({"value": 0.6})"), {"row 1", "has no measure"});
  expect_refused(paper(R"({"measure": "a", "value": 1, "origin": "guessed"})"), {"row 1", "origin guessed"});
  expect_refused(paper(R"({"measure": "a", "value": 1, "bound": ">"})"), {"row 1", "bound"});
  expect_refused(paper(R"({"measure": "a", "value": 1, "repeats": 0})"), {"row 1", "repeats"});
  expect_refused(paper(R"({"measure": "a", "value": 1, "coordinates": {"Alpha": 1}})"), {"row 1", "Alpha"});
  expect_refused(paper(R"({"measure": "a", "value": 1, "coordinates": {"alpha": [1]}})"), {"row 1", "alpha"});
  expect_refused(paper(R"({"measure": "a", "value": 1, "coordinates": ["alpha"]})"), {"row 1", "coordinates"});
  EXPECT_THROW((void)parse_published("y.json", paper(good.substr(0, good.size() - 1))), Error);
}

TEST(Published, AFindingIsSaidOfEveryNumberThatItNames) {
  const std::string rows = R"({"measure": "accuracy", "coordinates": {"alpha": 1}, "value": 0.5},
                              {"measure": "accuracy", "coordinates": {"alpha": 2}, "value": 0.5},
                              {"measure": "keys", "coordinates": {"alpha": 1}, "value": 0.5})";
  const auto with = [&](const std::string& findings) {
    std::string text = paper(rows);
    text.pop_back();
    return text + R"(, "findings": [)" + findings + "]}";
  };
  const auto read = parse_published("x.json", with(R"({"table": "Table 1", "finding": "all"},
                        {"table": "Table 1", "measure": "accuracy", "coordinates": {"alpha": 1}, "finding": "one"})"));
  EXPECT_EQ(read.rows[0].finding, "all one");
  EXPECT_EQ(read.rows[1].finding, "all");
  EXPECT_EQ(read.rows[2].finding, "all");
  EXPECT_EQ(read.rows[2].number, 2u);
  EXPECT_EQ(read.rows[2].paper, "x");
  expect_refused(with(R"({"table": "Table 2", "finding": "none"})"), {"finding 1", "no such number"});
  expect_refused(with(R"({"table": "Table 1"})"), {"finding 1", "has no finding"});
}

TEST(Published, EveryPaperIsBuiltInAndWhole) {
  std::set<std::string> keys;
  for (const PublishedPaper& one : published_papers()) {
    keys.insert(one.key);
    EXPECT_FALSE(one.rows.empty()) << one.key;
    EXPECT_FALSE(one.citation.empty()) << one.key;
    for (const PublishedRow& row : one.rows) EXPECT_TRUE(std::isfinite(row.value));
  }
  EXPECT_EQ(keys, (std::set<std::string>{"aime", "anti-piracy", "backdoor-watermarks", "boundary-samples", "new-label",
                                         "numerical-deviations"}));
  EXPECT_THROW((void)published_paper("another"), Error);
}

TEST(Published, CoordinatesAreSpelledAsTheStudysAxes) {
  std::set<std::string> known{"dataset"};
  for (const SharedParameter& shared : all_keys()) known.insert(shared.parameter->dimension_name());
  // Of results' dimensions that no key names, and of experiments that are to come.
  for (const char* more : {"target", "pruning_rate", "quantile", "class", "microarchitecture", "p", "tau", "attack",
                           "statistic", "pairs", "transform", "split"})
    known.insert(more);
  for (const PublishedPaper& one : published_papers())
    for (const PublishedRow& row : one.rows)
      for (const auto& [key, value] : row.coordinates.items())
        EXPECT_TRUE(known.contains(key)) << one.key << ", " << row.table << ": " << key;
}

TEST(Published, ChoicesAreSpelledAsTheKeysTakeThem) {
  const std::map<std::string, std::set<std::string>> known{
      {"dataset", {"mnist", "fashion-mnist", "cifar-10", "cifar-100"}},
      {"scheme", {"clean", "new-label", "noise-backdoor", "content", "unrelated", "noise", "aime"}},
      {"network",
       {"resnet-20", "resnet-32", "aime-seq", "aime-cnn", "aime-cnn-rgb", "simple-cnn", "zhang-mnist", "zhang-cifar"}},
      {"search", {"code"}},
      {"grid", {"float"}},
      {"precision", {"float32"}}};
  for (const PublishedPaper& one : published_papers())
    for (const PublishedRow& row : one.rows)
      for (const auto& [key, choices] : known) {
        if (!row.coordinates.contains(key)) continue;
        EXPECT_TRUE(choices.contains(row.coordinates.at(key).get<std::string>()))
            << one.key << ", " << row.table << ": " << row.coordinates;
      }
}

TEST(Published, TheGroupHoldsEveryRowWithItsCoordinates) {
  const auto one = parse_published(
      "x.json", paper(R"({"measure": "accuracy", "coordinates": {"alpha": 0.01, "scheme": "clean"}, "value": 0.5},
                         {"measure": "accuracy", "coordinates": {"quantile": 1}, "value": 0.25, "repeats": 50})"));
  const store::Group group = published_group(std::vector<const PublishedPaper*>{&one});
  EXPECT_EQ(group.name, "published");
  EXPECT_EQ(group.find_dimension("row")->size, 2);
  EXPECT_EQ(group.find_variable("coordinates")->strings()[0], R"({"alpha":0.01,"scheme":"clean"})");
  EXPECT_EQ(group.find_variable("scheme")->strings(), (std::vector<std::string>{"clean", ""}));
  const auto alpha = group.find_variable("alpha")->numbers().as<double>();
  EXPECT_EQ(alpha[0], 0.01);
  EXPECT_TRUE(std::isnan(alpha[1]));
  EXPECT_EQ(group.find_variable("value")->numbers().as<double>()[1], 0.25);
  EXPECT_EQ(group.find_variable("repeats")->numbers().as<double>()[1], 50);
  ASSERT_NE(group.child("errata"), nullptr);
  EXPECT_EQ(group.child("errata")->find_variable("statement")->strings(), std::vector<std::string>{"a"});
  store::Group root;
  root.children = {group, published_group(std::vector<std::string>{})};
  root.children[1].name = "none";
  EXPECT_NO_THROW((void)store::encode_results(root));
}

TEST(Published, OneNumberIsFoundOrRefused) {
  const auto& paper = published_paper("boundary-samples");
  const Json fashion{{"dataset", "fashion-mnist"}};
  EXPECT_EQ(paper.row_of("Table 2", "success_share", fashion).value, 0.705);
  EXPECT_THROW((void)paper.row_of("Table 2", "success_share"), Error) << "two data sets";
  EXPECT_THROW((void)paper.row_of("Table 9", "success_share", fashion), Error);
}

}  // namespace
}  // namespace telltale::study
