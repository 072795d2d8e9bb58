// The artifacts that a rank holds in memory.
#pragma once

#include <list>
#include <memory>
#include <unordered_map>

#include "core/bytes.h"
#include "core/identity.h"

namespace telltale::cluster {

/// Keeps the most recently used artifacts within a limit of bytes. The newest one stays even if it alone is larger. Not
/// synchronised.
class ArtifactCache {
 public:
  explicit ArtifactCache(std::size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  void put(const Identity& identity, std::shared_ptr<const Bytes> artifact) {
    if (const auto known = index_.find(identity); known != index_.end()) {
      touch(known->second);
      return;  // an identity names one content
    }
    bytes_ += artifact->size();
    entries_.emplace_front(identity, std::move(artifact));
    index_.emplace(identity, entries_.begin());
    while (bytes_ > limit_bytes_ && entries_.size() > 1) {
      bytes_ -= entries_.back().second->size();
      index_.erase(entries_.back().first);
      entries_.pop_back();
    }
  }

  /// nullptr if it is not here.
  std::shared_ptr<const Bytes> find(const Identity& identity) {
    const auto found = index_.find(identity);
    if (found == index_.end()) return nullptr;
    touch(found->second);
    return found->second->second;
  }

  [[nodiscard]] bool contains(const Identity& identity) const { return index_.contains(identity); }

 private:
  using Entries = std::list<std::pair<Identity, std::shared_ptr<const Bytes>>>;

  void touch(Entries::iterator entry) { entries_.splice(entries_.begin(), entries_, entry); }

  std::size_t limit_bytes_;
  std::size_t bytes_ = 0;
  Entries entries_;  // most recently used first
  std::unordered_map<Identity, Entries::iterator> index_;
};

}  // namespace telltale::cluster
