// The journal: the append-only, durable record from which everything else is rebuilt. docs/journal.md has the layout,
// and why two writers of one journal lose nothing.
//
// Reading never trusts a byte: what a checksum does not cover is not accepted, what is damaged is named and skipped,
// and everything else is found again at the next sync marker.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/bytes.h"

namespace telltale::store {

struct Record {
  std::uint32_t type;      ///< what the payload is: the caller's business
  std::uint64_t sequence;  ///< 1 for the first record of a journal, and rising by one
  std::uint64_t offset;    ///< of the record in the file
  ByteSpan payload;        ///< into the scanned bytes
};

struct Damage {
  std::uint64_t offset;
  std::uint64_t length;  ///< 0 where whole records are gone without leaving bytes behind
  std::string what;
};

/// What a journal holds. [valid_end, end of file) is the torn tail: the unfinished last write of a run that was killed,
/// or of one that is writing now. It was never reported as durable, and is no damage.
struct Scan {
  std::vector<Record> records;
  std::vector<Damage> damages;
  std::uint64_t valid_end = 0;
  bool torn_tail = false;
  std::uint64_t last_sequence = 0;       ///< the highest one seen, of damaged records too
  std::uint32_t epoch = 0;               ///< how often the journal was claimed: by each writer that opened it
  std::string owner;                     ///< who claimed it last; empty: nobody ever did
  std::uint64_t fenced = 0;              ///< records of writers that had lost the journal by then: not accepted
  std::shared_ptr<const Bytes> storage;  ///< what the payloads lie in, where the scan owns it
};

/// Scans a journal in memory; the payloads lie in `bytes`. Never throws on damage, whatever the bytes are.
Scan scan(ByteSpan bytes);

/// Reads a journal, also while another process appends to it. Throws Error if the file cannot be read, InputError if
/// it is no journal at all.
Scan read_journal(const std::string& path);

struct JournalOptions {
  bool fsync = true;  ///< false only to measure what durability costs: a power cut then loses what was "durable"
};

/// Another run has taken the journal over: this one's writing has ended, and nothing it still had was reported durable.
class JournalTakenOver : public Error {
 public:
  using Error::Error;
};

/// Appends records, many at a time: a thread of its own takes what has gathered, writes it at once, and calls
/// fdatasync once. append(), durable() and flush() may be called from any thread.
///
/// One Journal a file: the caller holds a RunLock. Where that does not hold back another writer (locks that do not
/// reach the other node), the one that opened the journal last has it: the other finds that out at its next commit, or
/// within about a second, and fails with JournalTakenOver.
class Journal {
 public:
  /// Opens or creates `path` and claims it; a torn tail and damaged records stay where they are, and are skipped.
  /// `found`, if given, receives what the file held. Throws InputError if the file cannot be opened for writing, is no
  /// journal, or is claimed by another run in the same moment.
  explicit Journal(const std::string& path, JournalOptions options = {}, Scan* found = nullptr);
  /// Writes what is pending; what the disk refuses then is lost, so call flush() first to know.
  ~Journal();
  Journal(Journal&&) noexcept;
  Journal& operator=(Journal&&) noexcept;

  /// Takes a copy of `payload` and returns its ticket, the record's sequence number, without waiting for the disk.
  /// `before` runs in the committing thread before the record is written: what it makes durable is there whenever the
  /// record is. If it throws, the journal has failed. Throws Error once the journal has failed.
  std::uint64_t append(std::uint32_t type, ByteSpan payload, std::function<void()> before = {});

  /// Every ticket up to this one is on disk. Throws Error, naming the file and the reason, once the disk has refused a
  /// write: nothing more is written then, and the file is whole up to the last durable record.
  [[nodiscard]] std::uint64_t durable() const;

  /// Returns when every ticket given out is on disk; throws as durable() does.
  void flush();

  /// Median seconds from append() to durable over all records (within 5%); 0 before the first.
  [[nodiscard]] double median_commit_s() const;
  /// How many group commits there were.
  [[nodiscard]] std::uint64_t commits() const;

 private:
  class Committer;
  std::unique_ptr<Committer> committer_;
};

}  // namespace telltale::store
