// How a worker comes by the artifacts that its tasks need.
#pragma once

#include <deque>
#include <memory>
#include <unordered_set>
#include <vector>

#include "cluster/artifact_cache.h"

namespace telltale::cluster {

/// Keeps what is here, and knows what to ask the coordinator for: at once for the running task, a few at a time for
/// those behind it. Not synchronised.
class ArtifactClient {
 public:
  explicit ArtifactClient(std::size_t cache_bytes) : cache_(cache_bytes) {}

  /// What this rank made itself.
  void put(const Identity& identity, std::shared_ptr<const Bytes> artifact) {
    cache_.put(identity, std::move(artifact));
  }
  /// What the coordinator answered: nullptr if it has no such artifact.
  void arrived(const Identity& identity, std::shared_ptr<const Bytes> artifact);

  /// nullptr if it is not here yet. Throws Error, once, if the coordinator could not deliver it.
  std::shared_ptr<const Bytes> find(const Identity& identity);
  /// The running task waits for it. True if nobody asked for it so far.
  bool need(const Identity& identity);
  /// A queued task will need these.
  void expect(const std::vector<Identity>& needs) { ahead_.insert(ahead_.end(), needs.begin(), needs.end()); }
  void expect_nothing() { ahead_.clear(); }

  /// What is to be asked for now; each counts as asked from here on.
  std::vector<Identity> take_requests();

 private:
  ArtifactCache cache_;
  std::unordered_set<Identity> missing_;  // the coordinator has no such artifact
  std::unordered_set<Identity> asked_;    // and not answered yet
  std::vector<Identity> needs_;           // for the running task: to be asked for at once
  std::deque<Identity> ahead_;            // for queued tasks
};

}  // namespace telltale::cluster
