#include "cluster/site_check.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "cluster/agreement.h"
#include "core/clock.h"
#include "core/outcome.h"
#include "core/posix.h"

namespace telltale::cluster {
namespace {

using Clock = std::chrono::steady_clock;

// A network file system may show a new file late; who does not see it by then never will.
constexpr double patience_s = 30;
constexpr int pieces = 50;
constexpr std::size_t piece_bytes = 256;

std::string first_word_after(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string key, value;
    if (words >> key >> value && key == name) return value;
  }
  return "";
}

double number_or(const std::string& text, double otherwise) {
  std::istringstream stream(text);
  double number = 0;
  return stream >> number ? number : otherwise;
}

// Of the node, or of this process' control group (version 2) where that gives less.
double free_memory_bytes() {
  constexpr double kib = 1024;
  const double node = kib * number_or(first_word_after("/proc/meminfo", "MemAvailable:"), 0);
  std::ifstream membership("/proc/self/cgroup");
  for (std::string line; std::getline(membership, line);) {
    if (!line.starts_with("0::")) continue;
    std::string group = "/sys/fs/cgroup" + line.substr(3), most;
    std::ifstream(group + "/memory.max") >> most;
    return std::min(node, number_or(most, node));
  }
  return node;
}

int usable_cores() {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
}

// The file has this content before patience ends; how long that took.
std::optional<double> appears(const std::string& path, const std::string& content) {
  const auto start = Clock::now();
  do {
    std::ifstream file(path);
    std::string found;
    if (std::getline(file, found) && found == content) return seconds_since(start);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  } while (seconds_since(start) < patience_s);
  return std::nullopt;
}

FileDescriptor open_file(const std::string& path) {
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666));
  if (!file.valid()) throw InputError(refusal("write", path, errno));
  return file;
}

Bytes piece_of(int rank, int number) {
  std::string text = fmt::format("{} {} ", rank, number);
  text.resize(piece_bytes - 1, '.');
  text += '\n';
  return {text.begin(), text.end()};
}

// Each piece is there, once and whole.
bool holds_all_pieces(const std::string& path, int ranks) {
  const Bytes content = read_file(path);
  std::multiset<std::string> lines;
  std::istringstream stream{std::string(as_text(content))};
  for (std::string line; std::getline(stream, line);) lines.insert(line + "\n");
  for (int rank = 0; rank < ranks; ++rank)
    for (int number = 0; number < pieces; ++number) {
      const Bytes piece = piece_of(rank, number);
      if (lines.count(std::string(as_text(piece))) != 1) return false;
    }
  return lines.size() == static_cast<std::size_t>(ranks) * pieces;
}

double median_commit_s(int fd, const std::string& path) {
  constexpr int commits = 21;
  constexpr std::size_t commit_bytes = 4096;
  std::vector<double> seconds;
  for (int i = 0; i < commits; ++i) {
    const auto start = Clock::now();
    append_to(fd, Bytes(commit_bytes, '.'), path);
    sync_file(fd, path);
    seconds.push_back(seconds_since(start));
  }
  std::nth_element(seconds.begin(), seconds.begin() + commits / 2, seconds.end());
  return seconds[commits / 2];
}

std::string hosts_where(const std::vector<RankFindings>& ranks, const std::function<bool(const RankFindings&)>& holds) {
  std::set<std::string> hosts;
  for (const RankFindings& rank : ranks)
    if (holds(rank)) hosts.insert(rank.host);
  return fmt::format("{}", fmt::join(hosts, ", "));
}

}  // namespace

SiteFindings check_site(Communicator& communicator, const std::string& folder, const std::string& microarchitecture) {
  const int rank = communicator.rank(), ranks = communicator.size();
  const bool leads = rank == 0;
  RankFindings mine{.host = communicator.host(), .microarchitecture = microarchitecture, .cores = usable_cores()};
  mine.memory_bytes = free_memory_bytes() / static_cast<double>(communicator.node_ranks().size());

  const Json made = on_coordinator(communicator, [&]() -> Json {
    const std::string token = fmt::format("{:08x}", std::random_device()());
    const std::string stem = folder + "/.telltale-validate-" + token;
    append_to(open_file(stem).get(), as_bytes(token + "\n"), stem);
    open_file(stem + ".appended");
    open_file(stem + ".size");
    open_file(stem + ".lock");
    return {{"token", token}, {"stem", stem}};
  });
  const std::string token = made.at("token"), stem = made.at("stem");
  const auto file_of = [&stem](int of) { return fmt::format("{}.{}", stem, of); };

  SiteFindings findings;
  mine.unix_s = unix_time_s();  // just behind a broadcast
  // All begin a phase together; what goes wrong in it on one rank, all throw. Who does not see the folder only waits.
  std::optional<FileDescriptor> appended, sized, lock;
  agree(communicator, [&] {
    const auto seen = appears(stem, token);
    if (!seen) return;
    mine.sees_folder = true;
    mine.seen_after_s = *seen;
    write_file(file_of(rank), as_bytes(token + "\n"));
    appended = open_file(stem + ".appended");
    sized = open_file(stem + ".size");
  });
  agree(communicator, [&] {
    for (int number = 0; appended && number < pieces; ++number)
      append_to(appended->get(), piece_of(rank, number), stem + ".appended");
  });
  agree(communicator, [&] {
    if (!leads) return;
    append_to(sized->get(), as_bytes("x"), stem + ".size");
    lock = open_file(stem + ".lock");
    if (::flock(lock->get(), LOCK_EX | LOCK_NB) != 0) lock.reset();
  });
  agree(communicator, [&] {
    mine.sees_size = sized && file_size(sized->get(), stem + ".size") == 1;
    if (leads || !mine.sees_folder) return;
    const FileDescriptor other = open_file(stem + ".lock");
    mine.locked_out = ::flock(other.get(), LOCK_EX | LOCK_NB) != 0;
  });

  const auto seen_by = gather_json(communicator, [&]() -> Json { return mine.sees_folder; });
  const Json whole = on_coordinator(communicator, [&]() -> Json {
    bool back = true;
    for (int other = 0; other < ranks; ++other)
      back = back && seen_by[static_cast<std::size_t>(other)] == true && appears(file_of(other), token);
    const Json found = {{"back", back},
                        {"appends", holds_all_pieces(stem + ".appended", ranks)},
                        {"commit_s", median_commit_s(sized->get(), stem + ".size")}};
    for (int other = 0; other < ranks; ++other) ::unlink(file_of(other).c_str());
    for (const char* end : {"", ".appended", ".size", ".lock"}) ::unlink((stem + end).c_str());
    return found;
  });
  findings.folder_seen_back = whole.at("back");
  findings.appends_whole = whole.at("appends");
  findings.commit_s = whole.at("commit_s");
  const auto all = gather_json(communicator, [&]() -> Json {
    return {{"host", mine.host},
            {"microarchitecture", mine.microarchitecture},
            {"cores", mine.cores},
            {"memory_bytes", mine.memory_bytes},
            {"unix_s", mine.unix_s},
            {"sees_folder", mine.sees_folder},
            {"seen_after_s", mine.seen_after_s},
            {"sees_size", mine.sees_size},
            {"locked_out", mine.locked_out ? Json(*mine.locked_out) : Json()}};
  });
  for (const Json& one : all)
    findings.ranks.push_back({.host = one.at("host"),
                              .microarchitecture = one.at("microarchitecture"),
                              .cores = one.at("cores"),
                              .memory_bytes = one.at("memory_bytes"),
                              .unix_s = one.at("unix_s"),
                              .sees_folder = one.at("sees_folder"),
                              .seen_after_s = one.at("seen_after_s"),
                              .sees_size = one.at("sees_size"),
                              .locked_out = one.at("locked_out").is_null()
                                                ? std::nullopt
                                                : std::optional<bool>(one.at("locked_out").get<bool>())});
  return findings;
}

std::vector<Remark> remarks_on(const SiteFindings& findings) {
  using Kind = Remark::Kind;
  std::vector<Remark> remarks;
  const auto& ranks = findings.ranks;
  const auto add = [&remarks]<typename... T>(Kind kind, fmt::format_string<T...> format, T&&... values) {
    remarks.push_back({kind, fmt::format(format, std::forward<T>(values)...)});
  };

  std::set<std::string> hosts;
  for (const RankFindings& rank : ranks) hosts.insert(rank.host);
  add(Kind::good, "{} rank{} started on {} node{}", ranks.size(), ranks.size() == 1 ? "" : "s", hosts.size(),
      hosts.size() == 1 ? "" : "s");
  if (hosts.size() == 1 && ranks.size() > 1)
    add(Kind::note, "all ranks are on {}: whatever lies between nodes was not tried", *hosts.begin());

  if (const std::string blind = hosts_where(ranks, [](const RankFindings& r) { return !r.sees_folder; });
      !blind.empty())
    add(Kind::missing, "the folder is not shared: {} see{} no file that rank 0 made there", blind,
        blind.find(',') == std::string::npos ? "s" : "");
  else if (!findings.folder_seen_back)
    add(Kind::missing, "the folder is not shared: rank 0 does not see the files of all others");
  else
    add(Kind::good, "all nodes share the folder");
  double latest_s = 0;
  for (const RankFindings& rank : ranks) latest_s = std::max(latest_s, rank.seen_after_s);
  constexpr double late_s = 0.5;
  if (latest_s > late_s) add(Kind::note, "files are seen late: after {:.1f} s", latest_s);

  if (!findings.appends_whole)
    add(Kind::note,
        "what several nodes append to one file at once does not all arrive: two runs of one study are kept apart by "
        "locks alone");
  else
    add(Kind::good, "what several ranks append to one file at once arrives whole");
  if (const std::string late = hosts_where(ranks, [](const RankFindings& r) { return r.sees_folder && !r.sees_size; });
      !late.empty())
    add(Kind::note, "{}: the size of a file is seen late: two runs of one study are kept apart by locks alone", late);
  if (const std::string open = hosts_where(ranks, [](const RankFindings& r) { return r.locked_out == false; });
      !open.empty())
    add(Kind::note,
        "locks (flock) of rank 0 do not reach {}: two runs of one study are kept apart by the journal alone", open);
  else
    add(Kind::good, "locks (flock) hold{}", hosts.size() > 1 ? " between the nodes" : "");
  const bool fenced = findings.appends_whole &&
                      std::all_of(ranks.begin(), ranks.end(), [](const RankFindings& r) { return r.sees_size; });
  const bool locks =
      std::none_of(ranks.begin(), ranks.end(), [](const RankFindings& r) { return r.locked_out == false; });
  if (!fenced && !locks)
    add(Kind::missing,
        "neither locks nor what is appended reach from node to node: nothing keeps two runs of one study apart here; "
        "choose another folder");

  constexpr double slow_s = 0.05, milli = 1e3;
  add(findings.commit_s > slow_s ? Kind::note : Kind::good, "a commit takes {:.2f} ms (4 KiB and fsync, median)",
      milli * findings.commit_s);

  double first = std::numeric_limits<double>::infinity(), last = -first;
  for (const RankFindings& rank : ranks) {
    first = std::min(first, rank.unix_s);
    last = std::max(last, rank.unix_s);
  }
  constexpr double clocks_apart_s = 5;
  if (last - first > clocks_apart_s) add(Kind::note, "the clocks of the nodes are {:.0f} s apart", last - first);

  constexpr double gib = 1024.0 * 1024 * 1024, least = gib;
  double memory = std::numeric_limits<double>::infinity();
  for (const RankFindings& rank : ranks) memory = std::min(memory, rank.memory_bytes);
  add(memory < least ? Kind::missing : Kind::good, "at least {:.1f} GiB of memory a rank{}", memory / gib,
      memory < least ? ": trainings need 1 GiB" : "");
  return remarks;
}

}  // namespace telltale::cluster
