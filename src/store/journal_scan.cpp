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

// True if `rest` can be the beginning of a record that was being written.
bool unfinished(ByteSpan rest) {
  const std::size_t compared = std::min(rest.size(), sync_marker.size());
  if (!std::equal(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(compared), sync_marker.begin()))
    return false;
  if (rest.size() < sizeof(RecordHeader)) return true;
  const auto header = header_at(rest, 0);
  return header && !fits(*header, rest, 0);
}

// True if these bytes can be what killed writers left, one behind the other: beginnings of records and of claims.
bool all_unfinished(ByteSpan bytes) {
  constexpr std::size_t most_pieces = 64;  // else something else lies here
  const std::string_view text = as_text(bytes), marker = as_text(sync_marker);
  std::vector<std::size_t> begins{0};
  for (std::size_t b = 0; b < begins.size() && begins.size() < most_pieces; ++b) {
    const std::size_t begin = begins[b];
    if (unfinished(bytes.subspan(begin))) return true;
    for (std::size_t next = begin + 1; (next = text.find(marker.front(), next)) != std::string_view::npos; ++next)
      if (unfinished(bytes.subspan(next).first(std::min(marker.size(), bytes.size() - next))) &&
          unfinished(bytes.subspan(begin, next - begin)) && begins.size() < most_pieces)
        begins.push_back(next);
  }
  return false;
}

bool is_claim(ByteSpan bytes, std::uint64_t offset) {
  const auto header = offset < bytes.size() ? header_at(bytes, offset) : std::nullopt;
  return header && header->type == claim_type;
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
      if (begins_with_magic(offset)) {  // of a writer that began the same journal in the same moment
        offset += journal_magic.size();
        continue;
      }
      const std::uint64_t next = resynchronise(bytes_, offset + 1);
      if (next == bytes_.size() && unfinished(bytes_.subspan(offset))) break;
      if (is_torn(offset, next)) {
        // Left by a killed writer, or one that had lost the journal: the next one claimed it behind that.
      } else if (header) {
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
  [[nodiscard]] bool begins_with_magic(std::uint64_t offset) const {
    return as_text(bytes_.subspan(offset)).starts_with(journal_magic);
  }

  // What lies there is the torn tail of its writer: the beginning of a record, and then a claim.
  [[nodiscard]] bool is_torn(std::uint64_t begin, std::uint64_t end) const {
    return is_claim(bytes_, end) && all_unfinished(bytes_.subspan(begin, end - begin));
  }

  // The offset of the first record.
  std::uint64_t read_magic() {
    // A first writer may have been killed inside this line.
    const std::size_t line =
        as_text(bytes_.first(std::min(bytes_.size(), 2 * journal_magic.size()))).find(journal_magic);
    if (line != std::string_view::npos && as_text(bytes_.first(line)) == journal_magic.substr(0, line))
      return line + journal_magic.size();
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
      if (const std::uint64_t behind = resynchronise(bytes_, offset + sizeof header); is_torn(offset, behind))
        return behind;
      // The length is trusted only if a record, a torn one, or the end stands where it points.
      const bool length_confirmed = end == bytes_.size() || header_at(bytes_, end) || unfinished(bytes_.subspan(end));
      const std::uint64_t next = length_confirmed ? end : resynchronise(bytes_, offset + sizeof header);
      note_sequence(header.sequence, offset);
      report(offset, next, record + " is damaged");
      return next;
    }
    if (header.type == claim_type) {
      read_claim(header, offset, payload);
    } else if (header.epoch < scan_.epoch) {
      ++scan_.fenced;
    } else if (header.sequence <= scan_.last_sequence) {
      report(offset, end, record + " stands after record " + std::to_string(scan_.last_sequence));
    } else {
      note_sequence(header.sequence, offset);
      scan_.epoch = header.epoch;  // higher only where a claim was lost
      scan_.records.push_back({header.type, header.sequence, offset, payload});
    }
    return end;
  }

  void read_claim(const RecordHeader& header, std::uint64_t offset, ByteSpan payload) {
    if (header.epoch <= scan_.epoch) return;  // in the same moment as another, which came first
    scan_.epoch = header.epoch;
    scan_.owner = as_text(payload);
    if (header.sequence > scan_.last_sequence) {
      note_sequence(header.sequence + 1, offset);
      scan_.last_sequence = header.sequence;
    }
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

Bytes encode_record(RecordHeader header, ByteSpan payload) {
  header.sync = sync_marker;
  header.length = payload.size();
  header.payload_hash = hash_of(payload);
  header.header_hash = header_hash_of(header);
  return ByteWriter().raw({reinterpret_cast<const std::uint8_t*>(&header), sizeof header}).raw(payload).take();
}

std::optional<std::string> claim_above(std::uint32_t epoch, ByteSpan bytes) {
  std::optional<std::string> found;
  for (std::uint64_t at = resynchronise(bytes, 0); at < bytes.size(); at = resynchronise(bytes, at + 1)) {
    const RecordHeader header = *header_at(bytes, at);
    if (header.type != claim_type || header.epoch <= epoch) continue;
    epoch = header.epoch;
    found = fits(header, bytes, at) ? as_text(bytes.subspan(at + sizeof header, header.length)) : "it has not said who";
  }
  return found;
}

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
