#include "store/journal_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <random>

#include "core/log.h"
#include "core/process.h"
#include "store/journal_format.h"
#include "store/lock.h"

namespace telltale::store {
namespace {

FileDescriptor open_to_append(const std::string& path) {
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666));
  if (!file.valid()) throw InputError(refusal("open the journal", path, errno));
  return file;
}

Bytes read_between(int fd, std::uint64_t begin, std::uint64_t end, const std::string& path) {
  Bytes bytes(end - begin);
  bytes.resize(read_at(fd, bytes, begin, path));
  return bytes;
}

// Two processes on hosts of the same name may have the same pid: their claims still differ.
std::string unmistakable_self() {
  std::random_device random;
  return fmt::format("{} [{:08x}{:08x}]", describe_this_process(), random(), random());
}

}  // namespace

JournalFile::JournalFile(std::string path, Scan& found) : path_(std::move(path)), file_(open_to_append(path_)) {
  claim(found);
}

// The claim is written behind whatever is there. Which of several claims of one moment counts is decided by their order
// in the file, which all of them read back.
void JournalFile::claim(Scan& found) {
  const std::uint64_t size = file_size(file_.get(), path_);
  found = scan_content(read_between(file_.get(), 0, size, path_), path_);
  epoch_ = found.epoch + 1;
  const std::string self = unmistakable_self();
  ByteWriter writer;
  if (found.valid_end == 0) writer.raw(as_bytes(journal_magic));
  writer.raw(encode_record({.type = claim_type, .epoch = epoch_, .sequence = found.last_sequence}, as_bytes(self)));
  const std::uint64_t begin = append_to(file_.get(), writer.bytes(), path_);
  sync_file(file_.get(), path_);
  sync_directory(directory_of(path_));
  end_ = file_size(file_.get(), path_);
  if (begin == size && end_ == size + writer.bytes().size()) return;

  found = scan_content(read_between(file_.get(), 0, end_, path_), path_);
  if (found.owner != self)
    throw InputError(fmt::format("another run ({}) has just begun to write {}", found.owner, path_));
}

void JournalFile::append(ByteSpan records, bool fsync) {
  check_owner();
  const std::uint64_t expected_end = end_ + records.size();
  const std::uint64_t begin = append_to(file_.get(), records, path_);
  // Never retried after a refusal: the kernel may have dropped the pages it could not write, and say yes the next time.
  while (fsync && ::fdatasync(file_.get()) != 0)
    if (errno != EINTR) throw Error(refusal("write", path_, errno));
  // Looked at behind the write, so that what is reported durable stands before any later claim.
  const std::uint64_t now = file_size(file_.get(), path_);
  if (begin != end_ || now != expected_end) examine_foreign(end_, now);
  end_ = now;
}

void JournalFile::check_owner() {
  const std::uint64_t now = file_size(file_.get(), path_);
  if (now == end_) return;
  examine_foreign(end_, now);
  end_ = now;
}

// A writer that had lost the journal to this one may still have written behind the claim: readers skip that.
void JournalFile::examine_foreign(std::uint64_t begin, std::uint64_t end) {
  if (end < begin) throw Error(path_ + " has become shorter: another program has changed it");
  if (const auto owner = claim_above(epoch_, read_between(file_.get(), begin, end, path_)))
    throw JournalTakenOver(fmt::format("another run ({}) has taken over {}: this one ends", *owner, path_));
  log::warn("{}: a run that had lost it wrote to it once more, which does not count", path_);
}

}  // namespace telltale::store
