#include "core/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <memory>
#include <utility>

#include "core/error.h"

namespace telltale::log {
namespace {

constexpr std::array names{std::pair{"trace", Level::trace}, std::pair{"debug", Level::debug},
                           std::pair{"info", Level::info},   std::pair{"warn", Level::warn},
                           std::pair{"error", Level::error}, std::pair{"off", Level::off}};

spdlog::level::level_enum level_of(Level level) {
  switch (level) {
    case Level::trace: return spdlog::level::trace;
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warn: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
    case Level::off: break;
  }
  return spdlog::level::off;
}

// Never destroyed: a thread that does not come back may log until the process is gone.
std::unique_ptr<spdlog::logger>* logger = nullptr;

}  // namespace

Level parse_level(std::string_view text) {
  for (const auto& [name, level] : names)
    if (text == name) return level;
  throw InputError(fmt::format("there is no log level \"{}\": trace, debug, info, warn, error or off", text));
}

std::string file_of_rank(const std::string& file, int rank) {
  const auto name = file.find_last_of('/') == std::string::npos ? 0 : file.find_last_of('/') + 1;
  auto dot = file.find_last_of('.');
  if (dot == std::string::npos || dot <= name) dot = file.size();  // no extension, or a hidden file without one
  return fmt::format("{}.{:04}{}", file.substr(0, dot), rank, file.substr(dot));
}

void start(const Settings& settings) {
  if (settings.level == Level::off) return;
  spdlog::sink_ptr sink;
  try {
    if (settings.file.empty())
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    else
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file_of_rank(settings.file, settings.rank));
  } catch (const spdlog::spdlog_ex& failure) {
    throw InputError(fmt::format("the log cannot be written: {}", failure.what()));
  }
  auto made = std::make_unique<spdlog::logger>("telltale", std::move(sink));
  made->set_level(spdlog::level::trace);  // threshold decides
  made->set_pattern(fmt::format("%Y-%m-%d %H:%M:%S.%e rank {} %l: %v", settings.rank));
  made->flush_on(spdlog::level::trace);                // a rank that is killed keeps what it said
  made->set_error_handler([](const std::string&) {});  // a full disk is no reason to stop
  if (logger == nullptr) logger = new std::unique_ptr<spdlog::logger>;
  *logger = std::move(made);
  threshold = settings.level;
}

void write(Level level, std::string_view text) noexcept {
  if (logger == nullptr || !enabled(level)) return;
  try {
    (*logger)->log(level_of(level), spdlog::string_view_t(text.data(), text.size()));
  } catch (...) {
    // A message is never worth a task.
  }
}

}  // namespace telltale::log
