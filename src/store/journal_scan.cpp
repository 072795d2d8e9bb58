#include <algorithm>
#include <cstring>
#include <optional>

#include "core/posix.h"
#include "store/journal.h"
#include "store/journal_format.h"

namespace telltale::store {
namespace {

// The header at `offset`, if there is a whole one and its hash is right.
std::optional<RecordHeader> header_at(ByteSpan bytes, std::uint64_t offset) {
  if (bytes.size() - offset < sizeof(RecordHeader)) return std::nullopt;
  RecordHeader header;
  std::memcpy(&header, bytes.data() + offset, sizeof header);
  if (header.sync != sync_marker || header_hash_of(header) != header.header_hash) return std::nullopt;
  return header;
}

bool fits(const RecordHeader& header, ByteSpan bytes, std::uint64_t offset) {
  return header.length <= bytes.size() - offset - sizeof(RecordHeader);
}

// The next offset from `from` on where a valid header stands; the end of `bytes` if there is none.
std::uint64_t resynchronise(ByteSpan bytes, std::uint64_t from) {
  const std::string_view text = as_text(bytes);
  const std::string_view marker = as_text(sync_marker);
  for (std::size_t at = text.find(marker, from); at != std::string_view::npos; at = text.find(marker, at + 1))
    if (header_at(bytes, at)) return at;
  return bytes.size();
}

// True if the bytes from `offset` on can be the beginning of a record that was being written.
bool unfinished(ByteSpan bytes, std::uint64_t offset) {
  const ByteSpan rest = bytes.subspan(offset);
  const std::size_t compared = std::min(rest.size(), sync_marker.size());
  if (!std::equal(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(compared), sync_marker.begin()))
    return false;
  if (rest.size() < sizeof(RecordHeader)) return true;
  const auto header = header_at(bytes, offset);
  return header && !fits(*header, bytes, offset);
}

std::string name_records(std::uint64_t first, std::uint64_t last) {
  if (first == last) return "record " + std::to_string(first);
  return "records " + std::to_string(first) + " to " + std::to_string(last);
}

class Scanner {
 public:
  explicit Scanner(ByteSpan bytes) : bytes_(bytes) {}

  Scan run() {
    if (bytes_.size() < journal_magic.size() && as_text(bytes_) == journal_magic.substr(0, bytes_.size())) {
      scan_.torn_tail = !bytes_.empty();
      return std::move(scan_);
    }
    std::uint64_t offset = read_magic();
    while (offset < bytes_.size()) {
      const auto header = header_at(bytes_, offset);
      if (header && fits(*header, bytes_, offset)) {
        offset = read_record(*header, offset);
        continue;
      }
      const std::uint64_t next = resynchronise(bytes_, offset + 1);
      if (next == bytes_.size() && unfinished(bytes_, offset)) break;
      if (header) {
        note_sequence(header->sequence, offset);
        report(offset, next, "record " + std::to_string(header->sequence) + " is cut short");
      } else {
        report(offset, next, "unreadable bytes");
        unreadable_ = scan_.damages.size();
      }
      offset = next;
    }
    scan_.valid_end = offset;
    scan_.torn_tail = offset < bytes_.size();
    return std::move(scan_);
  }

 private:
  // The offset of the first record.
  std::uint64_t read_magic() {
    const std::size_t present = std::min(bytes_.size(), journal_magic.size());
    if (as_text(bytes_.first(present)) == journal_magic) return present;
    if (header_at(bytes_, 0)) {
      report(0, 0, "the journal's first line is gone");
      return 0;
    }
    report(0, present, "the journal's first line is damaged");
    return present;
  }

  // Takes or refuses the record at `offset`; returns where the next one should stand.
  std::uint64_t read_record(const RecordHeader& header, std::uint64_t offset) {
    const ByteSpan payload = bytes_.subspan(offset + sizeof header, header.length);
    const std::uint64_t end = offset + sizeof header + header.length;
    const std::string record = "record " + std::to_string(header.sequence);
    if (hash_of(payload) != header.payload_hash) {
      // The length is trusted only if a record, a torn one, or the end stands where it points.
      const bool length_confirmed = end == bytes_.size() || header_at(bytes_, end) || unfinished(bytes_, end);
      const std::uint64_t next = length_confirmed ? end : resynchronise(bytes_, offset + sizeof header);
      note_sequence(header.sequence, offset);
      report(offset, next, record + " is damaged");
      return next;
    }
    if (header.sequence <= scan_.last_sequence) {
      report(offset, end, record + " stands after record " + std::to_string(scan_.last_sequence));
    } else if (header.flags != 0) {
      note_sequence(header.sequence, offset);
      report(offset, end, record + " is of a later version of the format");
    } else {
      note_sequence(header.sequence, offset);
      scan_.records.push_back({header.type, header.sequence, offset, payload});
    }
    return end;
  }

  // Names the sequence numbers that were skipped: with the unreadable bytes they were lost in, if there are any.
  void note_sequence(std::uint64_t sequence, std::uint64_t offset) {
    const std::uint64_t expected = scan_.last_sequence + 1;
    if (sequence < expected) return;
    if (sequence > expected) {
      const std::string lost = name_records(expected, sequence - 1);
      if (unreadable_ > 0)
        scan_.damages[unreadable_ - 1].what += ", with " + lost + " lost in them";
      else
        report(offset, offset, lost + " missing");
    }
    scan_.last_sequence = sequence;
    unreadable_ = 0;
  }

  void report(std::uint64_t begin, std::uint64_t end, std::string what) {
    scan_.damages.push_back({begin, end - begin, std::move(what)});
  }

  ByteSpan bytes_;
  Scan scan_;
  std::size_t unreadable_ = 0;  ///< 1 + index of the last unreadable damage since the last known sequence; 0 if none
};

// A file that is damaged is still a journal; one that shows neither first line nor record never was.
void refuse_stranger(const Scan& found, ByteSpan bytes, const std::string& path) {
  const bool known_start =
      as_text(bytes.first(std::min(bytes.size(), journal_magic.size()))) == journal_magic.substr(0, bytes.size());
  if (!known_start && found.last_sequence == 0)
    throw InputError(path + " is no journal that this version of telltale can read");
}

}  // namespace

Scan scan(ByteSpan bytes) { return Scanner(bytes).run(); }

Scan scan_content(Bytes content, const std::string& path) {
  auto storage = std::make_shared<const Bytes>(std::move(content));
  Scan found = scan(*storage);
  refuse_stranger(found, *storage, path);
  found.storage = std::move(storage);
  return found;
}

Scan read_journal(const std::string& path) { return scan_content(read_file(path), path); }

}  // namespace telltale::store
