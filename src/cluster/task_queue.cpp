#include "cluster/task_queue.h"

#include "cluster/messages.h"

namespace telltale::cluster {

namespace {

void write_task(ByteWriter& message, const std::vector<WorkItem>& items, std::size_t index, int attempt) {
  const WorkItem& item = items[index];
  message.put(std::uint64_t{index}).put(std::int32_t{attempt});
  message.put(static_cast<std::uint8_t>(item.asks)).raw(item.identity.bytes());
  message.block(item.payload).put(static_cast<std::uint32_t>(item.prerequisites.size()));
  for (const std::size_t needed : item.prerequisites) message.raw(items[needed].identity.bytes());
}

}  // namespace

Bytes write_tasks(const std::vector<WorkItem>& items, const std::vector<std::size_t>& batch, std::size_t& at,
                  const std::function<int(std::size_t)>& attempt_of) {
  const auto bytes_of = [&items](std::size_t index) {
    return items[index].payload.size() + 64 + items[index].prerequisites.size() * Identity::size;
  };
  std::size_t bytes = bytes_of(batch[at]);
  std::size_t end = at + 1;
  for (; end < batch.size() && bytes + bytes_of(batch[end]) <= full_message_bytes; ++end) bytes += bytes_of(batch[end]);
  ByteWriter message;
  message.reserve(bytes + sizeof(std::uint32_t));
  message.put(static_cast<std::uint32_t>(end - at));
  for (; at < end; ++at) write_task(message, items, batch[at], attempt_of(batch[at]));
  return message.take();
}

std::vector<Task> read_tasks(ByteReader reader) {
  std::vector<Task> tasks(reader.get<std::uint32_t>());
  for (Task& task : tasks) {
    task.index = reader.get<std::uint64_t>();
    task.attempt = reader.get<std::int32_t>();
    task.asks = reader.get<std::uint8_t>() != 0;
    task.identity = Identity::from_bytes(reader.raw(Identity::size));
    const ByteSpan payload = reader.block();
    task.payload.assign(payload.begin(), payload.end());
    task.needs.resize(reader.get<std::uint32_t>());
    for (Identity& need : task.needs) need = Identity::from_bytes(reader.raw(Identity::size));
  }
  return tasks;
}

}  // namespace telltale::cluster
