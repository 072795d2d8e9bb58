#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "experiments/made_up_results.h"
#include "experiments/ownership/ownership.h"

namespace telltale::experiments {
namespace {

// Two schemes (one is the clean network), both ways of embedding, two alphas, two repeats. Test accuracies are alike
// everywhere; the keys of alpha 0.1 are answered always or half of the time.
store::Group both_ways() {
  const Labels dimensions{"scheme", "embed", "alpha", "repeat"};
  store::Group train;
  train.name = "train";
  train.dimensions = {{"scheme", 2}, {"embed", 2}, {"alpha", 2}, {"repeat", 2}};
  train.variables = {
      labels_of("scheme", "scheme", {"new-label", "clean"}),
      labels_of("embed", "embed", {"joint", "tune"}),
      numbers_of("alpha", {"alpha"}, {2}, {0.1, 0.2}),
      numbers_of("accuracy", dimensions, {2, 2, 2, 2}, std::vector<double>(16, 0.9)),
      numbers_of("key_accuracy", dimensions, {2, 2, 2, 2},
                 {1.0, 1.0, 0.97, 0.99, 0.5, 0.5, 0.97, 0.98, 0, 0, 0, 0, 0, 0, 0, 0}),
      // Each marked network is its own, the clean one of a repeat stands in every cell of it.
      {"model_task",
       dimensions,
       Labels{"j0", "j1", "j2", "j3", "t0", "t1", "t2", "t3", "c0", "c1", "c0", "c1", "c0", "c1", "c0", "c1"},
       {},
       std::nullopt}};
  store::Group root;
  root.children = {train};
  add_made_up_tasks(root, {"j0", "j1", "j2", "j3", "t0", "t1", "t2", "t3", "c0", "c1"},
                    {50, 50, 50, 50, 5, 5, 5, 5, 10, 10});
  return root;
}

TEST(EmbeddingTable, CountsTheCasesThatAgreeAndTheSecondsOfEveryTrainingOnce) {
  const store::Group root = both_ways();
  const std::optional<study::Table> table = embedding_table(root);
  ASSERT_TRUE(table);
  ASSERT_EQ(table->rows.size(), 1u);
  EXPECT_EQ(cell(*table, "scheme"), "new-label");
  EXPECT_EQ(cell(*table, "test accuracies agree"), "2 of 2");
  EXPECT_EQ(cell(*table, "key accuracies agree"), "1 of 2");
  EXPECT_EQ(cell(*table, "both"), "1 of 2");
  EXPECT_EQ(cell(*table, "both within a point"), "1 of 2");
  EXPECT_EQ(cell(*table, "keys furthest apart, points"), "-50.00");
  EXPECT_EQ(cell(*table, "in the case"), "alpha 0.1");
  EXPECT_EQ(cell(*table, "joint, s"), "200.0");
  EXPECT_EQ(cell(*table, "tune, s"), "20.0");
  EXPECT_EQ(cell(*table, "clean, s"), "20.0");
  EXPECT_EQ(cell(*table, "joint / (clean + tune)"), "5.0");
}

TEST(EmbeddingTable, OfOneRepeatNothingIsSaidOfAgreement) {
  store::Group root = both_ways();
  for (store::Variable& variable : root.children[0].variables) {
    if (variable.name != "key_accuracy") continue;
    std::vector<double> values;
    for (std::size_t i = 0; i < 16; ++i) values.push_back(i % 2 == 0 ? 0.5 : std::nan(""));  // of the first repeat
    variable.data = Array::of<double>({2, 2, 2, 2}, values);
  }
  EXPECT_EQ(cell(embedding_table(root).value(), "both"), "0 of 0");
}

TEST(EmbeddingTable, IsNotThereWhereOneWayWasTaken) {
  store::Group root = both_ways();
  EXPECT_FALSE(embedding_table(store::Group{}));
  root.children[0].dimensions[1].size = 1;
  EXPECT_FALSE(embedding_table(root));
}

}  // namespace
}  // namespace telltale::experiments
