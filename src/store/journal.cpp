#include "store/journal.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "core/posix.h"
#include "store/journal_format.h"
#include "store/latency_histogram.h"

namespace telltale::store {
namespace {

using Clock = std::chrono::steady_clock;

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
  Committer(std::string path, JournalOptions options, FileDescriptor file, std::uint64_t end, std::uint64_t sequence)
      : path_(std::move(path)),
        options_(options),
        file_(std::move(file)),
        end_(end),
        last_(sequence),
        durable_(sequence) {
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
    RecordHeader header{sync_marker, type, 0, 0, payload.size(), hash_of(payload), 0};
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
    if (failed_.load(std::memory_order_acquire)) throw Error(failure_);
  }

  void run() {
    Batch batch;
    std::unique_lock lock(mutex_);
    for (;;) {
      while (pending_.times.empty()) {
        if (closing_) return;
        idle_ = true;
        work_.wait(lock);
      }
      std::swap(batch, pending_);
      const std::uint64_t last_of_batch = last_;
      lock.unlock();
      try {
        commit(batch);
      } catch (const std::exception& error) {
        lock.lock();
        failure_ = error.what();
        failed_.store(true, std::memory_order_release);
        done_.notify_all();
        return;
      }
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

  void commit(const Batch& batch) {
    for (const auto& action : batch.actions) action();
    try {
      write_at(file_.get(), batch.bytes, end_, path_);
      if (options_.fsync) sync_data();
    } catch (const Error&) {
      // Nothing of the batch was reported as durable. Without this, a full disk would leave a torn record behind; the
      // reader would cut it off just the same, so a second refusal here changes nothing.
      if (::ftruncate(file_.get(), static_cast<off_t>(end_)) == 0) ::fdatasync(file_.get());
      throw;
    }
    end_ += batch.bytes.size();
  }

  // Never retried after a refusal: the kernel may have dropped the pages it could not write, and say yes the next time.
  void sync_data() {
    while (::fdatasync(file_.get()) != 0)
      if (errno != EINTR) throw Error(refusal("write", path_, errno));
  }

  const std::string path_;
  const JournalOptions options_;
  const FileDescriptor file_;
  std::uint64_t end_;  ///< of the file; the committing thread's own

  mutable std::mutex mutex_;
  std::condition_variable work_, done_;
  Batch pending_;
  std::uint64_t last_;  ///< sequence of the last record appended
  bool idle_ = false;   ///< the committing thread waits and must be woken
  bool closing_ = false;
  std::string failure_;

  std::atomic<bool> failed_{false};
  std::atomic<std::uint64_t> durable_;

  mutable std::mutex statistics_mutex_;
  LatencyHistogram latencies_;
  std::uint64_t commits_ = 0;

  std::thread thread_;
};

Journal::Journal(const std::string& path, JournalOptions options, Scan* found) try {
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (!file.valid()) throw InputError(refusal("open the journal", path, errno));
  Bytes content(file_size(file.get(), path));
  content.resize(read_at(file.get(), content, 0, path));
  Scan held = scan_content(std::move(content), path);
  const std::uint64_t size = held.storage->size();
  std::uint64_t end = held.valid_end;
  if (held.torn_tail && ::ftruncate(file.get(), static_cast<off_t>(end)) != 0)
    throw Error(refusal("cut off the torn tail of", path, errno));
  if (end == 0) {
    write_at(file.get(), as_bytes(journal_magic), 0, path);
    end = journal_magic.size();
  }
  if (end != size) {
    sync_file(file.get(), path);
    sync_directory(directory_of(path));
  }
  committer_ = std::make_unique<Committer>(path, options, std::move(file), end, held.last_sequence);
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
