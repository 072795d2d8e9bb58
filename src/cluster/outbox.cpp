#include "cluster/outbox.h"

#include "cluster/messages.h"

namespace telltale::cluster {
namespace {

constexpr std::size_t enough_outcomes = 256;
constexpr std::chrono::milliseconds oldest_outcome{2};

}  // namespace

void Outbox::put(Finished finished, Clock::time_point now) {
  if (finished_.empty()) oldest_ = now;
  finished_.push_back(std::move(finished));
}

bool Outbox::became_full() const { return finished_.size() == enough_outcomes; }

std::vector<Finished> Outbox::take_due(bool nothing_else) {
  if (finished_.empty()) return {};
  if (!nothing_else && finished_.size() < enough_outcomes && Clock::now() - oldest_ < oldest_outcome) return {};
  return std::exchange(finished_, {});
}

Bytes outcomes_message(const std::vector<Finished>& batch, std::size_t& at) {
  std::uint32_t count = 0;
  std::size_t bytes = 0;
  for (std::size_t end = at; end < batch.size(); ++end, ++count) {
    const std::size_t more = batch[end].bytes() + 32;
    if (count > 0 && bytes + more > full_message_bytes) break;
    bytes += more;
  }
  ByteWriter records;
  records.reserve(bytes + sizeof count);
  records.put(count);
  for (std::uint32_t i = 0; i < count; ++i, ++at) {
    const Finished& one = batch[at];
    records.put(one.index).put(static_cast<std::uint8_t>(one.hopeless)).block(one.outcome);
    records.block(bytes_or_none(one.artifact));
  }
  return records.take();
}

}  // namespace telltale::cluster
