#include "cluster/question_router.h"

#include <algorithm>
#include <utility>

namespace telltale::cluster {
namespace {

constexpr std::chrono::milliseconds conversation_ends{50};
constexpr std::chrono::milliseconds served_interval{250};

}  // namespace

QuestionRouter::QuestionRouter(int rank, const std::vector<int>& environment_of_rank) : rank_(rank) {
  for (std::size_t r = 0; r < environment_of_rank.size(); ++r) {
    if (environment_of_rank[r] < 0) continue;
    const auto environment = static_cast<std::size_t>(environment_of_rank[r]);
    ranks_of_.resize(std::max(ranks_of_.size(), environment + 1));
    ranks_of_[environment].push_back(static_cast<int>(r));
  }
}

// This rank if it is of the environment, else one after the other.
int QuestionRouter::rank_to_ask(int environment) {
  const auto place = static_cast<std::size_t>(environment);
  if (environment < 0 || place >= ranks_of_.size() || ranks_of_[place].empty())
    throw Error("no rank has the environment that a task asks");
  const std::vector<int>& ranks = ranks_of_[place];
  if (std::find(ranks.begin(), ranks.end(), rank_) != ranks.end()) return rank_;
  return ranks[(turn_++ + static_cast<std::size_t>(rank_)) % ranks.size()];
}

std::vector<std::uint64_t> QuestionRouter::ask(const Identity& task, const std::vector<Question>& questions) {
  // All destinations first: a task that asks nobody leaves nothing behind.
  std::vector<int> destinations;
  for (const Question& question : questions) destinations.push_back(rank_to_ask(question.environment));
  std::vector<std::uint64_t> numbers;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const std::uint64_t number = next_number_++;
    open_.emplace(number, std::nullopt);
    numbers.push_back(number);
    const Bytes& request = questions[i].request;
    if (destinations[i] == rank_) {
      from_here_.push_back({rank_, number, task, request});
      ++waiting_;
    } else {
      ByteWriter writer;
      writer.reserve(request.size() + Identity::size + sizeof number);
      writer.put(number).raw(task.bytes()).raw(request);
      letters_.push_back({destinations[i], Tag::question, writer.take()});
    }
  }
  conversed_ = Clock::now();
  return numbers;
}

void QuestionRouter::forget(const std::vector<std::uint64_t>& numbers) {
  for (const std::uint64_t number : numbers) open_.erase(number);
}

Asked QuestionRouter::take_next() {
  std::deque<Asked>& from = from_others_.empty() ? from_here_ : from_others_;
  Asked asked = std::move(from.front());
  from.pop_front();
  --waiting_;
  return asked;
}

bool QuestionRouter::answer(const Asked& asked, Answered answered, double seconds) {
  ++served_.questions;
  served_.seconds += seconds;
  conversed_ = Clock::now();
  if (asked.source == rank_) {
    // Nobody waits any more where its task has ended meanwhile.
    if (const auto place = open_.find(asked.number); place != open_.end()) place->second = std::move(answered);
    return true;
  }
  ByteWriter writer;
  writer.reserve(answered.answer.size() + 16);
  writer.put(asked.number).put(static_cast<std::uint8_t>(answered.ok)).raw(answered.answer);
  letters_.push_back({asked.source, Tag::answer, writer.take()});
  return false;
}

void QuestionRouter::question_came(int source, ByteReader message) {
  Asked asked{source, message.get<std::uint64_t>(), Identity::from_bytes(message.raw(Identity::size)), {}};
  asked.request.assign(message.rest().begin(), message.rest().end());
  from_others_.push_back(std::move(asked));
  ++waiting_;
  conversed_ = Clock::now();
}

void QuestionRouter::answer_came(ByteReader message) {
  const auto number = message.get<std::uint64_t>();
  conversed_ = Clock::now();
  const auto place = open_.find(number);
  if (place == open_.end()) return;
  Answered answered{message.get<std::uint8_t>() != 0, {}};
  answered.answer.assign(message.rest().begin(), message.rest().end());
  place->second = std::move(answered);
}

std::optional<ServedSoFar> QuestionRouter::take_served() {
  const auto now = Clock::now();
  if (served_.questions <= served_told_ || now - served_told_at_ < served_interval) return std::nullopt;
  served_told_ = served_.questions;
  served_told_at_ = now;
  return served_;
}

bool QuestionRouter::converses() const {
  return !open_.empty() || has_waiting() || Clock::now() - conversed_ < conversation_ends;
}

}  // namespace telltale::cluster
