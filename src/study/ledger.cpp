#include "study/ledger.h"

#include <filesystem>

#include "core/error.h"
#include "core/outcome.h"
#include "core/posix.h"
#include "study/records.h"

namespace telltale::study {
namespace {

std::string kind_of(const PlannedTask& task) { return task.payload.value("kind", ""); }

// What a product is, for people: the task's payload determines it, down to network, recipe, scheme and repeat.
std::string description(const PlannedTask& task, const Product& product, const Json& study) {
  Json card = {{"format", "telltale product"},
               {"file", std::string(product_kind) + "-" + task.identity.hex()},
               {"kind", kind_of(task)},
               {"payload", task.payload},
               {"made_by", study}};
  const Outcome outcome = decode_outcome(product.encoded_outcome);
  if (const auto hash = outcome.values.find(model_hash_value); hash != outcome.values.end())
    card[model_hash_value] = Identity::from_bytes(hash->second.as<std::uint8_t>()).hex();
  return card.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

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

Bytes read_made(const std::string& path) {
  const std::filesystem::path file(path);
  const std::string kind = std::string(product_kind) + "-", name = file.filename().string();
  if (!name.starts_with(kind)) return read_file(path);
  const auto product =
      store::ArtifactStore(file.parent_path().string()).get(product_kind, Identity::from_hex(name.substr(kind.size())));
  if (!product) throw Error("it is missing or damaged");
  const ByteSpan made = unpack_product(*product).artifact;
  return {made.begin(), made.end()};
}

void JournalLedger::append_note(const PlannedTask& task, std::uint64_t product_bytes) {
  const std::string note =
      canonical({{"task", task.identity.hex()}, {"kind", kind_of(task)}, {"bytes", product_bytes}});
  journal_.append(static_cast<std::uint32_t>(RecordType::product), as_bytes(note));
}

std::uint64_t JournalLedger::commit(std::size_t index, Bytes encoded_outcome, Bytes artifact) {
  const auto type = static_cast<std::uint32_t>(RecordType::outcome);
  if (artifact.empty()) return journal_.append(type, encoded_outcome);
  const PlannedTask& task = plan_.tasks[index];
  append_note(task, artifact.size());
  // Everything is on disk before the journal says that the task is done; the description before what it describes, so
  // that there is none without one.
  auto packed = std::make_shared<const Bytes>(pack_product(encoded_outcome, artifact));
  return journal_.append(type, encoded_outcome, [this, &task, packed] {
    artifacts_.describe(product_kind, task.identity, description(task, unpack_product(*packed), study_));
    artifacts_.put(product_kind, task.identity, *packed);
    artifacts_.remove(checkpoint_kind, task.identity);
  });
}

bool JournalLedger::take_over(std::size_t index) {
  const PlannedTask& task = plan_.tasks[index];
  const auto packed = artifacts_.get(product_kind, task.identity);
  if (!packed) return false;
  const Product product = unpack_product(*packed);
  const OutcomeHead head = peek_outcome(product.encoded_outcome);
  if (head.identity != task.identity || head.status != TaskStatus::done) return false;
  if (!std::filesystem::exists(artifacts_.description_path(product_kind, task.identity)))
    artifacts_.describe(product_kind, task.identity, description(task, product, study_));
  append_note(task, product.artifact.size());
  journal_.append(static_cast<std::uint32_t>(RecordType::outcome), product.encoded_outcome);
  return true;
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
