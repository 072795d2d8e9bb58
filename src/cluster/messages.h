// What coordinator and workers say to each other.
#pragma once

#include "cluster/communicator.h"

namespace telltale::cluster {

enum class Tag : int {
  // coordinator to worker
  tasks = 1,  ///< u32 count; each: u64 index, i32 attempt, u8 asks, identity, block payload, u32 n, n identities needed
  artifact,   ///< identity, u8 found, the artifact
  checkpoint,  ///< u64 index, u8 found, the checkpoint
  stop,        ///< drop the queue, end the running task soon; answered by idle
  end,         ///< u8: the study ended in order; the last message
  // worker to coordinator
  outcomes,         ///< u32 count; each: u64 index, u8 hopeless, block outcome, block artifact
  need_artifact,    ///< identity
  need_checkpoint,  ///< u64 index
  save_checkpoint,  ///< u64 index, the checkpoint
  lost,             ///< reason: the compute thread does not come back; what the rank has is not run
  idle,             ///< after stop: nothing runs, everything is sent
  served,           ///< u64 questions answered so far, f64 seconds that took
  // between coordinator and workers, now and then
  alive,  ///< nothing: who said nothing for long is taken for frozen (see silence.h)
  // between workers
  question,  ///< u64 number, identity of the asking task, the request
  answer,    ///< u64 number, u8 answered, the answer or why there is none
};

/// Beyond this, a message of many small records is sent off.
inline constexpr std::size_t full_message_bytes = 16 << 20;
/// Room for what surrounds an artifact or a payload in its message.
inline constexpr std::size_t largest_block_bytes = largest_message_bytes - (1 << 20);

/// A message of Tag::artifact or Tag::checkpoint: what was asked for, and what was found (nullptr: nothing).
inline Bytes answer(ByteSpan asked, const Bytes* found) {
  if (found != nullptr && found->size() > largest_block_bytes) found = nullptr;
  ByteWriter message;
  message.reserve(asked.size() + 1 + (found != nullptr ? found->size() : 0));
  message.raw(asked).put(static_cast<std::uint8_t>(found != nullptr));
  return (found != nullptr ? message.raw(*found) : message).take();
}

}  // namespace telltale::cluster
