#include "cluster/task_queue.h"

namespace telltale::cluster {

void write_task(ByteWriter& message, const std::vector<WorkItem>& items, std::size_t index, int attempt) {
  const WorkItem& item = items[index];
  message.put(std::uint64_t{index}).put(std::int32_t{attempt});
  message.put(static_cast<std::uint8_t>(item.asks)).raw(item.identity.bytes());
  message.block(item.payload).put(static_cast<std::uint32_t>(item.prerequisites.size()));
  for (const std::size_t needed : item.prerequisites) message.raw(items[needed].identity.bytes());
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
