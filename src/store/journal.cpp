#include "store/journal.h"

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "store/journal_file.h"
#include "store/journal_format.h"
#include "store/latency_histogram.h"

namespace telltale::store {
namespace {

using Clock = std::chrono::steady_clock;

// A writer that has nothing to write finds out within this time that it has lost its journal.
constexpr auto between_looks = std::chrono::seconds(1);

// The signals a run listens to (time limit, interrupt) are for its main thread.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

class Journal::Committer {
 public:
  Committer(JournalOptions options, JournalFile file, std::uint64_t sequence)
      : options_(options), file_(std::move(file)), epoch_(file_.epoch()), last_(sequence), durable_(sequence) {
    const SignalsBlocked blocked;
    thread_ = std::thread([this] { run(); });
  }

  ~Committer() {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
    }
    work_.notify_one();
    thread_.join();
  }

  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  std::uint64_t append(std::uint32_t type, ByteSpan payload, std::function<void()> before) {
    RecordHeader header{sync_marker, type, epoch_, 0, payload.size(), hash_of(payload), 0};
    const Clock::time_point now = Clock::now();
    bool wake;
    {
      const std::lock_guard lock(mutex_);
      refuse_if_failed();
      header.sequence = ++last_;
      header.header_hash = header_hash_of(header);
      const auto* bytes = reinterpret_cast<const std::uint8_t*>(&header);
      pending_.bytes.insert(pending_.bytes.end(), bytes, bytes + sizeof header);
      pending_.bytes.insert(pending_.bytes.end(), payload.begin(), payload.end());
      pending_.times.push_back(now);
      if (before) pending_.actions.push_back(std::move(before));
      wake = std::exchange(idle_, false);
    }
    if (wake) work_.notify_one();
    return header.sequence;
  }

  [[nodiscard]] std::uint64_t durable() const {
    refuse_if_failed();
    return durable_.load(std::memory_order_acquire);
  }

  void flush() {
    std::unique_lock lock(mutex_);
    const std::uint64_t target = last_;
    done_.wait(lock, [&] { return failed_.load() || durable_.load() >= target; });
    refuse_if_failed();
  }

  [[nodiscard]] double median_commit_s() const {
    const std::lock_guard lock(statistics_mutex_);
    return latencies_.median_s();
  }

  [[nodiscard]] std::uint64_t commits() const {
    const std::lock_guard lock(statistics_mutex_);
    return commits_;
  }

 private:
  struct Batch {
    Bytes bytes;
    std::vector<Clock::time_point> times;
    std::vector<std::function<void()>> actions;

    // Keeps the memory for the next batch, unless a large payload made it large.
    void clear() {
      constexpr std::size_t kept_bytes = 16 << 20;
      bytes.clear();
      if (bytes.capacity() > kept_bytes) bytes.shrink_to_fit();
      times.clear();
      actions.clear();
    }
  };

  // `failure_` is written once, before `failed_` is set.
  void refuse_if_failed() const {
    if (failed_.load(std::memory_order_acquire)) std::rethrow_exception(failure_);
  }

  void run() {
    try {
      write_what_comes();
    } catch (...) {
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
      failed_.store(true, std::memory_order_release);
      done_.notify_all();
    }
  }

  void write_what_comes() {
    Batch batch;
    std::unique_lock lock(mutex_);
    for (;;) {
      while (pending_.times.empty()) {
        if (closing_) return;
        idle_ = true;
        if (work_.wait_for(lock, between_looks) == std::cv_status::no_timeout) continue;
        lock.unlock();
        file_.check_owner();
        lock.lock();
      }
      std::swap(batch, pending_);
      const std::uint64_t last_of_batch = last_;
      lock.unlock();
      for (const auto& action : batch.actions) action();
      file_.append(batch.bytes, options_.fsync);
      const Clock::time_point now = Clock::now();
      {
        const std::lock_guard statistics(statistics_mutex_);
        for (const Clock::time_point appended : batch.times) latencies_.add(now - appended);
        ++commits_;
      }
      lock.lock();
      durable_.store(last_of_batch, std::memory_order_release);
      done_.notify_all();
      batch.clear();
    }
  }

  const JournalOptions options_;
  JournalFile file_;  ///< the committing thread's own
  const std::uint32_t epoch_;

  mutable std::mutex mutex_;
  std::condition_variable work_, done_;
  Batch pending_;
  std::uint64_t last_;  ///< sequence of the last record appended
  bool idle_ = false;   ///< the committing thread waits and must be woken
  bool closing_ = false;
  std::exception_ptr failure_;

  std::atomic<bool> failed_{false};
  std::atomic<std::uint64_t> durable_;

  mutable std::mutex statistics_mutex_;
  LatencyHistogram latencies_;
  std::uint64_t commits_ = 0;

  std::thread thread_;
};

Journal::Journal(const std::string& path, JournalOptions options, Scan* found) try {
  Scan held;
  JournalFile file(path, held);
  committer_ = std::make_unique<Committer>(options, std::move(file), held.last_sequence);
  if (found != nullptr) *found = std::move(held);
} catch (const InputError&) {
  throw;
} catch (const Error& error) {
  throw InputError(error.what());
}

Journal::~Journal() = default;
Journal::Journal(Journal&&) noexcept = default;
Journal& Journal::operator=(Journal&&) noexcept = default;

std::uint64_t Journal::append(std::uint32_t type, ByteSpan payload, std::function<void()> before) {
  return committer_->append(type, payload, std::move(before));
}

std::uint64_t Journal::durable() const { return committer_->durable(); }
void Journal::flush() { committer_->flush(); }
double Journal::median_commit_s() const { return committer_->median_commit_s(); }
std::uint64_t Journal::commits() const { return committer_->commits(); }

}  // namespace telltale::store
