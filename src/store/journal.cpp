#include "store/journal.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

#include "core/posix.h"

namespace telltale::store {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view magic = "TELLTALE-JRNL 1\n";
static_assert(magic.size() == 16);

// Not text, not UTF-8, and no prefix of it is a suffix: a search finds it only where it stands.
constexpr std::array<std::uint8_t, 8> sync_marker{0xd4, 0x54, 0x4c, 0x54, 0x8a, 0x52, 0x0d, 0xf6};

struct RecordHeader {
  std::array<std::uint8_t, 8> sync;
  std::uint32_t type;
  std::uint32_t flags;  ///< 0 in this version
  std::uint64_t sequence;
  std::uint64_t length;
  std::uint64_t payload_hash;  ///< XXH3-64 of the payload
  std::uint64_t header_hash;   ///< XXH3-64 of everything above
};
static_assert(sizeof(RecordHeader) == 48 && std::is_trivially_copyable_v<RecordHeader>);
static_assert(offsetof(RecordHeader, type) == 8 && offsetof(RecordHeader, flags) == 12);
static_assert(offsetof(RecordHeader, sequence) == 16 && offsetof(RecordHeader, length) == 24);
static_assert(offsetof(RecordHeader, payload_hash) == 32 && offsetof(RecordHeader, header_hash) == 40);

std::uint64_t hash_of(ByteSpan bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

std::uint64_t header_hash_of(const RecordHeader& header) {
  return XXH3_64bits(&header, offsetof(RecordHeader, header_hash));
}

// The header at `offset`, if there is a whole one and its hash is right.
std::optional<RecordHeader> header_at(ByteSpan bytes, std::uint64_t offset) {
  if (bytes.size() - offset < sizeof(RecordHeader)) return std::nullopt;
  RecordHeader header;
  std::memcpy(&header, bytes.data() + offset, sizeof header);
  if (header.sync != sync_marker || header_hash_of(header) != header.header_hash) return std::nullopt;
  return header;
}

bool fits(const RecordHeader& header, ByteSpan bytes, std::uint64_t offset) {
  return header.length <= bytes.size() - offset - sizeof(RecordHeader);
}

// The next offset from `from` on where a valid header stands; the end of `bytes` if there is none.
std::uint64_t resynchronise(ByteSpan bytes, std::uint64_t from) {
  const std::string_view text = as_text(bytes);
  const std::string_view marker = as_text(sync_marker);
  for (std::size_t at = text.find(marker, from); at != std::string_view::npos; at = text.find(marker, at + 1))
    if (header_at(bytes, at)) return at;
  return bytes.size();
}

// True if the bytes from `offset` on can be the beginning of a record that was being written.
bool unfinished(ByteSpan bytes, std::uint64_t offset) {
  const ByteSpan rest = bytes.subspan(offset);
  const std::size_t compared = std::min(rest.size(), sync_marker.size());
  if (!std::equal(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(compared), sync_marker.begin()))
    return false;
  if (rest.size() < sizeof(RecordHeader)) return true;
  const auto header = header_at(bytes, offset);
  return header && !fits(*header, bytes, offset);
}

std::string name_records(std::uint64_t first, std::uint64_t last) {
  if (first == last) return "record " + std::to_string(first);
  return "records " + std::to_string(first) + " to " + std::to_string(last);
}

class Scanner {
 public:
  explicit Scanner(ByteSpan bytes) : bytes_(bytes) {}

  Scan run() {
    if (bytes_.size() < magic.size() && as_text(bytes_) == magic.substr(0, bytes_.size())) {
      scan_.torn_tail = !bytes_.empty();
      return std::move(scan_);
    }
    std::uint64_t offset = read_magic();
    while (offset < bytes_.size()) {
      const auto header = header_at(bytes_, offset);
      if (header && fits(*header, bytes_, offset)) {
        offset = read_record(*header, offset);
        continue;
      }
      const std::uint64_t next = resynchronise(bytes_, offset + 1);
      if (next == bytes_.size() && unfinished(bytes_, offset)) break;
      if (header) {
        note_sequence(header->sequence, offset);
        report(offset, next, "record " + std::to_string(header->sequence) + " is cut short");
      } else {
        report(offset, next, "unreadable bytes");
        unreadable_ = scan_.damages.size();
      }
      offset = next;
    }
    scan_.valid_end = offset;
    scan_.torn_tail = offset < bytes_.size();
    return std::move(scan_);
  }

 private:
  // The offset of the first record.
  std::uint64_t read_magic() {
    const std::size_t present = std::min(bytes_.size(), magic.size());
    if (as_text(bytes_.first(present)) == magic) return present;
    if (header_at(bytes_, 0)) {
      report(0, 0, "the journal's first line is gone");
      return 0;
    }
    report(0, present, "the journal's first line is damaged");
    return present;
  }

  // Takes or refuses the record at `offset`; returns where the next one should stand.
  std::uint64_t read_record(const RecordHeader& header, std::uint64_t offset) {
    const ByteSpan payload = bytes_.subspan(offset + sizeof header, header.length);
    const std::uint64_t end = offset + sizeof header + header.length;
    const std::string record = "record " + std::to_string(header.sequence);
    if (hash_of(payload) != header.payload_hash) {
      // The length is trusted only if a record, a torn one, or the end stands where it points.
      const bool length_confirmed = end == bytes_.size() || header_at(bytes_, end) || unfinished(bytes_, end);
      const std::uint64_t next = length_confirmed ? end : resynchronise(bytes_, offset + sizeof header);
      note_sequence(header.sequence, offset);
      report(offset, next, record + " is damaged");
      return next;
    }
    if (header.sequence <= scan_.last_sequence) {
      report(offset, end, record + " stands after record " + std::to_string(scan_.last_sequence));
    } else if (header.flags != 0) {
      note_sequence(header.sequence, offset);
      report(offset, end, record + " is of a later version of the format");
    } else {
      note_sequence(header.sequence, offset);
      scan_.records.push_back({header.type, header.sequence, offset, payload});
    }
    return end;
  }

  // Names the sequence numbers that were skipped: with the unreadable bytes they were lost in, if there are any.
  void note_sequence(std::uint64_t sequence, std::uint64_t offset) {
    const std::uint64_t expected = scan_.last_sequence + 1;
    if (sequence < expected) return;
    if (sequence > expected) {
      const std::string lost = name_records(expected, sequence - 1);
      if (unreadable_ > 0)
        scan_.damages[unreadable_ - 1].what += ", with " + lost + " lost in them";
      else
        report(offset, offset, lost + " missing");
    }
    scan_.last_sequence = sequence;
    unreadable_ = 0;
  }

  void report(std::uint64_t begin, std::uint64_t end, std::string what) {
    scan_.damages.push_back({begin, end - begin, std::move(what)});
  }

  ByteSpan bytes_;
  Scan scan_;
  std::size_t unreadable_ = 0;  ///< 1 + index of the last unreadable damage since the last known sequence; 0 if none
};

// A file that is damaged is still a journal; one that shows neither first line nor record never was.
void refuse_stranger(const Scan& found, ByteSpan bytes, const std::string& path) {
  const bool known_start = as_text(bytes.first(std::min(bytes.size(), magic.size()))) == magic.substr(0, bytes.size());
  if (!known_start && found.last_sequence == 0)
    throw InputError(path + " is no journal that this version of telltale can read");
}

Scan scan_file(Bytes content, const std::string& path) {
  auto storage = std::make_shared<const Bytes>(std::move(content));
  Scan found = scan(*storage);
  refuse_stranger(found, *storage, path);
  found.storage = std::move(storage);
  return found;
}

// Latencies in buckets of a sixteenth of a power of two: bounded memory, and at most 1/16 wide.
class LatencyHistogram {
 public:
  void add(Clock::duration latency) {
    const auto ns = static_cast<std::uint64_t>(
        std::max<std::int64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(latency).count(), 0));
    ++counts_[bucket_of(ns)];
    ++total_;
  }

  [[nodiscard]] double median_s() const {
    if (total_ == 0) return 0;
    std::uint64_t below = 0;
    std::size_t bucket = 0;
    while ((below += counts_[bucket]) * 2 < total_) ++bucket;
    return middle_ns(bucket) * 1e-9;
  }

 private:
  static constexpr int fine_bits = 4;
  static constexpr std::uint64_t fine = 1 << fine_bits;

  static std::size_t bucket_of(std::uint64_t ns) {
    if (ns < fine) return static_cast<std::size_t>(ns);
    const int shift = static_cast<int>(std::bit_width(ns)) - 1 - fine_bits;
    return static_cast<std::size_t>(static_cast<std::uint64_t>(shift) * fine + (ns >> shift));
  }

  static double middle_ns(std::size_t bucket) {
    if (bucket < 2 * fine) return static_cast<double>(bucket);
    const std::size_t shift = bucket / fine - 1;
    return (static_cast<double>(bucket % fine + fine) + 0.5) * static_cast<double>(std::uint64_t{1} << shift);
  }

  std::array<std::uint64_t, (64 - fine_bits + 1) * fine> counts_{};
  std::uint64_t total_ = 0;
};

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

Scan scan(ByteSpan bytes) { return Scanner(bytes).run(); }

Scan read_journal(const std::string& path) { return scan_file(read_file(path), path); }

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
  Scan held = scan_file(std::move(content), path);
  const std::uint64_t size = held.storage->size();
  std::uint64_t end = held.valid_end;
  if (held.torn_tail && ::ftruncate(file.get(), static_cast<off_t>(end)) != 0)
    throw Error(refusal("cut off the torn tail of", path, errno));
  if (end == 0) {
    write_at(file.get(), as_bytes(magic), 0, path);
    end = magic.size();
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
