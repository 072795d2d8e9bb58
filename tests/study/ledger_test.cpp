#include "study/ledger.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "core/error.h"
#include "core/outcome.h"
#include "core/posix.h"
#include "core/temporary_directory.h"
#include "study/records.h"

namespace telltale::study {
namespace {

class Ledger : public ::testing::Test {
 protected:
  Ledger() {
    plan_.add({.identity = {}, .stage = "train", .payload = {{"kind", "train"}, {"n", 1}}, .has_artifact = true});
    outcome_.identity = task();
  }
  [[nodiscard]] const Identity& task() const { return plan_.tasks.front().identity; }

  TemporaryDirectory directory_;
  Plan plan_;
  Outcome outcome_;
  store::Journal journal_{directory_ / "x.h5.journal"};
  store::ArtifactStore artifacts_{directory_ / "artifacts"};
  JournalLedger ledger_{plan_, journal_, artifacts_};
};

TEST_F(Ledger, ACommittedProductCanBeFetchedAtOnce) {
  ledger_.commit(0, encode(outcome_), Bytes{1, 2, 3});
  const auto artifact = ledger_.artifact(task());
  ASSERT_TRUE(artifact);
  EXPECT_EQ(*artifact, (Bytes{1, 2, 3}));
}

TEST_F(Ledger, WhatIsDurableIsInTheJournal) {
  const auto ticket = ledger_.commit(0, encode(outcome_), {});
  ledger_.flush();
  EXPECT_GE(ledger_.durable(), ticket);
  EXPECT_TRUE(read_records(directory_ / "x.h5.journal").is_done(task()));
}

TEST_F(Ledger, ACheckpointGoesWhenItsTaskIsDone) {
  ledger_.save_checkpoint(task(), Bytes{9});
  EXPECT_EQ(ledger_.checkpoint(task()), Bytes{9});
  ledger_.commit(0, encode(outcome_), Bytes{1});
  ledger_.flush();
  EXPECT_FALSE(ledger_.checkpoint(task()));
}

TEST_F(Ledger, AProductIsDescribedAndNoted) {
  JournalLedger ledger(plan_, journal_, artifacts_, {{"results", "x.h5"}, {"title", "Gr\xf6\xdf"}});
  outcome_.values[model_hash_value] = Array::of<std::uint8_t>({32}, Bytes(32, 0xab));
  ledger.commit(0, encode(outcome_), Bytes{1, 2, 3});
  ledger.flush();
  const Json card = Json::parse(as_text(read_file(artifacts_.description_path(product_kind, task()))));
  EXPECT_EQ(card.at("file"), "products-" + task().hex());
  EXPECT_EQ(card.at("kind"), "train");
  EXPECT_EQ(card.at("payload"), plan_.tasks.front().payload);
  EXPECT_EQ(card.at("made_by").at("results"), "x.h5");
  EXPECT_EQ(card.at("model_sha256"), Identity::from_bytes(Bytes(32, 0xab)).hex());
  const StudyRecords records = read_records(directory_ / "x.h5.journal");
  EXPECT_EQ(records.products.at(task()).kind, "train");
  EXPECT_EQ(records.products.at(task()).bytes, 3u);
}

TEST_F(Ledger, AProductOfAnotherStudyIsTakenOver) {
  EXPECT_FALSE(ledger_.take_over(0));
  artifacts_.put(product_kind, task(), pack_product(encode(outcome_), Bytes{1, 2, 3}));
  EXPECT_TRUE(ledger_.take_over(0));
  ledger_.flush();
  const StudyRecords records = read_records(directory_ / "x.h5.journal");
  EXPECT_TRUE(records.is_done(task()));
  EXPECT_EQ(records.products.at(task()).bytes, 3u);
  EXPECT_TRUE(std::filesystem::exists(artifacts_.description_path(product_kind, task())));
}

TEST_F(Ledger, AProductOfAnotherTaskIsNotTakenOver) {
  outcome_.identity = Identity::of("other");
  artifacts_.put(product_kind, task(), pack_product(encode(outcome_), Bytes{1, 2, 3}));
  EXPECT_FALSE(ledger_.take_over(0));
}

TEST_F(Ledger, AnUnknownProductIsMissing) { EXPECT_EQ(ledger_.artifact(Identity::of("other")), nullptr); }

TEST(Product, ReadsBackAndRefusesCuts) {
  const Bytes packed = pack_product(Bytes{1, 2}, Bytes{3});
  EXPECT_EQ(unpack_product(packed).artifact[0], 3);
  EXPECT_THROW(unpack_product(ByteSpan(packed).first(packed.size() - 1)), Error);
}

}  // namespace
}  // namespace telltale::study
