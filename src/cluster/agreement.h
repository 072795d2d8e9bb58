// How ranks stay together when one of them fails: what one rank throws, all throw.
#pragma once

#include <exception>
#include <functional>
#include <vector>

#include "cluster/communicator.h"
#include "core/error.h"
#include "core/json.h"

namespace telltale::cluster {

/// An Error that leaves no rank waiting for another, because all throw it alike or because this rank was the last that
/// had anything to do: all can leave in order.
class SharedError : public Error {
 public:
  using Error::Error;
};

/// Likewise, an InputError.
class SharedInputError : public InputError {
 public:
  using InputError::InputError;
};

/// It is one of these two.
bool is_shared(const std::exception& error);

// Collectives; every rank calls them in the same order, and where they throw, every rank throws the same: a
// SharedInputError if it was an InputError, else a SharedError, with the message byte for byte.

/// Runs `action` on the coordinator (rank 0). Every rank gets what it returned.
Json on_coordinator(Communicator& communicator, const std::function<Json()>& action);

/// Runs `make` on every rank. Every rank gets what each returned, by rank, or the error of the first that failed.
std::vector<Json> gather_json(Communicator& communicator, const std::function<Json()>& make);

/// Runs `action` on every rank, and goes on only if none failed.
void agree(Communicator& communicator, const std::function<void()>& action);

/// Not collective: runs what this rank does while no other waits for it. Its errors become shared ones.
void unwaited(const std::function<void()>& action);

}  // namespace telltale::cluster
