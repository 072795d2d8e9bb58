#include "study/ledger.h"

#include "core/outcome.h"
#include "study/records.h"

namespace telltale::study {

Bytes pack_product(ByteSpan encoded_outcome, ByteSpan artifact) {
  ByteWriter writer;
  writer.reserve(encoded_outcome.size() + artifact.size() + 16);
  writer.block(encoded_outcome).block(artifact);
  return writer.take();
}

Product unpack_product(ByteSpan packed) {
  ByteReader reader(packed);
  Product product;
  product.encoded_outcome = reader.block();
  product.artifact = reader.block();
  return product;
}

std::uint64_t JournalLedger::commit(std::size_t index, Bytes encoded_outcome, Bytes artifact) {
  const auto type = static_cast<std::uint32_t>(RecordType::outcome);
  if (artifact.empty()) return journal_.append(type, encoded_outcome);
  // The product is on disk before the journal says that the task is done.
  const Identity identity = plan_.tasks[index].identity;
  auto packed = std::make_shared<const Bytes>(pack_product(encoded_outcome, artifact));
  return journal_.append(type, encoded_outcome, [this, identity, packed] {
    artifacts_.put(product_kind, identity, *packed);
    artifacts_.remove(checkpoint_kind, identity);
  });
}

std::shared_ptr<const Bytes> JournalLedger::artifact(const Identity& identity) {
  auto packed = artifacts_.get(product_kind, identity);
  if (!packed) {
    // Committed a moment ago: the journal's own thread may still be writing it.
    journal_.flush();
    packed = artifacts_.get(product_kind, identity);
    if (!packed) return nullptr;
  }
  const ByteSpan artifact = unpack_product(*packed).artifact;
  return std::make_shared<const Bytes>(artifact.begin(), artifact.end());
}

void JournalLedger::save_checkpoint(const Identity& identity, Bytes checkpoint) {
  artifacts_.put(checkpoint_kind, identity, checkpoint);
}

std::optional<Bytes> JournalLedger::checkpoint(const Identity& identity) {
  const auto bytes = artifacts_.get(checkpoint_kind, identity);
  if (!bytes) return std::nullopt;
  return *bytes;
}

}  // namespace telltale::study
