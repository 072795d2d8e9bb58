// The ledger of a study: the coordinator's outcomes into the journal, products into the artifact store.
#pragma once

#include <memory>
#include <string>

#include "cluster/work.h"
#include "store/artifacts.h"
#include "store/journal.h"
#include "study/plan.h"

namespace telltale::study {

/// Names of the folders in the artifact store.
inline constexpr const char* product_kind = "products";
inline constexpr const char* checkpoint_kind = "checkpoints";

/// The value of a training's outcome that holds the SHA-256 of its model: 32 bytes.
inline constexpr const char* model_hash_value = "model_sha256";

/// A product as it is kept: the encoded outcome of the task that made it, and the product itself. Another job file
/// that needs the same task takes both.
Bytes pack_product(ByteSpan encoded_outcome, ByteSpan artifact);
struct Product {
  ByteSpan encoded_outcome;
  ByteSpan artifact;
};
/// Throws Error if the bytes are no product.
Product unpack_product(ByteSpan packed);
/// What was made, out of a product's file in a folder of artifacts; of any other file, its bytes. Throws Error if it
/// cannot be read, or the product is damaged.
Bytes read_made(const std::string& path);

class JournalLedger final : public cluster::Ledger {
 public:
  /// All three outlive the ledger. `study` says in the descriptions of products which study made them.
  JournalLedger(const Plan& plan, store::Journal& journal, store::ArtifactStore& artifacts, Json study = Json::object())
      : plan_(plan), journal_(journal), artifacts_(artifacts), study_(std::move(study)) {}

  /// Takes over a task's product that another study (or a journal that was lost) left in the artifact store: its
  /// outcome becomes ours. False if there is none.
  bool take_over(std::size_t index);

  std::uint64_t commit(std::size_t index, Bytes encoded_outcome, Bytes artifact) override;
  std::uint64_t durable() override { return journal_.durable(); }
  void flush() override { journal_.flush(); }
  std::shared_ptr<const Bytes> artifact(const Identity& identity) override;
  void save_checkpoint(const Identity& identity, Bytes checkpoint) override;
  std::optional<Bytes> checkpoint(const Identity& identity) override;

 private:
  void append_note(const PlannedTask& task, std::uint64_t product_bytes);

  const Plan& plan_;
  store::Journal& journal_;
  store::ArtifactStore& artifacts_;
  Json study_;
};

}  // namespace telltale::study
