// Users keep a document at several servers, which crash and are cut off at the rates of the
// scenario. Now and then one of them writes: the others see it within a time, or it counts as
// unavailable. What a user writes and reads at home has to work always.
#include <set>

#include "editors.hpp"
#include "kinds.hpp"
#include "vivim/crdt/map.hpp"
#include "vivim/crdt/value.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::sim {

namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""h;

class Availability {
 public:
  explicit Availability(Stage& stage)
      : stage_(stage),
        servers_(static_cast<std::size_t>(stage.scenario().number("servers", 2))),
        editors_(stage, std::max<std::size_t>(stage.scenario().nodes, servers_ + 2), servers_, 1),
        tasks_(stage.world().node(0).loop()) {}

  rt::Co<void> play() {
    stage_.doing("joining");
    bool ready = co_await editors_.start();
    for (std::size_t i = 1; ready && i < editors_.size(); ++i) {
      for (std::size_t from = 0; ready && from < std::min(i, servers_); ++from) {
        ready = co_await editors_.join(from, i);
      }
    }
    if (!ready) {
      stage_.report().failures.emplace_back("the nodes could not start and join");
    } else {
      stage_.doing("days pass");
      tasks_.spawn("probes", probe());
      co_await stage_.play_faults(editors_, servers_, stage_.scenario().duration());
      while (tasks_.running() > 0) {
        co_await stage_.pause(1s);
      }
    }
    co_await tasks_.stop();
    co_await editors_.stop();
    auto& report = stage_.report();
    report.set("available percent", percent(arrived_, expected_));
    report.set("own data percent", percent(own_, probes_));
    report.set("probes", static_cast<double>(probes_));
    report.set("probes missed", static_cast<double>(expected_ - arrived_));
    report.set("days", stage_.scenario().seconds / 86'400);
  }

 private:
  static double percent(std::size_t part, std::size_t whole) {
    return whole == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(whole);
  }

  std::size_t users() const { return editors_.size() - servers_; }

  /// Writes into a small document of one word, so that ninety days do not fill it.
  rt::Co<void> probe() {
    const auto interval = from_ms(1000 * stage_.scenario().number("probe_seconds", 600));
    const auto within = from_ms(1000 * stage_.scenario().number("within_seconds", 30));
    const auto end = stage_.world().now() + stage_.scenario().duration() - within;
    for (std::size_t number = 0;; ++number) {
      co_await stage_.pause_between(interval / 2, interval * 3 / 2);
      if (stage_.world().now() >= end) {
        co_return;
      }
      const std::size_t writer = servers_ + number % users();
      ++probes_;
      const auto begin = stage_.world().now();
      const bool written = co_await set(writer, number);
      own_ += written && co_await has(writer, number) ? 1 : 0;
      std::set<std::size_t> waiting;
      for (std::size_t who = servers_; who < editors_.size(); ++who) {
        if (who != writer) {
          waiting.insert(who);
        }
      }
      expected_ += waiting.size();
      while (!waiting.empty() && stage_.world().now() < begin + within) {
        for (const std::size_t who : std::set(waiting)) {
          if (co_await has(who, number)) {
            waiting.erase(who);
            ++arrived_;
            stage_.report().distributions["arrival ms"].add(to_ms(stage_.world().now() - begin));
          }
        }
        const bool soon = stage_.world().now() - begin < 1s;
        co_await stage_.pause(soon ? rt::Duration(20ms) : rt::Duration(1s));
      }
    }
  }

  rt::Co<bool> set(std::size_t who, std::size_t number) {
    auto lease = co_await editors_.at(who).hub().open(Editors::document(0));
    if (!lease) {
      co_return false;
    }
    const auto edited = co_await (*lease)->edit([number](crdt::Doc& doc) {
      doc.transact([&](crdt::Transaction& transaction) {
        doc.map("probe").set(transaction, "last", crdt::Any(static_cast<double>(number)));
      });
    });
    co_return edited.has_value();
  }

  rt::Co<bool> has(std::size_t who, std::size_t number) {
    auto lease = co_await editors_.at(who).hub().open(Editors::document(0));
    if (!lease) {
      co_return false;
    }
    const auto value = (*lease)->doc().map("probe").get("last");
    const auto* any = value ? std::get_if<crdt::Any>(&*value) : nullptr;
    const double* found = any == nullptr ? nullptr : any->if_number();
    co_return found != nullptr && *found >= static_cast<double>(number);
  }

  Stage& stage_;
  std::size_t servers_;
  Editors editors_;
  std::size_t probes_ = 0;
  std::size_t own_ = 0;
  std::size_t expected_ = 0;
  std::size_t arrived_ = 0;
  rt::TaskGroup tasks_;
};

}  // namespace

void play_availability(Stage& stage) {
  Availability availability(stage);
  stage.world().run(availability.play(), stage.scenario().duration() + 24h);
}

}  // namespace vivim::sim
