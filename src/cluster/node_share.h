// Data that every rank reads and none changes: made once a node, shared by the ranks there.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cluster/communicator.h"
#include "core/bytes.h"

namespace telltale::cluster {

/// Read-only bytes, in memory that the node's ranks share where the system allows it. Movable.
class SharedBlob {
 public:
  SharedBlob();
  ~SharedBlob();
  SharedBlob(SharedBlob&&) noexcept;
  SharedBlob& operator=(SharedBlob&&) noexcept;

  /// Valid as long as this object; page-aligned when it is shared.
  [[nodiscard]] ByteSpan bytes() const;
  /// False where this rank holds a copy of its own.
  [[nodiscard]] bool shared() const;

 private:
  friend SharedBlob share_on_node(Communicator&, const std::string&, const std::function<Bytes()>&);
  struct Memory;
  std::unique_ptr<Memory> memory_;
};

/// Collective: every rank calls it with the same `key` (it names the data in messages). `producer` runs on the first
/// rank of each node; the other ranks of the node map what it returned. A rank that may not (a process namespace of its
/// own) runs `producer` itself.
///
/// When a producer throws on any rank, every rank of the communicator throws the same message, as InputError where the
/// producer's was one: so no rank is left behind in a later collective.
///
/// The memory has no name in the file system and goes with the processes that use it, however they end.
SharedBlob share_on_node(Communicator& communicator, const std::string& key, const std::function<Bytes()>& producer);

}  // namespace telltale::cluster
