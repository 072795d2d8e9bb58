#include "cluster/crash_note.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>

namespace telltale::cluster {
namespace {

constexpr std::array<int, 5> noted_signals{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

// A running task. More than so many at once go unnoted.
struct Place {
  std::atomic<bool> taken{false};
  std::atomic<bool> runs{false};
  std::array<std::uint8_t, Identity::size> task{};
};
constexpr int no_place = -1;

// All that the handler reads: a handler may touch neither the heap nor a lock.
struct {
  std::array<char, 4096> path{};
  std::array<Place, 256> places{};
  std::atomic<bool> noted{false};
  std::atomic<bool> installed{false};
  std::array<struct sigaction, noted_signals.size()> before{};
} state;
thread_local int my_place = no_place;

const Place* crashed_place() {
  if (my_place != no_place) return &state.places[static_cast<std::size_t>(my_place)];
  for (const Place& place : state.places)
    if (place.runs.load(std::memory_order_acquire)) return &place;
  return nullptr;
}

void note_crash(int signal_number) {
  if (const Place* place = crashed_place(); place != nullptr && !state.noted.exchange(true)) {
    // "<64 hexadecimal digits> <two digits of the signal>\n"
    constexpr char digits[] = "0123456789abcdef";
    std::array<char, 2 * Identity::size + 4> line{};
    for (std::size_t i = 0; i < Identity::size; ++i) {
      line[2 * i] = digits[place->task[i] >> 4];
      line[2 * i + 1] = digits[place->task[i] & 15];
    }
    line[64] = ' ';
    line[65] = static_cast<char>('0' + signal_number / 10);
    line[66] = static_cast<char>('0' + signal_number % 10);
    line[67] = '\n';
    const int file = open(state.path.data(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (file >= 0) {
      // Nothing more can be done in a dying process when this fails; the note is then dropped by the reader.
      [[maybe_unused]] const ssize_t written = write(file, line.data(), line.size());
      fsync(file);
      close(file);
    }
  }
  // SA_RESETHAND has put the default back; blocked until the handler returns, the signal then ends the process.
  raise(signal_number);
}

/// A stack for the handlers of the thread that makes it.
class HandlerStack {
 public:
  HandlerStack() {
    stack_t stack{};
    stack.ss_sp = memory_.get();
    stack.ss_size = size;
    sigaltstack(&stack, nullptr);
  }
  ~HandlerStack() {
    stack_t off{};
    off.ss_flags = SS_DISABLE;
    sigaltstack(&off, nullptr);
  }
  HandlerStack(const HandlerStack&) = delete;
  HandlerStack& operator=(const HandlerStack&) = delete;

 private:
  static constexpr std::size_t size = 64 * 1024;
  std::unique_ptr<std::byte[]> memory_ = std::make_unique<std::byte[]>(size);
};

std::optional<Crash> read_line(const std::string& line) {
  constexpr std::size_t hex = 2 * Identity::size;
  if (line.size() != hex + 3 || line.find_first_not_of("0123456789abcdef") != hex || line[hex] != ' ' ||
      line.find_first_not_of("0123456789", hex + 1) != std::string::npos)
    return std::nullopt;
  return Crash{Identity::from_hex(std::string_view(line).substr(0, hex)),
               10 * (line[hex + 1] - '0') + (line[hex + 2] - '0')};
}

}  // namespace

CrashNote::CrashNote(const std::string& prefix, int rank) {
  const std::string path = prefix + "." + std::to_string(rank);
  if (path.size() >= state.path.size()) throw Error("crash notes: the path is too long: " + path);
  if (state.installed.exchange(true)) throw Error("crash notes: this process already keeps them");
  state.noted = false;
  std::memcpy(state.path.data(), path.c_str(), path.size() + 1);
  struct sigaction action {};
  action.sa_handler = note_crash;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_ONSTACK);
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < noted_signals.size(); ++i) sigaction(noted_signals[i], &action, &state.before[i]);
}

CrashNote::~CrashNote() {
  for (std::size_t i = 0; i < noted_signals.size(); ++i) sigaction(noted_signals[i], &state.before[i], nullptr);
  state.installed = false;
}

CrashNote::Task::Task(const Identity& identity) : place_(no_place), outer_(my_place) {
  for (std::size_t i = 0; i < state.places.size(); ++i) {
    Place& place = state.places[i];
    if (place.taken.exchange(true)) continue;
    std::memcpy(place.task.data(), identity.bytes().data(), Identity::size);
    place.runs.store(true, std::memory_order_release);
    place_ = static_cast<int>(i);
    my_place = place_;
    return;
  }
}

CrashNote::Task::~Task() {
  if (place_ == no_place) return;
  my_place = outer_;
  Place& place = state.places[static_cast<std::size_t>(place_)];
  place.runs.store(false, std::memory_order_release);
  place.taken = false;
}

void CrashNote::protect_thread() { thread_local const HandlerStack stack; }

std::vector<Crash> read_crash_notes(const std::string& prefix) {
  namespace fs = std::filesystem;
  std::vector<Crash> crashes;
  const fs::path start(prefix);
  const fs::path folder = start.has_parent_path() ? start.parent_path() : fs::path(".");
  const std::string name = start.filename().string() + ".";
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator(folder, gone)) {
    const std::string found = entry.path().filename().string();
    if (!found.starts_with(name) || found.find_first_not_of("0123456789", name.size()) != std::string::npos) continue;
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);)
      if (const auto crash = read_line(line)) crashes.push_back(*crash);
    fs::remove(entry.path());
  }
  return crashes;
}

}  // namespace telltale::cluster
