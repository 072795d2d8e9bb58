// What a rank tells of its work while it runs: a line a message, to standard error or to a file of its own.
#pragma once

#include <fmt/core.h>

#include <atomic>
#include <string>
#include <string_view>
#include <utility>

namespace telltale::log {

enum class Level : int { trace, debug, info, warn, error, off };

struct Settings {
  Level level = Level::off;
  std::string file;  ///< empty: standard error; else one file a rank, see file_of_rank()
  int rank = 0;
};

/// Until then nothing is logged. Once, before threads start. Throws InputError if the file cannot be written to.
void start(const Settings& settings);

/// "info" and so on. Throws InputError for another text.
Level parse_level(std::string_view text);
/// Where a rank's lines go: "run.log" is "run.0003.log" for rank 3. A file that is there already is added to.
std::string file_of_rank(const std::string& file, int rank);

/// The least level that is logged now.
inline std::atomic<Level> threshold{Level::off};
inline bool enabled(Level level) { return level >= threshold.load(std::memory_order_relaxed); }

/// From any thread; on its way to the disk when it returns. Never throws for what is logged.
void write(Level level, std::string_view text) noexcept;

/// The text is made only if the level is logged.
template <typename... T>
void at(Level level, fmt::format_string<T...> format, T&&... values) {
  if (enabled(level)) write(level, fmt::format(format, std::forward<T>(values)...));
}
template <typename... T>
void trace(fmt::format_string<T...> format, T&&... values) {
  at(Level::trace, format, std::forward<T>(values)...);
}
template <typename... T>
void debug(fmt::format_string<T...> format, T&&... values) {
  at(Level::debug, format, std::forward<T>(values)...);
}
template <typename... T>
void info(fmt::format_string<T...> format, T&&... values) {
  at(Level::info, format, std::forward<T>(values)...);
}
/// Something that the user should hear of at once: shown by default.
template <typename... T>
void warn(fmt::format_string<T...> format, T&&... values) {
  at(Level::warn, format, std::forward<T>(values)...);
}
template <typename... T>
void error(fmt::format_string<T...> format, T&&... values) {
  at(Level::error, format, std::forward<T>(values)...);
}

}  // namespace telltale::log
