#include "study/products.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "core/temporary_directory.h"
#include "study/ledger.h"

namespace telltale::study {
namespace {

class Products : public ::testing::Test {
 protected:
  Products() {
    for (const char* kind : {"train", "search", "evaluate"})
      plan_.add({.payload = {{"kind", kind}}, .has_artifact = true});
  }

  [[nodiscard]] Identity task(std::size_t index) const { return plan_.tasks[index].identity; }

  void commit(std::size_t index, Bytes artifact) {
    Outcome outcome;
    outcome.identity = task(index);
    if (index == 0)
      outcome.values[model_hash_value] =
          Array::of<std::uint8_t>({32}, std::span<const std::uint8_t>(Identity::of(artifact).bytes()));
    JournalLedger ledger(plan_, journal_, artifacts_, {{"results", "x.h5"}});
    ledger.commit(index, encode(outcome), std::move(artifact));
    ledger.flush();
  }

  [[nodiscard]] ProductCheck check(bool with_notes = true) const {
    StudyRecords records = read_records(directory_ / "x.h5.journal");
    if (!with_notes) records.products.clear();
    return check_products(records, artifacts_);
  }

  void spoil(std::size_t index) const {
    std::fstream file(artifacts_.path_of(product_kind, task(index)), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-1, std::ios::end);
    file.put('!');
  }

  TemporaryDirectory directory_;
  Plan plan_;
  store::Journal journal_{directory_ / "x.h5.journal"};
  store::ArtifactStore artifacts_{directory_ / "artifacts"};
};

TEST_F(Products, EveryKindIsReadAndCounted) {
  commit(0, {1, 2, 3});
  commit(1, {4, 5});
  commit(2, {});
  const ProductCheck found = check();
  EXPECT_TRUE(found.faults.empty());
  EXPECT_EQ(found.whole, (std::map<std::string, std::size_t>{{"search", 1}, {"train", 1}}));
}

TEST_F(Products, ADamagedOneIsNamed) {
  commit(0, {1, 2, 3});
  commit(1, {4, 5});
  spoil(0);
  spoil(1);
  for (const bool with_notes : {true, false}) {
    const ProductCheck found = check(with_notes);
    EXPECT_TRUE(found.whole.empty());
    ASSERT_EQ(found.faults.size(), 2u);
    for (const std::string& fault : found.faults) EXPECT_TRUE(fault.starts_with("damaged    ")) << fault;
  }
}

TEST_F(Products, OneThatIsGoneIsMissing) {
  commit(1, {4, 5});
  artifacts_.remove(product_kind, task(1));
  EXPECT_EQ(check().faults, std::vector<std::string>{"missing    product " + task(1).brief() + " of search"});
  EXPECT_TRUE(check(false).faults.empty()) << "without a note nobody knows that there was one";
}

TEST_F(Products, OneThatIsWholeButAnotherIsDamage) {
  commit(0, {1, 2, 3});
  commit(1, {4, 5});
  Outcome outcome;
  outcome.identity = task(0);
  artifacts_.put(product_kind, task(0), pack_product(encode(outcome), Bytes{1, 2, 4}));
  artifacts_.put(product_kind, task(1), pack_product(encode(outcome), Bytes{4, 5}));
  EXPECT_EQ(check().faults.size(), 2u);
}

TEST_F(Products, AJournalOfAnEarlyVersionIsCheckedForWhatIsThere) {
  commit(0, {1, 2, 3});
  commit(1, {4, 5});
  const ProductCheck found = check(false);
  EXPECT_TRUE(found.faults.empty());
  EXPECT_EQ(found.whole, (std::map<std::string, std::size_t>{{"other tasks", 1}, {"train", 1}}));
}

}  // namespace
}  // namespace telltale::study
