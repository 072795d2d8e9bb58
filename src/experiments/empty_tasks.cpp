#include <algorithm>
#include <chrono>
#include <thread>

#include "experiments/empty.h"
#include "experiments/runners.h"

namespace telltale::experiments {
namespace {

cluster::TaskResult do_nothing(const Nothing& task, RankState&, cluster::TaskContext& context) {
  using namespace std::chrono;
  const auto end = steady_clock::now() + duration_cast<steady_clock::duration>(duration<double>(task.seconds));
  while (task.seconds > 0 && steady_clock::now() < end) {
    context.check();
    std::this_thread::sleep_until(std::min(end, steady_clock::now() + milliseconds(10)));
  }
  cluster::TaskResult result;
  result.values["index"] = Array::scalar<std::int64_t>(task.index);
  return result;
}

}  // namespace

void add_empty_runners(Runners& runners) { runners.add(do_nothing); }

}  // namespace telltale::experiments
