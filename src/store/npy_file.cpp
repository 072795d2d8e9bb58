#include "store/npy_file.h"

#include <charconv>
#include <cstring>
#include <string_view>

#include "core/error.h"
#include "store/atomic_file.h"

namespace telltale::store {
namespace {

// Magic, length of the header, a Python literal padded to 64 bytes; then the values.
constexpr std::string_view npy_magic{"\x93NUMPY\x01\x00", 8};
constexpr std::size_t before_text = npy_magic.size() + sizeof(std::uint16_t);

Bytes npy_header(const std::vector<std::int64_t>& shape) {
  std::string text = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  for (const std::int64_t size : shape) text += std::to_string(size) + ", ";
  text += "), }";
  text.append(63 - (before_text + text.size()) % 64, ' ');
  text += '\n';
  ByteWriter header;
  header.raw(as_bytes(npy_magic)).put(static_cast<std::uint16_t>(text.size()));
  return header.raw(as_bytes(text)).take();
}

std::vector<std::int64_t> shape_of(std::string_view header) {
  constexpr std::string_view key = "'shape': (";
  const auto refuse = [] { throw Error("no array of little-endian float32 values in C order"); };
  const auto found = header.find(key);
  if (found == std::string_view::npos || header.find("'descr': '<f4'") == std::string_view::npos ||
      header.find("'fortran_order': False") == std::string_view::npos)
    refuse();
  std::vector<std::int64_t> shape;
  for (const char *at = header.data() + found + key.size(), *end = header.data() + header.size(); at < end;) {
    if (*at == ')') return shape;
    std::int64_t size = 0;
    const auto [next, problem] = std::from_chars(at, end, size);
    if (problem != std::errc() || size < 0) refuse();
    shape.push_back(size);
    for (at = next; at < end && (*at == ',' || *at == ' ');) ++at;
  }
  refuse();
  return shape;
}

}  // namespace

void write_npy(const std::string& path, const std::vector<std::int64_t>& shape,
               const std::vector<std::span<const float>>& parts) {
  Bytes values;
  for (const auto& part : parts) {
    const auto* first = reinterpret_cast<const std::uint8_t*>(part.data());
    values.insert(values.end(), first, first + part.size_bytes());
  }
  write_file_atomically(path, {npy_header(shape), values});
}

NpyArray parse_npy(ByteSpan bytes) {
  if (bytes.size() < before_text || as_text(bytes.first(npy_magic.size())) != npy_magic)
    throw Error("no NumPy file, format 1.0");
  std::uint16_t length = 0;
  std::memcpy(&length, bytes.data() + npy_magic.size(), sizeof length);
  if (bytes.size() - before_text < length) throw Error("it is cut");
  NpyArray array;
  array.shape = shape_of(as_text(bytes.subspan(before_text, length)));
  const ByteSpan content = bytes.subspan(before_text + length);
  std::size_t count = 1;
  for (const std::int64_t size : array.shape)
    if (__builtin_mul_overflow(count, static_cast<std::size_t>(size), &count)) throw Error("it is too large");
  if (count > content.size() || content.size() != count * sizeof(float))
    throw Error("it has not as many values as its shape");
  array.values.resize(count);
  if (count > 0) std::memcpy(array.values.data(), content.data(), content.size());
  return array;
}

}  // namespace telltale::store
