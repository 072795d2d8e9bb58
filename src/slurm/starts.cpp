#include "slurm/starts.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <sstream>

#include "core/exit_code.h"
#include "core/json.h"
#include "core/outcome.h"
#include "core/posix.h"

namespace telltale::slurm {
namespace {

void add_line(const std::string& path, Json line) {
  line["at_s"] = unix_time_s();
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666));
  if (!file.valid()) throw Error(refusal("write", path, errno));
  std::string text = line.dump() + "\n";
  // A line that a killed start left unfinished spoils itself alone.
  if (const std::uint64_t size = file_size(file.get(), path); size > 0) {
    Bytes last(1);
    read_at(file.get(), last, size - 1, path);
    if (last[0] != '\n') text.insert(text.begin(), '\n');
  }
  append_to(file.get(), as_bytes(text), path);
  sync_file(file.get(), path);
}

void take(std::optional<Chain>& chain, const Json& line) {
  const auto event = line.at("event").get<std::string>();
  const double at_s = line.at("at_s");
  if (event == "submitted") {
    chain = Chain{.jobs = line.at("jobs").get<std::vector<std::string>>(), .submitted_s = at_s};
    return;
  }
  if (event == "begin") {
    const auto job = line.at("job").get<std::string>();
    if (!chain || !chain->holds(job)) chain = Chain{.jobs = {job}, .submitted_s = at_s};  // submitted by hand
    chain->stopped.clear();
    chain->starts.push_back(
        {.job = job, .restart = line.at("restart"), .begun_s = at_s, .done_before = line.at("done")});
  }
  if (!chain) return;
  if (event == "stopped") chain->stopped = line.at("reason");
  if (event == "end" && !chain->starts.empty()) {
    Start& last = chain->starts.back();
    last.exit_code = line.at("code").get<int>();
    last.ended_s = at_s;
    last.done_after = line.at("done");
  }
}

enum class Ending { interruption, time_limit, failure };

// Of a start that left something open.
Ending ending_of(const Start& start) {
  if (!start.exit_code) return Ending::interruption;
  return *start.exit_code == stopped_early ? Ending::time_limit : Ending::failure;
}

}  // namespace

bool Chain::holds(const std::string& job) const { return std::find(jobs.begin(), jobs.end(), job) != jobs.end(); }

std::optional<Chain> Starts::last() const {
  const FileDescriptor file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid() && errno == ENOENT) return std::nullopt;
  std::istringstream lines{std::string(as_text(read_file(path_)))};
  std::optional<Chain> chain;
  for (std::string line; std::getline(lines, line);) {
    try {
      take(chain, Json::parse(line));
    } catch (const Json::exception&) {
      // A start was killed while it wrote this.
    }
  }
  return chain;
}

void Starts::note_submission(const std::vector<std::string>& jobs) const {
  add_line(path_, {{"event", "submitted"}, {"jobs", jobs}});
}

void Starts::note_begin(const std::string& job, int restart, const Standing& standing) const {
  add_line(path_, {{"event", "begin"}, {"job", job}, {"restart", restart}, {"done", standing.done}});
}

void Starts::note_end(int exit_code, const Standing& standing) const {
  add_line(path_, {{"event", "end"}, {"code", exit_code}, {"done", standing.done}});
}

void Starts::note_stop(const std::string& reason) const { add_line(path_, {{"event", "stopped"}, {"reason", reason}}); }

std::string why_no_further_start(const Chain& chain, const Standing& now, const Budgets& budgets) {
  if (chain.starts.empty()) return "";
  const Start& last = chain.starts.back();
  if (last.exit_code == all_done) return "all is done";
  if (last.exit_code == some_failed && now.complete)
    return "all is done but for tasks that failed: `telltale report` and `telltale status` say which";
  if (last.exit_code == unusable_input) return "the input cannot be used (exit code 2): the log says why";
  if (last.exit_code == taken_over) return "another run has taken the study over (exit code 4)";

  int idle = 0;
  for (std::size_t i = chain.starts.size(); i-- > 0;) {
    const bool is_last = i + 1 == chain.starts.size();
    const Start& start = chain.starts[i];
    const std::size_t after = start.exit_code ? start.done_after : is_last ? now.done : chain.starts[i + 1].done_before;
    if (after > start.done_before) break;
    ++idle;
  }
  if (idle >= budgets.idle) return fmt::format("{} starts in a row brought not a single new result", idle);

  const struct {
    Ending ending;
    int budget;
    const char* what;
  } kinds[] = {{Ending::interruption, budgets.interruptions, "was killed"},
               {Ending::time_limit, budgets.time_limits, "was stopped by its time limit"},
               {Ending::failure, budgets.failures, "failed"}};
  for (const auto& kind : kinds) {
    const auto times = std::count_if(chain.starts.begin(), chain.starts.end(),
                                     [&](const Start& start) { return ending_of(start) == kind.ending; });
    if (times > 0 && times >= kind.budget) return fmt::format("it {} {} times", kind.what, times);
  }
  return "";
}

std::string how_it_ended(const Start& start) {
  if (!start.exit_code) return "killed, or still running";
  switch (*start.exit_code) {
    case all_done: return "all done";
    case some_failed: return "some failed";
    case unusable_input: return "unusable input";
    case stopped_early: return "stopped in time";
    case taken_over: return "taken over by another run";
    default: return fmt::format("failed (exit code {})", *start.exit_code);
  }
}

}  // namespace telltale::slurm
