#include "cluster/artifact_client.h"

#include <algorithm>
#include <utility>

namespace telltale::cluster {
namespace {

// Artifacts asked for ahead of their tasks, at a time.
constexpr std::size_t asked_ahead = 8;

}  // namespace

void ArtifactClient::arrived(const Identity& identity, std::shared_ptr<const Bytes> artifact) {
  asked_.erase(identity);
  if (artifact)
    cache_.put(identity, std::move(artifact));
  else
    missing_.insert(identity);
}

std::shared_ptr<const Bytes> ArtifactClient::find(const Identity& identity) {
  if (auto found = cache_.find(identity)) return found;
  if (missing_.erase(identity) > 0)
    throw Error("the artifact of task " + identity.brief() + " is missing: the coordinator could not deliver it");
  return nullptr;
}

bool ArtifactClient::need(const Identity& identity) {
  if (asked_.contains(identity) || std::find(needs_.begin(), needs_.end(), identity) != needs_.end()) return false;
  needs_.push_back(identity);
  return true;
}

std::vector<Identity> ArtifactClient::take_requests() {
  std::vector<Identity> wanted;
  const auto want = [&](const Identity& identity) {
    if (!cache_.contains(identity) && !missing_.contains(identity) && asked_.insert(identity).second)
      wanted.push_back(identity);
  };
  for (const Identity& identity : std::exchange(needs_, {})) want(identity);
  while (!ahead_.empty() && asked_.size() < asked_ahead) {
    want(ahead_.front());
    ahead_.pop_front();
  }
  return wanted;
}

}  // namespace telltale::cluster
