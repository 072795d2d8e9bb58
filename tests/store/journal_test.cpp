// All that a journal promises, on real files and with real processes. Longer than other files: cases share the records, the
// writers and the ways to tear a file that stand at its beginning.
#include "store/journal.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/temporary_directory.h"
#include "small_disk.h"

namespace telltale::store {
namespace {

constexpr std::size_t magic_bytes = 16, header_bytes = 48;

struct Given {
  std::uint32_t type;
  Bytes payload;
};

// Records as docs/journal.md describes them, encoded by a second, independent writer.
Bytes encode_record(std::uint32_t type, std::uint64_t sequence, ByteSpan payload, std::uint64_t length,
                    std::uint32_t epoch = 0) {
  ByteWriter writer;
  for (const int byte : {0xd4, 0x54, 0x4c, 0x54, 0x8a, 0x52, 0x0d, 0xf6}) writer.put(static_cast<std::uint8_t>(byte));
  writer.put(type).put(epoch).put(sequence).put(length);
  writer.put<std::uint64_t>(XXH3_64bits(payload.data(), payload.size()));
  writer.put<std::uint64_t>(XXH3_64bits(writer.bytes().data(), writer.bytes().size()));
  return writer.raw(payload).take();
}

// As a writer takes a journal over whose last record is `sequence`.
Bytes encode_claim(std::uint32_t epoch, std::uint64_t sequence, std::string_view owner) {
  return encode_record(0xffffffff, sequence, as_bytes(owner), owner.size(), epoch);
}

constexpr std::string_view first_line = "TELLTALE-JRNL 1\n";

// Of a version from before claims: every journal of it is still read.
Bytes encode_journal(const std::vector<Given>& records) {
  ByteWriter writer;
  writer.raw(as_bytes(first_line));
  std::uint64_t sequence = 0;
  for (const Given& record : records)
    writer.raw(encode_record(record.type, ++sequence, record.payload, record.payload.size()));
  return writer.take();
}

// Payloads of many sizes, none among them, and one that holds sync markers.
std::vector<Given> varied_records() {
  std::vector<Given> records;
  for (const std::size_t size : {0u, 1u, 7u, 48u, 300u, 1u, 0u, 2000u, 64u, 500u, 3u}) {
    Bytes payload(size);
    for (std::size_t i = 0; i < size; ++i) payload[i] = static_cast<std::uint8_t>(i * 37 + size);
    records.push_back({static_cast<std::uint32_t>(records.size() % 3), std::move(payload)});
  }
  Bytes& markers = records[4].payload;
  const Bytes marker = encode_record(0, 0, {}, 0);
  std::copy_n(marker.begin(), 8, markers.begin() + 100);
  std::copy_n(marker.begin(), 8, markers.begin() + 104);
  return records;
}

std::vector<std::uint64_t> boundaries_of(const std::vector<Given>& records) {
  std::vector<std::uint64_t> boundaries{magic_bytes};
  for (const Given& record : records) boundaries.push_back(boundaries.back() + header_bytes + record.payload.size());
  return boundaries;
}

bool is_record(const Record& found, const std::vector<Given>& given, std::size_t index) {
  return found.sequence == index + 1 && found.type == given[index].type &&
         std::equal(found.payload.begin(), found.payload.end(), given[index].payload.begin(),
                    given[index].payload.end());
}

void write_bytes(const std::string& path, ByteSpan bytes) { std::ofstream(path, std::ios::binary) << as_text(bytes); }

std::vector<std::string> texts_of(const Scan& found) {
  std::vector<std::string> texts;
  for (const Record& record : found.records) texts.emplace_back(as_text(record.payload));
  return texts;
}

using Texts = std::vector<std::string>;

TEST(Journal, GivesBackWhatWasAppendedAndGoesOnAfterReopening) {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.journal";
  {
    Journal journal(path);
    EXPECT_EQ(journal.durable(), 0u);
    EXPECT_EQ(journal.append(7, as_bytes("one")), 1u);
    EXPECT_EQ(journal.append(8, as_bytes("")), 2u);
    journal.flush();
    EXPECT_EQ(journal.durable(), 2u);
  }
  Scan found;
  {
    Journal journal(path, {}, &found);
    EXPECT_EQ(texts_of(found), (Texts{"one", ""}));
    EXPECT_EQ(journal.durable(), 2u);
    EXPECT_EQ(journal.append(9, as_bytes("three")), 3u);
  }
  found = read_journal(path);
  EXPECT_EQ(texts_of(found), (Texts{"one", "", "three"}));
  EXPECT_EQ(found.records[0].type, 7u);
  EXPECT_EQ(found.records[2].type, 9u);
  EXPECT_EQ(found.records[2].sequence, 3u);
  EXPECT_TRUE(found.damages.empty());
  EXPECT_FALSE(found.torn_tail);
}

TEST(Journal, IsLaidOutAsDocumented) {
  const TemporaryDirectory directory;
  const std::vector<Given> records = varied_records();
  {
    Journal journal(directory / "x.journal");
    for (const Given& record : records) journal.append(record.type, record.payload);
  }
  const Scan found = read_journal(directory / "x.journal");
  EXPECT_NE(found.owner.find("pid " + std::to_string(::getpid()) + " on host "), std::string::npos) << found.owner;
  ByteWriter writer;
  writer.raw(as_bytes(first_line)).raw(encode_claim(1, 0, found.owner));
  std::uint64_t sequence = 0;
  for (const Given& record : records)
    writer.raw(encode_record(record.type, ++sequence, record.payload, record.payload.size(), 1));
  EXPECT_EQ(*found.storage, writer.bytes());
}

TEST(Journal, CutAtEveryByteKeepsEveryWholeRecord) {
  const std::vector<Given> records = varied_records();
  const Bytes whole = encode_journal(records);
  const std::vector<std::uint64_t> boundaries = boundaries_of(records);
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const Scan found = scan(ByteSpan(whole).first(size));
    const std::size_t kept =
        static_cast<std::size_t>(std::upper_bound(boundaries.begin(), boundaries.end(), size) - boundaries.begin());
    ASSERT_EQ(found.records.size(), kept == 0 ? 0 : kept - 1) << size;
    for (std::size_t i = 0; i < found.records.size(); ++i) ASSERT_TRUE(is_record(found.records[i], records, i)) << size;
    ASSERT_TRUE(found.damages.empty()) << size << ": " << found.damages.front().what;
    ASSERT_EQ(found.valid_end, kept == 0 ? 0 : boundaries[kept - 1]) << size;
    ASSERT_EQ(found.torn_tail, found.valid_end != size) << size;
  }
}

TEST(Journal, AppendsAfterATornTailCutAtEveryByteOfIt) {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.journal";
  const Bytes whole = encode_journal({{1, {1, 2}}, {1, {3, 4, 5}}});
  const std::size_t second = magic_bytes + header_bytes + 2;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    write_bytes(path, ByteSpan(whole).first(size));
    { Journal(path, {.fsync = false}).append(1, as_bytes("next")); }
    const Scan found = read_journal(path);
    const std::size_t survivors = size >= second ? 1 : 0;
    ASSERT_EQ(found.records.size(), survivors + 1) << size;
    ASSERT_EQ(found.records.back().sequence, survivors + 1) << size;
    ASSERT_EQ(as_text(found.records.back().payload), "next") << size;
    ASSERT_TRUE(found.damages.empty()) << size;
    ASSERT_FALSE(found.torn_tail) << size;
  }
}

TEST(Journal, EveryFlippedBitCostsOnlyTheRecordItIsInAndIsReported) {
  const std::vector<Given> records = varied_records();
  Bytes bytes = encode_journal(records);
  const std::vector<std::uint64_t> boundaries = boundaries_of(records);
  ASSERT_LE(bytes.size(), 64u * 1024);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    // Index of the record that holds `at`; records.size() for the first line, which belongs to none.
    const std::size_t touched =
        at < magic_bytes ? records.size()
                         : static_cast<std::size_t>(std::upper_bound(boundaries.begin(), boundaries.end(), at) -
                                                    boundaries.begin() - 1);
    for (int bit = 0; bit < 8; ++bit) {
      bytes[at] ^= static_cast<std::uint8_t>(1 << bit);
      const Scan found = scan(bytes);
      std::size_t next = 0;
      for (std::size_t i = 0; i < records.size(); ++i) {
        if (i == touched) continue;
        ASSERT_LT(next, found.records.size()) << "record " << i + 1 << " lost to bit " << bit << " of byte " << at;
        ASSERT_TRUE(is_record(found.records[next++], records, i)) << "bit " << bit << " of byte " << at;
      }
      ASSERT_EQ(next, found.records.size()) << "bit " << bit << " of byte " << at;
      ASSERT_EQ(found.damages.size(), 1u) << "bit " << bit << " of byte " << at;
      ASSERT_LE(found.damages[0].offset, at);
      ASSERT_GT(found.damages[0].offset + found.damages[0].length, at);
      ASSERT_FALSE(found.torn_tail) << "bit " << bit << " of byte " << at;
      bytes[at] ^= static_cast<std::uint8_t>(1 << bit);
    }
  }
}

TEST(Journal, NamesTheRecordThatADamageCost) {
  Bytes bytes = encode_journal({{1, {1}}, {1, {2}}, {1, {3}}, {1, {4}}});
  bytes[magic_bytes + header_bytes + 1] ^= 1;            // the marker of record 2
  bytes[magic_bytes + 3 * (header_bytes + 1) - 1] ^= 1;  // the payload of record 3
  const Scan found = scan(bytes);
  ASSERT_EQ(found.damages.size(), 2u);
  EXPECT_EQ(found.damages[0].what, "unreadable bytes, with record 2 lost in them");
  EXPECT_EQ(found.damages[1].what, "record 3 is damaged");
  EXPECT_EQ(found.records.size(), 2u);
}

TEST(Journal, NamesRecordsThatAreGoneWithoutATrace) {
  const std::vector<Given> records{{1, {1}}, {1, {2}}, {1, {3}}, {1, {4}}};
  Bytes bytes = encode_journal(records);
  const auto boundary = [&](std::size_t i) { return bytes.begin() + static_cast<long>(boundaries_of(records)[i]); };
  bytes.erase(boundary(1), boundary(3));
  const Scan found = scan(bytes);
  ASSERT_EQ(found.damages.size(), 1u);
  EXPECT_EQ(found.damages[0].what, "records 2 to 3 missing");
  EXPECT_EQ(found.damages[0].length, 0u);
  EXPECT_EQ(found.records.size(), 2u);
}

TEST(Journal, ALyingLengthHidesNoLaterRecord) {
  const Bytes payload{1, 2, 3};
  for (const std::uint64_t length :
       {std::uint64_t{0}, std::uint64_t{2}, std::uint64_t{40}, std::uint64_t{1} << 20, UINT64_MAX - 47, UINT64_MAX}) {
    ByteWriter writer;
    writer.raw(encode_journal({{1, {9}}})).raw(encode_record(1, 2, payload, length));
    writer.raw(encode_record(1, 3, payload, payload.size())).raw(encode_record(1, 4, payload, payload.size()));
    const Scan found = scan(writer.bytes());
    ASSERT_EQ(found.records.size(), 3u) << length;
    EXPECT_EQ(found.records[1].sequence, 3u) << length;
    EXPECT_EQ(found.records[2].sequence, 4u) << length;
    EXPECT_FALSE(found.damages.empty()) << length;
  }
}

TEST(Journal, KeepsDamageInTheMiddleWhereItIs) {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.journal";
  Bytes bytes = encode_journal({{1, {1}}, {1, {2}}, {1, {3}}});
  bytes[magic_bytes + header_bytes + 1 + header_bytes] ^= 1;  // the payload of record 2
  write_bytes(path, bytes);
  { Journal(path).append(1, as_bytes("4")); }
  const Scan found = read_journal(path);
  EXPECT_EQ(found.records.size(), 3u);
  EXPECT_EQ(found.records.back().sequence, 4u);
  EXPECT_EQ(found.damages.size(), 1u);
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), found.storage->begin()));
}

TEST(Journal, ADamagedLastRecordIsNoTornTail) {
  Bytes bytes = encode_journal({{1, {1}}, {1, {2}}});
  bytes.back() ^= 1;
  const Scan found = scan(bytes);
  EXPECT_FALSE(found.torn_tail);
  ASSERT_EQ(found.damages.size(), 1u);
  EXPECT_EQ(found.damages[0].what, "record 2 is damaged");
  EXPECT_EQ(found.last_sequence, 2u) << "its number is not given out again";
}

TEST(Journal, RefusesAFileThatIsNoJournal) {
  const TemporaryDirectory directory;
  const std::string path = directory / "notes.txt";
  write_bytes(path, as_bytes("some text that someone still needs"));
  EXPECT_THROW(Journal{path}, InputError);
  EXPECT_THROW(read_journal(path), InputError);
  EXPECT_EQ(std::filesystem::file_size(path), 34u);
  EXPECT_THROW(read_journal(directory / "absent"), Error);
  EXPECT_THROW(Journal{directory / "absent/x.journal"}, InputError);
}

TEST(Journal, CommitsManyRecordsWithFewWrites) {
  const TemporaryDirectory directory;
  constexpr std::uint64_t count = 20000;
  Journal journal(directory / "x.journal");
  const Bytes payload(200, 1);
  for (std::uint64_t i = 0; i < count; ++i) journal.append(1, payload);
  journal.flush();
  EXPECT_EQ(journal.durable(), count);
  EXPECT_GE(journal.commits(), 1u);
  EXPECT_LT(journal.commits(), count / 4);
  EXPECT_EQ(read_journal(directory / "x.journal").records.size(), count);
}

TEST(Journal, MeasuresTheTimeFromAppendToDurable) {
  const TemporaryDirectory directory;
  Journal journal(directory / "x.journal");
  EXPECT_EQ(journal.median_commit_s(), 0);
  for (int i = 0; i < 3; ++i) {
    journal.append(1, {}, [] { std::this_thread::sleep_for(std::chrono::milliseconds(20)); });
    journal.flush();
  }
  EXPECT_GT(journal.median_commit_s(), 0.019);
  EXPECT_LT(journal.median_commit_s(), 60.0);
}

TEST(Journal, TakesRecordsFromSeveralThreads) {
  const TemporaryDirectory directory;
  Journal journal(directory / "x.journal");
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) journal.append(t, Bytes(static_cast<std::size_t>(i % 50), 1));
    });
  for (std::thread& thread : threads) thread.join();
  journal.flush();
  const Scan found = read_journal(directory / "x.journal");
  EXPECT_EQ(found.records.size(), 2000u);
  EXPECT_TRUE(found.damages.empty());
}

TEST(Journal, CanBeReadWhileItIsWritten) {
  const TemporaryDirectory directory;
  Journal journal(directory / "x.journal");
  std::size_t seen = 0;
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 20; ++i) journal.append(1, Bytes(1000, 7));
    const Scan found = read_journal(directory / "x.journal");
    ASSERT_TRUE(found.damages.empty()) << found.damages.front().what;
    ASSERT_GE(found.records.size(), seen);
    seen = found.records.size();
  }
}

TEST(Journal, RunsWhatMustComeFirstBeforeTheRecordIsThere) {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.journal";
  Journal journal(path);
  std::size_t there_before = 99;
  journal.append(1, as_bytes("names a part"), [&] { there_before = read_journal(path).records.size(); });
  journal.flush();
  EXPECT_EQ(there_before, 0u);
  EXPECT_EQ(read_journal(path).records.size(), 1u);
}

TEST(Journal, WritesNoRecordWhosePreparationFailed) {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.journal";
  Journal journal(path);
  journal.append(1, as_bytes("names a part"), [] { throw Error("cannot write the part"); });
  EXPECT_THROW(journal.flush(), Error);
  EXPECT_THROW(static_cast<void>(journal.durable()), Error);
  EXPECT_THROW(journal.append(1, {}), Error);
  EXPECT_TRUE(read_journal(path).records.empty());
}

TEST(Journal, AKilledWriterLosesNothingThatWasDurable) {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.journal";
  std::uint64_t durable = 0;
  for (int round = 0; round < 10; ++round) {
    int report[2];
    ASSERT_EQ(::pipe(report), 0);
    const pid_t writer = ::fork();
    if (writer == 0) {
      Journal journal(path);
      for (;;) {
        for (int i = 0; i < 20; ++i) journal.append(1, Bytes(700, 7));
        const std::uint64_t reached = journal.durable();
        if (::write(report[1], &reached, sizeof reached) != sizeof reached) ::_exit(1);
      }
    }
    ::close(report[1]);
    const std::uint64_t before = durable;
    while (durable < before + 40)
      ASSERT_EQ(::read(report[0], &durable, sizeof durable), static_cast<ssize_t>(sizeof durable));
    ::kill(writer, SIGKILL);
    ::waitpid(writer, nullptr, 0);
    ::close(report[0]);
    const Scan found = read_journal(path);
    ASSERT_TRUE(found.damages.empty()) << found.damages.front().what;
    ASSERT_GE(found.records.size(), durable);
    durable = found.records.size();
  }
}

TEST(Journal, AFullDiskLosesNothingCommittedAndLeavesAWholeFile) {
  const SmallDisk disk;
  if (!disk.mounted()) GTEST_SKIP() << disk.why_not();
  const std::string path = disk / "x.journal";
  std::uint64_t committed = 0;
  {
    Journal journal(path);
    disk.fill(12 * 1024);
    std::string refusal;
    try {
      for (;;) {
        journal.append(1, Bytes(1000, 7));
        journal.flush();
        committed = journal.durable();
      }
    } catch (const Error& error) {
      refusal = error.what();
    }
    EXPECT_EQ(refusal, "cannot write " + path + ": No space left on device");
    EXPECT_THROW(static_cast<void>(journal.durable()), Error);
  }
  EXPECT_GE(committed, 10u);
  Scan found = read_journal(path);
  EXPECT_EQ(found.records.size(), committed);
  EXPECT_TRUE(found.damages.empty()) << "at most a torn tail";

  disk.free();
  Journal journal(path);
  EXPECT_EQ(journal.append(1, as_bytes("after")), committed + 1);
  journal.flush();
  EXPECT_EQ(read_journal(path).records.size(), committed + 1);
}

TEST(Journal, TheWriterThatOpenedItLastHasIt) {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.journal";
  Journal first(path);
  first.append(1, as_bytes("of the first"));
  first.flush();
  Scan found;
  Journal second(path, {}, &found);
  EXPECT_EQ(texts_of(found), (Texts{"of the first"}));
  second.append(1, as_bytes("of the second"));
  second.flush();
  first.append(1, as_bytes("too late"));
  try {
    first.flush();
    FAIL() << "two writers have one journal";
  } catch (const JournalTakenOver& loss) {
    const std::string message = loss.what();
    EXPECT_NE(message.find("another run (pid " + std::to_string(::getpid())), std::string::npos) << message;
    EXPECT_NE(message.find(") has taken over " + path), std::string::npos) << message;
  }
  EXPECT_THROW(static_cast<void>(first.durable()), JournalTakenOver);
  second.append(1, as_bytes("of the second again"));
  second.flush();
  found = read_journal(path);
  EXPECT_EQ(texts_of(found), (Texts{"of the first", "of the second", "of the second again"}));
  EXPECT_TRUE(found.damages.empty());
}

TEST(Journal, AWriterWithNothingToWriteFindsOutThatItHasLostIt) {
  const TemporaryDirectory directory;
  const Journal first(directory / "x.journal");
  const Journal second(directory / "x.journal");
  const auto safety_net = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  const auto lost = [&first] {
    try {
      static_cast<void>(first.durable());
      return false;
    } catch (const JournalTakenOver&) {
      return true;
    }
  };
  while (!lost()) {
    ASSERT_LT(std::chrono::steady_clock::now(), safety_net);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_NO_THROW(static_cast<void>(second.durable()));
}

TEST(Journal, WhatALoserWritesBehindTheClaimDoesNotCount) {
  const Bytes payload{1, 2, 3};
  ByteWriter writer;
  writer.raw(as_bytes(first_line)).raw(encode_claim(1, 0, "a")).raw(encode_record(1, 1, payload, 3, 1));
  writer.raw(encode_claim(2, 1, "b"));
  writer.raw(encode_record(1, 2, payload, 3, 1))
      .raw(encode_record(2, 2, payload, 3, 2))
      .raw(encode_record(1, 3, payload, 3, 1));
  const Scan found = scan(writer.bytes());
  ASSERT_EQ(found.records.size(), 2u);
  EXPECT_EQ(found.records[1].type, 2u);
  EXPECT_EQ(found.fenced, 2u);
  EXPECT_EQ(found.epoch, 2u);
  EXPECT_EQ(found.owner, "b");
  EXPECT_TRUE(found.damages.empty()) << found.damages.front().what;
}

// Killed while it wrote a record; the next one, while it claimed; then one that went on.
TEST(Journal, TornRecordsAndTornClaimsBehindEachOtherAreNoDamage) {
  const Bytes payload{1, 2, 3};
  ByteWriter begun;
  begun.raw(as_bytes(first_line)).raw(encode_claim(1, 0, "a")).raw(encode_record(1, 1, payload, 3, 1));
  const Bytes record = encode_record(1, 2, Bytes(70, 5), 70, 1), claim = encode_claim(2, 1, "somebody on some host");
  for (std::size_t of_record = 0; of_record < record.size(); ++of_record) {
    for (std::size_t of_claim = 0; of_claim < claim.size(); ++of_claim) {
      ByteWriter writer;
      writer.raw(begun.bytes()).raw(ByteSpan(record).first(of_record)).raw(ByteSpan(claim).first(of_claim));
      writer.raw(encode_claim(2, 1, "b")).raw(encode_record(1, 2, payload, 3, 2));
      const Scan found = scan(writer.bytes());
      ASSERT_EQ(found.records.size(), 2u) << of_record << ", " << of_claim;
      ASSERT_EQ(found.owner, "b") << of_record << ", " << of_claim;
      ASSERT_TRUE(found.damages.empty()) << of_record << ", " << of_claim << ": " << found.damages.front().what;
    }
  }
}

TEST(Journal, OfClaimsOfOneMomentTheFirstCounts) {
  ByteWriter writer;
  writer.raw(as_bytes(first_line)).raw(encode_claim(1, 0, "a")).raw(as_bytes(first_line)).raw(encode_claim(1, 0, "b"));
  const Scan found = scan(writer.bytes());
  EXPECT_EQ(found.owner, "a");
  EXPECT_TRUE(found.damages.empty()) << found.damages.front().what;
}

TEST(Journal, NamesRecordsThatAreGoneFromTheEndOfAnEarlierStart) {
  ByteWriter writer;
  writer.raw(as_bytes(first_line))
      .raw(encode_claim(1, 0, "a"))
      .raw(encode_record(1, 1, {}, 0, 1))
      .raw(encode_claim(2, 3, "b"));
  const Scan found = scan(writer.bytes());
  ASSERT_EQ(found.damages.size(), 1u);
  EXPECT_EQ(found.damages[0].what, "records 2 to 3 missing");
  EXPECT_EQ(found.last_sequence, 3u);
}

// Real processes that fight for one journal without any lock: each says what it was told is durable.
TEST(Journal, WritersThatTakeItFromEachOtherLoseNothingThatWasDurable) {
  const TemporaryDirectory directory;
  const std::string path = directory / "x.journal";
  constexpr int writers = 4;
  constexpr std::uint32_t starts = 15, records_a_start = 200;
  int report[2];
  ASSERT_EQ(::pipe(report), 0);
  std::vector<pid_t> processes;
  for (std::uint32_t writer = 0; writer < writers; ++writer) {
    processes.push_back(::fork());
    if (processes.back() != 0) continue;
    ::close(report[0]);
    for (std::uint32_t start = 0; start < starts; ++start) {
      try {
        Journal journal(path);
        for (std::uint32_t i = 0; i < records_a_start; ++i) {
          const std::uint32_t name = (writer * starts + start) * records_a_start + i;
          journal.append(name, Bytes(50, 7));
          if (i % 10 != 9) continue;
          journal.flush();
          for (std::uint32_t told = name - 9; told <= name; ++told)
            if (::write(report[1], &told, sizeof told) != sizeof told) ::_exit(1);
        }
      } catch (const JournalTakenOver&) {
      } catch (const InputError&) {  // claimed in the same moment as another
      }
    }
    ::_exit(0);
  }
  ::close(report[1]);
  std::vector<std::uint32_t> durable;
  for (std::uint32_t name; ::read(report[0], &name, sizeof name) == sizeof name;) durable.push_back(name);
  ::close(report[0]);
  for (const pid_t process : processes) {
    int status = 0;
    ::waitpid(process, &status, 0);
    EXPECT_EQ(status, 0);
  }
  const Scan found = read_journal(path);
  EXPECT_TRUE(found.damages.empty()) << found.damages.front().what;
  EXPECT_GT(found.epoch, 1u);
  std::vector<std::uint32_t> names;
  for (const Record& record : found.records) names.push_back(record.type);
  std::sort(names.begin(), names.end());
  std::sort(durable.begin(), durable.end());
  EXPECT_FALSE(durable.empty());
  EXPECT_TRUE(std::includes(names.begin(), names.end(), durable.begin(), durable.end()));
}

TEST(Journal, AReadOnlyDiskIsRefusedByName) {
  const SmallDisk disk;
  if (!disk.mounted()) GTEST_SKIP() << disk.why_not();
  ASSERT_TRUE(disk.make_read_only());
  try {
    Journal journal(disk / "x.journal");
    FAIL() << "a journal was created on a read-only disk";
  } catch (const InputError& error) {
    EXPECT_EQ(std::string(error.what()), "cannot open the journal " + (disk / "x.journal") + ": Read-only file system");
  }
}

}  // namespace
}  // namespace telltale::store
