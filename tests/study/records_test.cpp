#include "study/records.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "core/error.h"
#include "core/temporary_directory.h"

namespace telltale::study {
namespace {

class Records : public ::testing::Test {
 protected:
  StudyRecords after(const std::function<void(store::Journal&)>& write) {
    store::Journal journal(path_);
    write(journal);
    journal.flush();
    return read_records(path_);
  }

  static Bytes outcome(const char* task, TaskStatus status, double finished_s = 1) {
    Outcome outcome;
    outcome.identity = Identity::of(task);
    outcome.status = status;
    outcome.finished_s = finished_s;
    return encode(outcome);
  }

  static void append(store::Journal& journal, RecordType type, ByteSpan payload) {
    journal.append(static_cast<std::uint32_t>(type), payload);
  }

  TemporaryDirectory directory_;
  std::string path_ = directory_ / "x.h5.journal";
};

TEST_F(Records, DoneWinsOverFailedInAnyOrder) {
  const StudyRecords records = after([](store::Journal& journal) {
    append(journal, RecordType::outcome, outcome("a", TaskStatus::failed));
    append(journal, RecordType::outcome, outcome("a", TaskStatus::done));
    append(journal, RecordType::outcome, outcome("b", TaskStatus::done, 7));
    append(journal, RecordType::outcome, outcome("b", TaskStatus::failed));
  });
  EXPECT_TRUE(records.is_done(Identity::of("a")));
  EXPECT_TRUE(records.is_done(Identity::of("b")));
  EXPECT_FALSE(records.is_done(Identity::of("c")));
  EXPECT_EQ(records.last_commit_s, 7);
}

TEST_F(Records, ARecordWithoutSenseIsDamage) {
  const StudyRecords records = after([](store::Journal& journal) {
    append(journal, RecordType::outcome, as_bytes("no outcome"));
    append(journal, RecordType::head, as_bytes("{"));
    append(journal, RecordType::head, as_bytes("{\"settings\":{}}"));
  });
  EXPECT_EQ(records.damages.size(), 2u);
  ASSERT_TRUE(records.head);  // the second copy
}

TEST_F(Records, WithoutAJournalThereIsNothingToRead) { EXPECT_THROW(read_records(path_), InputError); }

TEST(StudyPaths, ArtifactsLieBesideTheResults) {
  EXPECT_EQ(StudyPaths{"out/x.h5"}.artifacts(""), "out/artifacts");
  EXPECT_EQ(StudyPaths{"x.h5"}.artifacts(""), "artifacts");
  EXPECT_EQ(StudyPaths{"x.h5"}.artifacts("/shared"), "/shared");
}

TEST(Utc, IsWrittenOut) { EXPECT_EQ(utc_text(0), "1970-01-01 00:00:00 UTC"); }

}  // namespace
}  // namespace telltale::study
