#include "store/artifacts.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "core/posix.h"
#include "store/atomic_file.h"

namespace telltale::store {
namespace {

constexpr std::string_view magic = "TELLTALE-PART 1\n";
constexpr std::size_t header_size = magic.size() + Identity::size;
static_assert(header_size == 48);

Identity seal(std::string_view kind, const Identity& identity, ByteSpan content) {
  static constexpr std::uint8_t separator = 0;
  return Hasher().update(kind).update({&separator, 1}).update(identity.bytes()).update(content).finish();
}

struct Part {
  PartState state = PartState::missing;
  std::shared_ptr<const Bytes> content;  ///< set when good
};

Part read_part(const std::string& path, std::string_view kind, const Identity& identity) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) {
    if (errno == ENOENT || errno == ENOTDIR) return {};
    throw Error(refusal("read", path, errno));
  }
  try {
    const std::uint64_t size = file_size(file.get(), path);
    if (size < header_size) return {PartState::damaged, nullptr};
    Bytes header(header_size);
    auto content = std::make_shared<Bytes>(size - header_size);
    const bool whole = read_at(file.get(), header, 0, path) == header.size() &&
                       read_at(file.get(), *content, header_size, path) == content->size();
    if (!whole || as_text(ByteSpan(header).first(magic.size())) != magic ||
        Identity::from_bytes(ByteSpan(header).subspan(magic.size())) != seal(kind, identity, *content))
      return {PartState::damaged, nullptr};
    return {PartState::good, std::move(content)};
  } catch (const Error&) {
    return {PartState::damaged, nullptr};  // a sector that cannot be read is damage like any other
  }
}

}  // namespace

ArtifactStore::ArtifactStore(std::string directory) : directory_(std::move(directory)) {
  remove_stale_temporaries(directory_);
}

std::string ArtifactStore::path_of(std::string_view kind, const Identity& identity) const {
  const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  if (kind.empty() || !std::all_of(kind.begin(), kind.end(), allowed))
    throw Error("'" + std::string(kind) + "' is no kind of artifact: letters a-z, digits and _ expected");
  return (std::filesystem::path(directory_) / (std::string(kind) + "-" + identity.hex())).string();
}

std::string ArtifactStore::description_path(std::string_view kind, const Identity& identity) const {
  return path_of(kind, identity) + ".json";
}

void ArtifactStore::create_directory() const {
  std::error_code error;
  if (std::filesystem::create_directories(directory_, error)) sync_directory(directory_of(directory_));
  if (error) throw Error("cannot create the directory " + directory_ + ": " + error.message());
}

void ArtifactStore::put(std::string_view kind, const Identity& identity, ByteSpan content) const {
  const std::string path = path_of(kind, identity);
  create_directory();
  const Identity hash = seal(kind, identity, content);
  write_file_atomically(path, {as_bytes(magic), hash.bytes(), content});
}

void ArtifactStore::describe(std::string_view kind, const Identity& identity, const std::string& text) const {
  const std::string path = description_path(kind, identity);
  create_directory();
  write_file_atomically(path, {as_bytes(text)});
}

std::shared_ptr<const Bytes> ArtifactStore::get(std::string_view kind, const Identity& identity) const {
  return read_part(path_of(kind, identity), kind, identity).content;
}

PartState ArtifactStore::check(std::string_view kind, const Identity& identity) const {
  return read_part(path_of(kind, identity), kind, identity).state;
}

void ArtifactStore::remove(std::string_view kind, const Identity& identity) const {
  bool removed = false;
  for (const std::string& path : {description_path(kind, identity), path_of(kind, identity)}) {
    if (::unlink(path.c_str()) == 0)
      removed = true;
    else if (errno != ENOENT && errno != ENOTDIR)
      throw Error(refusal("remove", path, errno));
  }
  if (removed) sync_directory(directory_);
}

}  // namespace telltale::store
