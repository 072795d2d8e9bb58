// A ledger in memory, and plans for tests.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cluster/work.h"
#include "core/outcome.h"

namespace telltale::cluster {

struct MemoryLedger : Ledger {
  std::uint64_t commit(std::size_t index, Bytes encoded, Bytes artifact) override {
    Outcome outcome = decode_outcome(encoded);
    if (refuse_after >= 0 && static_cast<int>(commits) >= refuse_after) throw Error("no space left on device");
    if (!artifact.empty()) artifacts[outcome.identity] = std::make_shared<const Bytes>(std::move(artifact));
    outcomes[index].push_back(std::move(outcome));
    return ++commits;
  }
  std::uint64_t durable() override { return commits; }
  void flush() override { flushed = commits; }
  std::shared_ptr<const Bytes> artifact(const Identity& identity) override {
    ++artifact_reads;
    const auto found = artifacts.find(identity);
    return found == artifacts.end() ? nullptr : found->second;
  }
  void save_checkpoint(const Identity& identity, Bytes checkpoint) override {
    checkpoints[identity] = std::move(checkpoint);
  }
  std::optional<Bytes> checkpoint(const Identity& identity) override {
    const auto found = checkpoints.find(identity);
    return found == checkpoints.end() ? std::nullopt : std::optional(found->second);
  }

  /// The one outcome of item `index`.
  const Outcome& only(std::size_t index) const {
    const auto found = outcomes.find(index);
    if (found == outcomes.end() || found->second.size() != 1)
      throw Error("item " + std::to_string(index) + " has " +
                  std::to_string(found == outcomes.end() ? 0 : found->second.size()) + " outcomes");
    return found->second.front();
  }

  std::map<std::size_t, std::vector<Outcome>> outcomes;
  std::map<Identity, std::shared_ptr<const Bytes>> artifacts;
  std::map<Identity, Bytes> checkpoints;
  std::uint64_t commits = 0;
  std::uint64_t flushed = 0;
  int artifact_reads = 0;
  int refuse_after = -1;
};

/// An item whose payload is `text`, of any environment and cost 1.
inline WorkItem item(const std::string& text, std::vector<std::size_t> prerequisites = {}) {
  const ByteSpan payload = as_bytes(text);
  return {Identity::of(text), Bytes(payload.begin(), payload.end()), 1.0, std::move(prerequisites), {}};
}

}  // namespace telltale::cluster
