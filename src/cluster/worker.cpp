#include "cluster/worker.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <utility>

#include "cluster/silence.h"
#include "cluster/worker_core.h"

namespace telltale::cluster {
namespace {

// While questions come and go, a main thread does not sleep longer than this.
constexpr std::chrono::microseconds conversing_nap{200};

}  // namespace

std::chrono::microseconds length_of(Nap& nap, const Communicator& communicator, const WorkerCore& core) {
  if (communicator.busy()) return Nap::shortest * 4;
  return core.converses() ? std::min(nap.next(), conversing_nap) : nap.next();
}

WorkReport work(Communicator& communicator, Executor executor, const WorkerOptions& options) {
  const auto waker = std::make_shared<Waker>();
  WorkerCore core(std::move(executor), options, communicator.rank(), communicator.host(), waker,
                  [&](int destination, Tag tag, Bytes bytes) {
                    communicator.send(destination, static_cast<int>(tag), std::move(bytes));
                  });
  Nap nap;
  Silence silence(options.rank_timeout_s, 1);
  while (!core.ended()) {
    bool active = false;
    silence.tick();
    while (!core.ended()) {
      const auto message = communicator.poll();
      if (!message) break;
      if (message->source == 0) silence.heard(0);
      if (static_cast<Tag>(message->tag) == Tag::alive) continue;
      core.handle(message->source, static_cast<Tag>(message->tag), message->bytes);
      active = true;
    }
    active |= core.step();
    if (silence.should_speak()) communicator.send(0, static_cast<int>(Tag::alive), {});
    if (silence.too_long(0))
      throw Error(fmt::format("the coordinator (rank 0) has said nothing for {:g} s: it is frozen, or its node is gone",
                              options.rank_timeout_s));
    if (active)
      nap.reset();
    else
      waker->wait_for(length_of(nap, communicator, core));
  }
  return core.finish();
}

void leave_process(int exit_code) {
  std::cout.flush();
  std::fflush(nullptr);
  _exit(exit_code);
}

}  // namespace telltale::cluster
