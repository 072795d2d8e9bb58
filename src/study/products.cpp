#include "study/products.h"

#include "core/outcome.h"
#include "study/ledger.h"

namespace telltale::study {
namespace {

constexpr const char* model_kind = "train";

// Why a product that is whole in itself is not the one that was committed; empty if it is.
std::string wrong(const Outcome& outcome, const Product& product, const ProductNote* note) {
  if (peek_outcome(product.encoded_outcome).identity != outcome.identity) return "is that of another task";
  if (note != nullptr && note->bytes != product.artifact.size()) return "is not as long as the journal says";
  const auto hash = outcome.values.find(model_hash_value);
  if (hash != outcome.values.end() &&
      Identity::of(product.artifact) != Identity::from_bytes(hash->second.as<std::uint8_t>()))
    return "is not the one that its training committed";
  return "";
}

}  // namespace

ProductCheck check_products(const StudyRecords& records, const store::ArtifactStore& artifacts,
                            const std::map<Identity, std::string>& kinds) {
  ProductCheck check;
  for (const auto& [identity, outcome] : records.outcomes) {
    if (outcome.status != TaskStatus::done) continue;
    const auto found = records.products.find(identity);
    const ProductNote* note = found == records.products.end() ? nullptr : &found->second;
    const bool is_model = outcome.values.contains(model_hash_value);
    const auto named = kinds.find(identity);
    const std::string kind = is_model               ? model_kind
                             : note != nullptr      ? note->kind
                             : named != kinds.end() ? named->second
                                                    : "other tasks";
    const std::string name = is_model ? "model " + identity.brief() : "product " + identity.brief() + " of " + kind;
    const auto packed = artifacts.get(product_kind, identity);
    if (!packed) {
      const bool is_absent = artifacts.check(product_kind, identity) == store::PartState::missing;
      if (is_absent && !is_model && note == nullptr) continue;  // a task without a product
      check.faults.push_back(is_absent ? "missing    " + name
                                       : "damaged    " + name + ": " + artifacts.path_of(product_kind, identity));
      continue;
    }
    const std::string problem = wrong(outcome, unpack_product(*packed), note);
    if (problem.empty())
      ++check.whole[kind];
    else
      check.faults.push_back("damaged    " + name + " " + problem);
  }
  return check;
}

}  // namespace telltale::study
