#include "core/identity.h"

#include <openssl/evp.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace telltale {
namespace {

// Fetched once: looking an algorithm up costs more than hashing a short text.
const EVP_MD* sha256() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  if (algorithm == nullptr) throw Error("OpenSSL offers no SHA-256");
  return algorithm;
}

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
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
  std::array<std::uint8_t, size> bytes;
  if (hex.size() != 2 * size) throw Error("'" + std::string(hex) + "' is no identity: 64 hexadecimal digits expected");
  for (std::size_t i = 0; i < size; ++i) {
    const int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);
    if (high < 0 || low < 0) throw Error("'" + std::string(hex) + "' is no identity: 64 hexadecimal digits expected");
    bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return Identity(bytes);
}

Identity Identity::from_bytes(ByteSpan bytes) {
  if (bytes.size() != size) throw Error("an identity has 32 bytes, not " + std::to_string(bytes.size()));
  std::array<std::uint8_t, size> copy;
  std::memcpy(copy.data(), bytes.data(), size);
  return Identity(copy);
}

std::string Identity::hex() const {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * size);
  for (const std::uint8_t byte : bytes_) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

Identity hash_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error("cannot read " + path + ": " + std::strerror(errno));
  Hasher hasher;
  std::vector<char> buffer(1 << 20);
  while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || file.gcount() > 0)
    hasher.update(std::string_view(buffer.data(), static_cast<std::size_t>(file.gcount())));
  if (file.bad()) throw Error("cannot read " + path + " to its end");
  return hasher.finish();
}

}  // namespace telltale
