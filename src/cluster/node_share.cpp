#include "cluster/node_share.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>

#include "cluster/agreement.h"
#include "core/log.h"

namespace telltale::cluster {
namespace {

enum class Report : std::uint8_t { nothing, offer, error, input_error };

/// What a leader offers: /proc/<pid>/fd/<descriptor>, `size` bytes, of a memory file called `name`.
struct Offer {
  std::int32_t pid = 0;
  std::int32_t descriptor = -1;
  std::uint64_t size = 0;
  std::string name;
};

Bytes encode_error(const std::exception& error) {
  ByteWriter writer;
  writer.put(dynamic_cast<const InputError*>(&error) ? Report::input_error : Report::error).text(error.what());
  return writer.take();
}

Bytes encode_nothing() { return {static_cast<std::uint8_t>(Report::nothing)}; }

/// Throws the first error that any rank reports: the same on every rank.
void throw_reported(const std::vector<Bytes>& reports) {
  for (const Bytes& report : reports) {
    ByteReader reader(report);
    const auto kind = reader.get<Report>();
    if (kind == Report::input_error) throw SharedInputError(reader.text());
    if (kind == Report::error) throw SharedError(reader.text());
  }
}

}  // namespace

struct SharedBlob::Memory {
  Memory() = default;
  ~Memory() {
    if (address != nullptr) munmap(address, size);
    if (descriptor >= 0) close(descriptor);
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  /// Puts `bytes` into a sealed memory file and maps it.
  static std::unique_ptr<Memory> create(const std::string& name, const std::string& key, ByteSpan bytes) {
    auto memory = std::make_unique<Memory>();
    const auto fail = [&](const char* what) {
      throw Error(fmt::format("sharing {} ({} bytes) on this node: {}: {}", key, bytes.size(), what,
                              std::generic_category().message(errno)));
    };
    memory->descriptor = memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (memory->descriptor < 0) fail("creating the memory");
    for (ByteSpan rest = bytes; !rest.empty();) {
      const ssize_t written = write(memory->descriptor, rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail("filling the memory");
      rest = rest.subspan(static_cast<std::size_t>(written));
    }
    if (fcntl(memory->descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0)
      fail("sealing the memory");
    if (!memory->map(bytes.size())) fail("mapping the memory");
    return memory;
  }

  /// Maps what another process of this node offers; nullptr where the system refuses.
  static std::unique_ptr<Memory> attach(const Offer& offer) {
    const std::string path = fmt::format("/proc/{}/fd/{}", offer.pid, offer.descriptor);
    // In another process namespace the same number may be another process: the memory's name tells.
    std::array<char, 512> target{};
    const ssize_t length = readlink(path.c_str(), target.data(), target.size());
    if (length < 0 ||
        std::string(target.data(), static_cast<std::size_t>(length)).find(offer.name) == std::string::npos)
      return nullptr;
    auto memory = std::make_unique<Memory>();
    memory->descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status {};
    if (memory->descriptor < 0 || fstat(memory->descriptor, &status) != 0 ||
        static_cast<std::uint64_t>(status.st_size) != offer.size || !memory->map(offer.size))
      return nullptr;
    return memory;
  }

  static std::unique_ptr<Memory> own(Bytes bytes) {
    auto memory = std::make_unique<Memory>();
    memory->copy = std::move(bytes);
    return memory;
  }

  bool map(std::size_t bytes) {
    size = bytes;
    if (size == 0) return true;  // an empty mapping does not exist
    void* mapped = mmap(nullptr, size, PROT_READ, MAP_SHARED, descriptor, 0);
    if (mapped == MAP_FAILED) return false;
    address = mapped;
    return true;
  }

  int descriptor = -1;  // stays open on the leader: the others open it through /proc
  void* address = nullptr;
  std::size_t size = 0;
  Bytes copy;
};

SharedBlob::SharedBlob() = default;
SharedBlob::~SharedBlob() = default;
SharedBlob::SharedBlob(SharedBlob&&) noexcept = default;
SharedBlob& SharedBlob::operator=(SharedBlob&&) noexcept = default;

ByteSpan SharedBlob::bytes() const {
  if (!memory_) return {};
  if (memory_->address != nullptr) return {static_cast<const std::uint8_t*>(memory_->address), memory_->size};
  return memory_->copy;
}

bool SharedBlob::shared() const { return memory_ && memory_->descriptor >= 0; }

SharedBlob share_on_node(Communicator& communicator, const std::string& key, const std::function<Bytes()>& producer) {
  SharedBlob blob;
  if (communicator.size() == 1) {
    blob.memory_ = SharedBlob::Memory::own(producer());
    return blob;
  }

  Bytes report = encode_nothing();
  const bool alone_on_node = communicator.node_ranks().size() == 1;
  if (communicator.leads_node()) {
    try {
      Bytes bytes = producer();
      if (alone_on_node) {
        blob.memory_ = SharedBlob::Memory::own(std::move(bytes));
      } else {
        Offer offer;
        offer.pid = getpid();
        offer.size = bytes.size();
        offer.name =
            fmt::format("telltale-{}-{}", offer.pid, std::chrono::steady_clock::now().time_since_epoch().count());
        blob.memory_ = SharedBlob::Memory::create(offer.name, key, bytes);
        offer.descriptor = blob.memory_->descriptor;
        ByteWriter writer;
        writer.reserve(256);
        writer.put(Report::offer).text(key).put(offer.pid).put(offer.descriptor).put(offer.size).text(offer.name);
        report = writer.take();
      }
    } catch (const std::exception& error) {
      report = encode_error(error);
    }
  }
  const std::vector<Bytes> offers = communicator.gather_all(report);
  throw_reported(offers);

  report = encode_nothing();
  if (!communicator.leads_node()) {
    try {
      ByteReader reader(offers[static_cast<std::size_t>(communicator.node_ranks().front())]);
      if (reader.get<Report>() != Report::offer || reader.text() != key)
        throw Error("sharing " + key + ": the first rank of this node shares something else");
      Offer offer;
      offer.pid = reader.get<std::int32_t>();
      offer.descriptor = reader.get<std::int32_t>();
      offer.size = reader.get<std::uint64_t>();
      offer.name = reader.text();
      blob.memory_ = SharedBlob::Memory::attach(offer);
      const bool attached = blob.memory_ != nullptr;
      if (!attached) blob.memory_ = SharedBlob::Memory::own(producer());
      log::debug("{}: {}", key, attached ? "the node's memory is shared" : "a copy of this rank's own");
    } catch (const std::exception& error) {
      report = encode_error(error);
    }
  }
  // Also keeps the leader's memory open until everybody has it.
  throw_reported(communicator.gather_all(report));
  return blob;
}

}  // namespace telltale::cluster
