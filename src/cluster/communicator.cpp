#include "cluster/communicator.h"

#include <fmt/format.h>
#include <mpi.h>

#include <deque>
#include <exception>
#include <list>
#include <memory>
#include <numeric>
#include <thread>

#include "cluster/nap.h"
#include "cluster/parent_watch.h"
#include "core/clock.h"
#include "core/process.h"

namespace telltale::cluster {
namespace {

void check(int code, const char* what) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw Error(fmt::format("MPI: {} failed: {}", what, std::string(text, static_cast<std::size_t>(length))));
}

/// Waits in naps: MPI_Wait would spin.
void await(MPI_Request& request, const char* what) {
  Nap nap;
  int complete = 0;
  while (true) {
    check(MPI_Test(&request, &complete, MPI_STATUS_IGNORE), what);
    if (complete) return;
    std::this_thread::sleep_for(nap.next());
  }
}

int checked_count(std::size_t bytes, const char* what) {
  if (bytes > largest_message_bytes)
    throw Error(fmt::format("MPI: {} of {} bytes: at most {} can be sent at once", what, bytes, largest_message_bytes));
  return static_cast<int>(bytes);
}

}  // namespace

struct Communicator::Impl {
  struct Sending {
    MPI_Request request;
    Bytes bytes;
  };
  struct Receiving {
    MPI_Request request;
    Message message;
  };

  // Takes the handle over. MPI_COMM_NULL: one process alone.
  explicit Impl(MPI_Comm handle) : comm(handle), host(host_name()), node_ranks{0} {
    if (comm == MPI_COMM_NULL) return;
    check(MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN), "setting the error handler");
    check(MPI_Comm_rank(comm, &rank), "asking for the rank");
    check(MPI_Comm_size(comm, &size), "asking for the number of ranks");
    sent.resize(static_cast<std::size_t>(size));
    received.resize(static_cast<std::size_t>(size));
  }

  ~Impl() {
    int finalized = 0;
    if (comm == MPI_COMM_NULL || MPI_Finalized(&finalized) != MPI_SUCCESS || finalized) return;
    // A buffer that MPI may still read or write is never given back; only a failing process gets here with one.
    if (!sending.empty()) new std::list<Sending>(std::move(sending));
    if (!receiving.empty()) new std::deque<Receiving>(std::move(receiving));
    // Freeing is collective; an exception takes this rank alone.
    if (std::uncaught_exceptions() == 0) MPI_Comm_free(&comm);
  }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  /// The node's ranks, found by all ranks together.
  void find_node() {
    MPI_Comm node = MPI_COMM_NULL;
    check(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &node), "finding the node's ranks");
    int node_size = 0;
    check(MPI_Comm_size(node, &node_size), "asking for the number of the node's ranks");
    node_ranks.resize(static_cast<std::size_t>(node_size));
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Iallgather(&rank, 1, MPI_INT, node_ranks.data(), 1, MPI_INT, node, &request),
          "gathering the node's ranks");
    await(request, "gathering the node's ranks");
    check(MPI_Comm_free(&node), "freeing the node's communicator");
  }

  void move_sends() {
    for (auto it = sending.begin(); it != sending.end();) {
      int complete = 0;
      check(MPI_Test(&it->request, &complete, MPI_STATUS_IGNORE), "sending a message");
      it = complete ? sending.erase(it) : std::next(it);
    }
  }

  MPI_Comm comm;
  int rank = 0;
  int size = 1;
  std::string host;
  std::vector<int> node_ranks;
  std::vector<std::int64_t> sent, received;  ///< messages so far, by the rank that they go to or come from
  std::list<Sending> sending;
  std::deque<Receiving> receiving;
};

Communicator::Communicator() : impl_(std::make_unique<Impl>(MPI_COMM_NULL)) {}
Communicator::Communicator(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Communicator::~Communicator() = default;
Communicator::Communicator(Communicator&&) noexcept = default;
Communicator& Communicator::operator=(Communicator&&) noexcept = default;

int Communicator::rank() const { return impl_->rank; }
int Communicator::size() const { return impl_->size; }
const std::string& Communicator::host() const { return impl_->host; }
const std::vector<int>& Communicator::node_ranks() const { return impl_->node_ranks; }
bool Communicator::busy() const { return !impl_->sending.empty() || !impl_->receiving.empty(); }

void Communicator::send(int destination, int tag, Bytes bytes) {
  if (destination == impl_->rank || destination < 0 || destination >= impl_->size)
    throw Error(
        fmt::format("MPI: rank {} of {} cannot send a message to rank {}", impl_->rank, impl_->size, destination));
  const int count = checked_count(bytes.size(), "a message");
  impl_->sending.push_back({MPI_REQUEST_NULL, std::move(bytes)});
  ++impl_->sent[static_cast<std::size_t>(destination)];
  auto& entry = impl_->sending.back();
  check(MPI_Isend(entry.bytes.data(), count, MPI_BYTE, destination, tag, impl_->comm, &entry.request),
        "sending a message");
  int complete = 0;  // small messages are usually gone at once
  check(MPI_Test(&entry.request, &complete, MPI_STATUS_IGNORE), "sending a message");
  if (complete) impl_->sending.pop_back();
}

std::optional<Message> Communicator::poll() {
  if (impl_->comm == MPI_COMM_NULL) return std::nullopt;
  impl_->move_sends();
  int here = 0;
  MPI_Message handle = MPI_MESSAGE_NULL;
  MPI_Status status;
  check(MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, impl_->comm, &here, &handle, &status), "looking for a message");
  if (here) {
    int count = 0;
    check(MPI_Get_count(&status, MPI_BYTE, &count), "measuring a message");
    auto& entry = impl_->receiving.emplace_back();
    entry.message = {status.MPI_SOURCE, status.MPI_TAG, Bytes(static_cast<std::size_t>(count))};
    check(MPI_Imrecv(entry.message.bytes.data(), count, MPI_BYTE, &handle, &entry.request), "receiving a message");
  }
  // Only the oldest is given out: a small message must not overtake a large one that is still coming in.
  if (impl_->receiving.empty()) return std::nullopt;
  int complete = 0;
  check(MPI_Test(&impl_->receiving.front().request, &complete, MPI_STATUS_IGNORE), "receiving a message");
  if (!complete) return std::nullopt;
  Message message = std::move(impl_->receiving.front().message);
  impl_->receiving.pop_front();
  ++impl_->received[static_cast<std::size_t>(message.source)];
  return message;
}

std::vector<Bytes> Communicator::gather_all(const Bytes& mine) {
  if (impl_->comm == MPI_COMM_NULL) return {mine};
  const auto ranks = static_cast<std::size_t>(impl_->size);
  // Sizes travel as 64 bit, so that a blob that is too large is refused on every rank and none is left waiting.
  const auto my_size = static_cast<std::int64_t>(mine.size());
  std::vector<std::int64_t> sizes(ranks);
  MPI_Request request = MPI_REQUEST_NULL;
  check(MPI_Iallgather(&my_size, 1, MPI_INT64_T, sizes.data(), 1, MPI_INT64_T, impl_->comm, &request),
        "gathering sizes");
  await(request, "gathering sizes");

  const auto total = static_cast<std::size_t>(std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0}));
  checked_count(total, "a gathering");
  std::vector<int> counts(sizes.begin(), sizes.end());
  std::vector<int> offsets(ranks);
  std::exclusive_scan(counts.begin(), counts.end(), offsets.begin(), 0);
  Bytes all(total);
  check(MPI_Iallgatherv(mine.data(), static_cast<int>(mine.size()), MPI_BYTE, all.data(), counts.data(), offsets.data(),
                        MPI_BYTE, impl_->comm, &request),
        "gathering");
  await(request, "gathering");

  std::vector<Bytes> blobs;
  blobs.reserve(ranks);
  for (std::size_t i = 0; i < ranks; ++i) {
    const auto begin = all.begin() + offsets[i];
    blobs.emplace_back(begin, begin + counts[i]);
  }
  return blobs;
}

Bytes Communicator::broadcast(Bytes bytes, int root) {
  if (impl_->comm == MPI_COMM_NULL) return bytes;
  auto size = static_cast<std::int64_t>(bytes.size());
  MPI_Request request = MPI_REQUEST_NULL;
  check(MPI_Ibcast(&size, 1, MPI_INT64_T, root, impl_->comm, &request), "broadcasting a size");
  await(request, "broadcasting a size");
  const int count = checked_count(static_cast<std::size_t>(size), "a broadcast");
  bytes.resize(static_cast<std::size_t>(size));
  check(MPI_Ibcast(bytes.data(), count, MPI_BYTE, root, impl_->comm, &request), "broadcasting");
  await(request, "broadcasting");
  return bytes;
}

void Communicator::barrier() {
  if (impl_->comm == MPI_COMM_NULL) return;
  MPI_Request request = MPI_REQUEST_NULL;
  check(MPI_Ibarrier(impl_->comm, &request), "waiting for the other ranks");
  await(request, "waiting for the other ranks");
}

bool Communicator::quiesce(double limit_s) {
  if (impl_->comm == MPI_COMM_NULL) return true;
  const auto start = std::chrono::steady_clock::now();
  Nap nap;
  // A send that is complete may still be under way: each rank is told how many messages to expect, and all keep
  // receiving until the last one has its own.
  struct Counts {
    std::vector<std::int64_t> sent, expected;
  };
  auto counts = std::make_unique<Counts>(Counts{impl_->sent, impl_->sent});
  MPI_Request request = MPI_REQUEST_NULL;
  check(MPI_Ialltoall(counts->sent.data(), 1, MPI_INT64_T, counts->expected.data(), 1, MPI_INT64_T, impl_->comm,
                      &request),
        "counting messages");
  bool counted = false, entered = false;
  while (true) {
    if (poll()) nap.reset();
    int complete = 0;
    if (!counted || entered) {
      check(MPI_Test(&request, &complete, MPI_STATUS_IGNORE), "waiting for the other ranks");
      if (complete && entered) return true;
      counted = counted || complete;
    }
    if (counted && !entered && !busy() && impl_->received == counts->expected) {
      check(MPI_Ibarrier(impl_->comm, &request), "waiting for the other ranks");
      entered = true;
    }
    if (limit_s > 0 && seconds_since(start) > limit_s) {
      static_cast<void>(counts.release());  // MPI may still use them; only a failing process gets here
      return false;
    }
    std::this_thread::sleep_for(nap.next());
  }
}

Communicator Communicator::duplicate() {
  if (impl_->comm == MPI_COMM_NULL) return {};
  MPI_Comm copy = MPI_COMM_NULL;
  MPI_Request request = MPI_REQUEST_NULL;
  check(MPI_Comm_idup(impl_->comm, &copy, &request), "duplicating a communicator");
  await(request, "duplicating a communicator");
  auto impl = std::make_unique<Impl>(copy);
  impl->node_ranks = impl_->node_ranks;
  return Communicator(std::move(impl));
}

MpiSession::MpiSession() {
  if (!under_launcher()) {
    communicator_.emplace();
    return;
  }
  watch_ = std::make_unique<ParentWatch>();
  int provided = 0;
  check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "starting");
  if (provided < MPI_THREAD_FUNNELED)
    throw Error("MPI: this library does not allow threads beside the one that uses it (MPI_THREAD_FUNNELED)");
  started_ = true;
  MPI_Comm copy = MPI_COMM_NULL;
  check(MPI_Comm_dup(MPI_COMM_WORLD, &copy), "duplicating the communicator");
  auto impl = std::make_unique<Communicator::Impl>(copy);
  impl->find_node();
  communicator_.emplace(std::move(impl));
}

MpiSession::~MpiSession() = default;

Communicator& MpiSession::communicator() {
  if (!communicator_) throw Error("MPI: the session has ended");
  return *communicator_;
}

bool MpiSession::finalize(double limit_s) {
  if (!communicator_) return true;
  // MPI_Finalize spins until the last rank is there; this naps.
  if (!communicator_->quiesce(limit_s)) return false;
  communicator_.reset();
  if (!started_) return true;
  check(MPI_Finalize(), "finalizing");
  started_ = false;
  watch_.reset();
  return true;
}

void MpiSession::end_all(int exit_code) {
  int initialized = 0, finalized = 0, size = 1;
  MPI_Initialized(&initialized);
  MPI_Finalized(&finalized);
  if (!initialized || finalized) return;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (size > 1) MPI_Abort(MPI_COMM_WORLD, exit_code);
}

}  // namespace telltale::cluster
