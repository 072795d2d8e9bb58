#include "study/records.h"

#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>

namespace telltale::study {
namespace {

// Throws if the payload is not what its type says; the caller turns that into damage.
void take(StudyRecords& records, RecordType type, ByteSpan payload) {
  switch (type) {
    case RecordType::head:
      if (!records.head) records.head = Json::parse(as_text(payload));
      break;
    case RecordType::outcome: {
      Outcome outcome = decode_outcome(payload);
      records.last_commit_s = std::max(records.last_commit_s, outcome.finished_s);
      const auto known = records.outcomes.find(outcome.identity);
      if (known == records.outcomes.end())
        records.outcomes.emplace(outcome.identity, std::move(outcome));
      else if (known->second.status != TaskStatus::done)
        known->second = std::move(outcome);
      break;
    }
    case RecordType::session: records.sessions.push_back(Json::parse(as_text(payload))); break;
    case RecordType::published:
      records.published.push_back(Identity::from_hex(Json::parse(as_text(payload)).at("sha256").get<std::string>()));
      break;
    case RecordType::crash:
      ++records.crashes[Identity::from_hex(Json::parse(as_text(payload)).at("task").get<std::string>())];
      break;
    case RecordType::product: {
      const Json note = Json::parse(as_text(payload));
      records.products[Identity::from_hex(note.at("task").get<std::string>())] = {
          note.at("kind").get<std::string>(), note.at("bytes").get<std::uint64_t>()};
      break;
    }
  }
}

}  // namespace

std::string StudyPaths::artifacts(const std::string& chosen) const {
  if (!chosen.empty()) return chosen;
  const auto folder = std::filesystem::path(results).parent_path();
  return (folder.empty() ? std::filesystem::path("artifacts") : folder / "artifacts").string();
}

bool StudyRecords::is_done(const Identity& task) const {
  const auto found = outcomes.find(task);
  return found != outcomes.end() && found->second.status == TaskStatus::done;
}

std::size_t StudyRecords::planned_tasks() const {
  std::size_t planned = 0;
  if (!sessions.empty())
    for (const auto& [kind, totals] : sessions.back().at("plan").items())
      planned += totals.at("tasks").get<std::size_t>();
  return planned;
}

int StudyRecords::crashes_of(const Identity& task) const {
  const auto found = crashes.find(task);
  return found == crashes.end() ? 0 : found->second;
}

StudyRecords interpret(const store::Scan& scan) {
  StudyRecords records;
  records.damages = scan.damages;
  for (const store::Record& record : scan.records) {
    try {
      take(records, static_cast<RecordType>(record.type), record.payload);
    } catch (const std::exception& error) {
      records.damages.push_back({record.offset, record.payload.size(),
                                 std::string("a record whose content cannot be read: ") + error.what()});
    }
  }
  return records;
}

StudyRecords read_records(const std::string& journal_path) {
  if (!std::filesystem::exists(journal_path)) throw InputError("there is no journal " + journal_path);
  return interpret(store::read_journal(journal_path));
}

Json read_progress(const StudyPaths& paths) {
  std::ifstream file(paths.progress());
  Json progress = Json::parse(file, nullptr, /*allow_exceptions=*/false);
  return progress.is_discarded() ? Json() : progress;
}

std::string utc_text(double unix_s) {
  const auto seconds = static_cast<std::time_t>(unix_s);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text;
}

}  // namespace telltale::study
