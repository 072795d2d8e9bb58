// How a record lies in a journal (docs/journal.md): what the scan reads and the writer writes.
#pragma once

#include <xxhash.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/bytes.h"
#include "store/journal.h"

namespace telltale::store {

inline constexpr std::string_view journal_magic = "TELLTALE-JRNL 1\n";
static_assert(journal_magic.size() == 16);

// Not text, not UTF-8, and no prefix of it is a suffix: a search finds it only where it stands.
inline constexpr std::array<std::uint8_t, 8> sync_marker{0xd4, 0x54, 0x4c, 0x54, 0x8a, 0x52, 0x0d, 0xf6};

struct RecordHeader {
  std::array<std::uint8_t, 8> sync;
  std::uint32_t type;
  std::uint32_t epoch;  ///< of its writer: the number of its claim; 0 in journals from before there were any
  std::uint64_t sequence;
  std::uint64_t length;
  std::uint64_t payload_hash;  ///< XXH3-64 of the payload
  std::uint64_t header_hash;   ///< XXH3-64 of everything above
};
static_assert(sizeof(RecordHeader) == 48 && std::is_trivially_copyable_v<RecordHeader>);
static_assert(offsetof(RecordHeader, type) == 8 && offsetof(RecordHeader, epoch) == 12);
static_assert(offsetof(RecordHeader, sequence) == 16 && offsetof(RecordHeader, length) == 24);
static_assert(offsetof(RecordHeader, payload_hash) == 32 && offsetof(RecordHeader, header_hash) == 40);

/// The type of a claim: with it a writer takes the journal over, from whoever had it. A record of the journal's own,
/// which takes no sequence number (it carries that of the last record before it); its payload says who claims.
inline constexpr std::uint32_t claim_type = 0xffffffff;

inline std::uint64_t hash_of(ByteSpan bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

inline std::uint64_t header_hash_of(const RecordHeader& header) {
  return XXH3_64bits(&header, offsetof(RecordHeader, header_hash));
}

/// The whole record, as it lies in the file.
Bytes encode_record(RecordHeader header, ByteSpan payload);

/// The last claim of an epoch above `epoch` among these bytes of a journal: who claims.
std::optional<std::string> claim_above(std::uint32_t epoch, ByteSpan bytes);

/// Scans a journal's bytes, which the scan then owns. Throws InputError if they are no journal.
Scan scan_content(Bytes content, const std::string& path);

}  // namespace telltale::store
