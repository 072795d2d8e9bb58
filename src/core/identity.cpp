#include "core/identity.h"

#include <fcntl.h>
#include <openssl/evp.h>

#include <cerrno>
#include <cstring>

#include "core/hex.h"
#include "core/posix.h"

namespace telltale {
namespace {

// Fetched once: looking an algorithm up costs more than hashing a short text.
const EVP_MD* sha256() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  if (algorithm == nullptr) throw Error("OpenSSL offers no SHA-256");
  return algorithm;
}

}  // namespace

struct Hasher::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { EVP_MD_CTX_free(context); }
};

Hasher::Hasher() : state_(std::make_unique<State>()) {
  if (state_->context == nullptr || EVP_DigestInit_ex2(state_->context, sha256(), nullptr) != 1)
    throw Error("OpenSSL could not start a SHA-256 digest");
}
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

Hasher& Hasher::update(ByteSpan bytes) {
  if (EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) != 1) throw Error("OpenSSL could not hash");
  return *this;
}

Identity Hasher::finish() {
  std::array<std::uint8_t, Identity::size> digest;
  if (EVP_DigestFinal_ex(state_->context, digest.data(), nullptr) != 1) throw Error("OpenSSL could not hash");
  return Identity(digest);
}

Identity Identity::of(ByteSpan content) {
  std::array<std::uint8_t, size> digest;
  if (EVP_Digest(content.data(), content.size(), digest.data(), nullptr, sha256(), nullptr) != 1)
    throw Error("OpenSSL could not hash");
  return Identity(digest);
}

Identity Identity::from_hex(std::string_view hex) {
  const auto bytes = telltale::from_hex(hex);
  if (!bytes || bytes->size() != size)
    throw Error("'" + std::string(hex) + "' is no identity: 64 hexadecimal digits expected");
  return from_bytes(*bytes);
}

Identity Identity::from_bytes(ByteSpan bytes) {
  if (bytes.size() != size) throw Error("an identity has 32 bytes, not " + std::to_string(bytes.size()));
  std::array<std::uint8_t, size> copy;
  std::memcpy(copy.data(), bytes.data(), size);
  return Identity(copy);
}

std::string Identity::hex() const { return to_hex(bytes_); }

Identity hash_file(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) throw Error(refusal("read", path, errno));
  Hasher hasher;
  Bytes buffer(1 << 20);
  std::uint64_t offset = 0;
  while (const std::size_t got = read_at(file.get(), buffer, offset, path)) {
    hasher.update(ByteSpan(buffer).first(got));
    offset += got;
  }
  return hasher.finish();
}

}  // namespace telltale
