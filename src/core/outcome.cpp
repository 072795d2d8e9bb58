#include "core/outcome.h"

#include <chrono>

namespace telltale {
namespace {

// First byte of every encoded outcome; raised when the layout changes.
constexpr std::uint8_t layout_version = 1;

OutcomeHead read_head(ByteReader& reader) {
  if (reader.get<std::uint8_t>() != layout_version) throw Error("an outcome of another layout version");
  OutcomeHead head;
  head.identity = Identity::from_bytes(reader.raw(Identity::size));
  head.status = reader.get<TaskStatus>();
  if (head.status > TaskStatus::stopped) throw Error("an outcome with an unknown status");
  head.seconds = reader.get<double>();
  head.reason = reader.text();
  return head;
}

}  // namespace

double unix_time_s() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

Bytes encode(const Outcome& outcome) {
  ByteWriter writer;
  writer.reserve(160);
  writer.put(layout_version).raw(outcome.identity.bytes()).put(outcome.status).put(outcome.seconds);
  writer.text(outcome.reason)
      .put(outcome.finished_s)
      .put(outcome.rank)
      .put(outcome.attempt)
      .text(outcome.environment)
      .text(outcome.host);
  writer.put(static_cast<std::uint32_t>(outcome.values.size()));
  for (const auto& [name, array] : outcome.values) {
    writer.text(name).put(array.dtype).put(static_cast<std::uint8_t>(array.shape.size()));
    for (const std::int64_t extent : array.shape) writer.put(extent);
    writer.block(array.data);
  }
  return writer.take();
}

Outcome decode_outcome(ByteSpan bytes) {
  ByteReader reader(bytes);
  OutcomeHead head = read_head(reader);
  Outcome outcome;
  outcome.identity = head.identity;
  outcome.status = head.status;
  outcome.seconds = head.seconds;
  outcome.reason = std::move(head.reason);
  outcome.finished_s = reader.get<double>();
  outcome.rank = reader.get<std::int32_t>();
  outcome.attempt = reader.get<std::int32_t>();
  outcome.environment = reader.text();
  outcome.host = reader.text();
  const auto count = reader.get<std::uint32_t>();
  for (std::uint32_t i = 0; i < count; ++i) {
    std::string name = reader.text();
    Array array;
    array.dtype = reader.get<DType>();
    if (array.dtype > DType::uint8) throw Error("an outcome with an array of unknown type");
    array.shape.resize(reader.get<std::uint8_t>());
    std::uint64_t elements = 1;
    for (std::int64_t& extent : array.shape) {
      extent = reader.get<std::int64_t>();
      if (extent < 0 || (extent > 0 && elements > bytes.size() / static_cast<std::uint64_t>(extent)))
        throw Error("an outcome with an impossible array shape");
      elements *= static_cast<std::uint64_t>(extent);
    }
    const ByteSpan data = reader.block();
    if (data.size() != elements * size_of(array.dtype))
      throw Error("an outcome with an array that does not fit its shape");
    array.data.assign(data.begin(), data.end());
    outcome.values.emplace(std::move(name), std::move(array));
  }
  if (!reader.empty()) throw Error("an outcome with bytes left over");
  return outcome;
}

OutcomeHead peek_outcome(ByteSpan bytes) {
  ByteReader reader(bytes);
  return read_head(reader);
}

}  // namespace telltale
