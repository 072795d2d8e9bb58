// Tasks that ask other ranks. Run by all ranks of one mpirun together; every rank is an environment of its own.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>

#include "core/clock.h"
#include "ranks.h"

namespace telltale::cluster {
namespace {

using namespace std::chrono_literals;

std::string text_of(ByteSpan bytes) { return std::string(as_text(bytes)); }
Bytes bytes_of(const std::string& text) { return Bytes(text.begin(), text.end()); }

CoordinatorOptions options_of(Responder responder) {
  CoordinatorOptions options;
  options.environments.clear();
  for (int rank = 0; rank < world().size(); ++rank) {
    options.environment_of_rank.push_back(rank);
    options.environments.push_back("rank " + std::to_string(rank));
  }
  options.worker.environment_of_rank = options.environment_of_rank;
  if (world().size() > 1) options.worker.environment_of_rank[0] = -1;  // it only coordinates
  options.worker.responder = std::move(responder);
  options.worker.tasks_asking = 3;
  return options;
}

std::vector<int> who_answers() {
  std::vector<int> ranks;
  for (int rank = world().size() > 1 ? 1 : 0; rank < world().size(); ++rank) ranks.push_back(rank);
  return ranks;
}

std::vector<WorkItem> asking_items(int count) {
  std::vector<WorkItem> items;
  for (int i = 0; i < count; ++i) {
    items.push_back(item("search " + std::to_string(i)));
    items.back().asks = true;
  }
  return items;
}

Bytes echo(ByteSpan request, Artifacts&) {
  return bytes_of("rank " + std::to_string(world().rank()) + " heard " + text_of(request));
}

TEST(Asking, EveryRankAnswersForItsEnvironment) {
  const std::vector<WorkItem> items = asking_items(40);
  MemoryLedger ledger;
  const Summary summary = run_on_all(
      items, ledger,
      [](ByteSpan payload, TaskContext& context) {
        for (int round = 0; round < 5; ++round) {
          std::vector<Question> questions;
          for (const int rank : who_answers()) questions.push_back({rank, bytes_of(text_of(payload))});
          const std::vector<Bytes> answers = context.ask(questions);
          for (std::size_t i = 0; i < answers.size(); ++i)
            if (text_of(answers[i]) !=
                "rank " + std::to_string(questions[i].environment) + " heard " + text_of(payload))
              throw Error("the wrong answer: " + text_of(answers[i]));
        }
        return TaskResult{};
      },
      options_of(echo));
  if (world().rank() != 0) return;
  EXPECT_EQ(summary.done, items.size());
  EXPECT_TRUE(summary.failures.empty());
  std::uint64_t served = 0;
  for (const Served& one : summary.served) served += one.questions;
  EXPECT_GT(served, 0U);
}

TEST(Asking, SeveralTasksAskAtOnceAndWaitInParallel) {
  std::atomic<int> running{0}, most{0};
  MemoryLedger ledger;
  CoordinatorOptions options = options_of([](ByteSpan, Artifacts&) {
    std::this_thread::sleep_for(5ms);
    return Bytes();
  });
  run_on_all(
      asking_items(12 * static_cast<int>(who_answers().size())), ledger,
      [&](ByteSpan, TaskContext& context) {
        const int now = ++running;
        for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
        }
        for (int i = 0; i < 4; ++i) context.ask({{who_answers().back(), {}}});
        --running;
        return TaskResult{};
      },
      options);
  if (world().size() > 1 && world().rank() == 0) return;
  EXPECT_LE(most, 3);
  EXPECT_GE(most, 2);
}

TEST(Asking, ARefusalFailsTheTaskThatAskedAndNoOther) {
  const std::vector<WorkItem> items = asking_items(6);
  MemoryLedger ledger;
  CoordinatorOptions options = options_of([](ByteSpan request, Artifacts&) -> Bytes {
    if (text_of(request) == "search 3") throw Error("no such model");
    return {};
  });
  options.retries = 0;
  const Summary summary = run_on_all(
      items, ledger,
      [](ByteSpan payload, TaskContext& context) {
        context.ask({{who_answers().back(), bytes_of(text_of(payload))}});
        return TaskResult{};
      },
      options);
  if (world().rank() != 0) return;
  ASSERT_EQ(summary.failures.size(), 1U);
  EXPECT_EQ(summary.failures.front().index, 3U);
  EXPECT_EQ(summary.failures.front().reason, "no such model");
  EXPECT_EQ(summary.done, 5U);
}

TEST(Asking, AnAnswerMayNeedAnArtifact) {
  std::vector<WorkItem> items = asking_items(5);
  items.insert(items.begin(), item("model"));
  for (std::size_t i = 1; i < items.size(); ++i) items[i].prerequisites = {0};
  MemoryLedger ledger;
  const Summary summary = run_on_all(
      items, ledger,
      [](ByteSpan payload, TaskContext& context) {
        if (text_of(payload) == "model") return TaskResult{{}, bytes_of("weights")};
        for (const Bytes& answer : context.ask({{who_answers().back(), {}}, {who_answers().front(), {}}}))
          if (text_of(answer) != "weights") throw Error("another model: " + text_of(answer));
        return TaskResult{};
      },
      options_of([](ByteSpan, Artifacts& artifacts) { return *artifacts.artifact(Identity::of("model")); }));
  if (world().rank() != 0) return;
  EXPECT_EQ(summary.done, items.size());
}

TEST(Asking, ALongTaskAnswersWheneverItChecks) {
  std::vector<WorkItem> items = asking_items(4);
  for (int i = 0; i < static_cast<int>(who_answers().size()); ++i) {
    items.push_back(item("long " + std::to_string(i)));
    items.back().cost_s = 5;
    items.back().environments = {who_answers()[static_cast<std::size_t>(i)]};
  }
  MemoryLedger ledger;
  static std::atomic<int> answered{0};
  answered = 0;
  // The one whose rank is asked goes on until it has answered, between its steps: no other moment is left to do so.
  const int asked = who_answers().back();
  const Summary summary = run_on_all(
      items, ledger,
      [&](ByteSpan payload, TaskContext& context) {
        const std::string name = text_of(payload);
        if (!name.starts_with("long")) {
          context.ask({{asked, {}}});
          return TaskResult{};
        }
        const auto safety_net = std::chrono::steady_clock::now() + 300s;
        const bool waits = who_answers()[static_cast<std::size_t>(std::stoi(name.substr(5)))] == asked;
        while (waits && answered == 0 && std::chrono::steady_clock::now() < safety_net) {
          std::this_thread::sleep_for(1ms);
          context.check();
        }
        return TaskResult{{{"answered", Array::scalar(std::int64_t{answered})}}, {}};
      },
      options_of([](ByteSpan request, Artifacts& artifacts) {
        ++answered;
        return echo(request, artifacts);
      }));
  if (world().rank() != 0) return;
  EXPECT_EQ(summary.done, items.size());
  EXPECT_GT(ledger.only(items.size() - 1).values.at("answered").as<std::int64_t>()[0], 0);
}

TEST(Asking, QuestionsWithoutEndDoNotKeepATaskFromItsTurn) {
  std::vector<WorkItem> items = asking_items(3);
  items.push_back(item("short"));
  items.back().environments = {who_answers().back()};
  MemoryLedger ledger;
  static std::atomic<bool> short_ended{false};
  short_ended = false;
  // Whoever asks goes on until the task on the rank that answers has ended; that one checks between its steps.
  const Summary summary = run_on_all(
      items, ledger,
      [](ByteSpan payload, TaskContext& context) {
        if (text_of(payload) == "short") {
          for (int i = 0; i < 10; ++i) context.check();
          short_ended = true;
          return TaskResult();
        }
        while (text_of(context.ask({{who_answers().back(), {}}}).front()) != "ended") {
        }
        return TaskResult();
      },
      options_of([](ByteSpan, Artifacts&) { return bytes_of(short_ended ? "ended" : "not yet"); }));
  if (world().rank() != 0) return;
  EXPECT_EQ(summary.done, items.size());
}

TEST(Asking, WhoeverWaitsForAnAnswerStopsWithTheStudy) {
  MemoryLedger ledger;
  CoordinatorOptions options = options_of([](ByteSpan, Artifacts&) {
    std::this_thread::sleep_for(1ms);
    return Bytes();
  });
  options.time_left_s = [start = std::chrono::steady_clock::now()] { return 0.3 - seconds_since(start); };
  std::vector<WorkItem> items = asking_items(3);
  for (WorkItem& one : items) one.cost_s = 0.01;
  const Summary summary = run_on_all(
      items, ledger,
      [](ByteSpan, TaskContext& context) {
        while (true) context.ask({{who_answers().back(), {}}});
        return TaskResult{};
      },
      options);
  if (world().rank() != 0) return;
  EXPECT_TRUE(summary.stopped);
  EXPECT_EQ(summary.remaining, 3U);
  EXPECT_GE(summary.wall_s, 0.25) << "they ran until then";
}

TEST(Asking, WhatWasNotPlannedToAskMayNot) {
  MemoryLedger ledger;
  CoordinatorOptions options = options_of(echo);
  options.retries = 0;
  const Summary summary = run_on_all(
      {item("plain")}, ledger,
      [](ByteSpan, TaskContext& context) {
        context.ask({{who_answers().back(), {}}});
        return TaskResult{};
      },
      options);
  if (world().rank() != 0) return;
  EXPECT_EQ(summary.failed, 1U);
}

}  // namespace
}  // namespace telltale::cluster
