// The file of a journal that this process claimed: only ever appended to, and given up when another process claims it.
#pragma once

#include <memory>
#include <string>

#include "core/posix.h"
#include "store/journal.h"

namespace telltale::store {

class JournalFile {
 public:
  /// Opens or creates `path` and claims it: durable when it returns. `found` receives what the file held before that.
  /// Throws InputError as Journal does, Error for anything else.
  JournalFile(std::string path, Scan& found);

  /// The epoch of this claim.
  [[nodiscard]] std::uint32_t epoch() const { return epoch_; }

  /// Appends whole records; durable when it returns, if `fsync`. Throws JournalTakenOver if the journal is another's by
  /// then; Error if the disk refuses. After either, a part of a record may stand at the file's end: whoever claims the
  /// journal next writes behind it.
  void append(ByteSpan records, bool fsync);

  /// Throws JournalTakenOver if another process has claimed the journal since this one did.
  void check_owner();

 private:
  void claim(Scan& found);
  void examine_foreign(std::uint64_t begin, std::uint64_t end);

  std::string path_;
  FileDescriptor file_;
  std::uint32_t epoch_ = 0;
  std::uint64_t end_ = 0;  ///< up to where the file is known
};

}  // namespace telltale::store
