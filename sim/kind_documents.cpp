// Nodes edit shared documents while machines lose power and what they had not synced, and the
// network cuts and resets. Then all heals, and
//   - each document is the same everywhere,
//   - every edit that was acknowledged is in it, exactly once.
#include "editors.hpp"
#include "kinds.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::sim {

namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""h;

constexpr auto k_heal_max = 10min;

class Documents {
 public:
  explicit Documents(Stage& stage)
      : stage_(stage),
        editors_(stage, std::max<std::size_t>(stage.scenario().nodes, 2), 1,
                 static_cast<std::size_t>(stage.scenario().number("documents", 2))),
        acknowledged_(editors_.documents()),
        tasks_(stage.world().node(0).loop()) {}

  rt::Co<void> play() {
    stage_.doing("joining");
    bool ready = co_await editors_.start();
    for (std::size_t i = 1; ready && i < editors_.size(); ++i) {
      ready = co_await editors_.join(0, i);
    }
    if (!ready) {
      stage_.report().failures.emplace_back("the nodes could not start and join");
    } else {
      co_await disturb();
      stage_.doing("converging");
      const auto begin = stage_.world().now();
      if (auto trouble = co_await converge()) {
        stage_.report().failures.push_back(std::move(*trouble));
      }
      stage_.report().set("converged after s", to_ms(stage_.world().now() - begin) / 1000);
    }
    co_await tasks_.stop();
    co_await editors_.stop();
    stage_.report().set("edits acknowledged", static_cast<double>(acknowledged_count_));
    stage_.report().set("edits unanswered", static_cast<double>(unanswered_));
  }

 private:
  rt::Co<void> disturb() {
    stage_.doing("editing");
    deadline_ = stage_.world().now() + stage_.scenario().duration();
    for (std::size_t i = 0; i < editors_.size(); ++i) {
      tasks_.spawn("edits", edit(i));
    }
    co_await stage_.play_faults(editors_, editors_.size(), stage_.scenario().duration());
    while (tasks_.running() > 0) {
      co_await stage_.pause(100ms);
    }
  }

  rt::Co<void> edit(std::size_t who) {
    auto& rng = stage_.world().rng();
    const auto interval = from_ms(stage_.scenario().number("edit_interval_ms", 200));
    for (std::size_t number = 0; stage_.world().now() < deadline_; ++number) {
      co_await stage_.pause_between(1ms, 2 * interval);
      if (!editors_.at(who).running()) {
        continue;
      }
      const std::size_t document = rng.below(editors_.documents());
      auto word = std::to_string(who) + "." + std::to_string(number);
      const auto place = rng.u64();
      if (co_await editors_.edit(who, document, word, place)) {
        acknowledged_[document].push_back(std::move(word));
        ++acknowledged_count_;
      } else {
        ++unanswered_;
      }
    }
  }

  rt::Co<std::optional<std::string>> converge() {
    const auto give_up = stage_.world().now() + k_heal_max;
    for (;;) {
      const auto trouble = co_await difference();
      if (!trouble || stage_.world().now() > give_up) {
        co_return trouble;
      }
      co_await stage_.pause(200ms);
    }
  }

  rt::Co<std::optional<std::string>> difference() {
    for (std::size_t document = 0; document < editors_.documents(); ++document) {
      const auto first = co_await editors_.encoded(0, document);
      for (std::size_t who = 0; who < editors_.size(); ++who) {
        const auto other = co_await editors_.encoded(who, document);
        if (!first || !other) {
          co_return "a document cannot be opened after the last restart";
        }
        if (*other != *first) {
          co_return "document " + std::to_string(document) + " differs between p0 and p" +
              std::to_string(who);
        }
      }
      const auto found = co_await editors_.words(0, document);
      for (const auto& word : acknowledged_[document]) {
        const auto at = found->find(word);
        const int times = at == found->end() ? 0 : at->second;
        if (times != 1) {
          co_return "acknowledged edit " + word + " is in document " + std::to_string(document) +
              " " + std::to_string(times) + " times";
        }
      }
    }
    co_return std::nullopt;
  }

  Stage& stage_;
  Editors editors_;
  std::vector<std::vector<std::string>> acknowledged_;
  std::size_t acknowledged_count_ = 0;
  std::size_t unanswered_ = 0;
  rt::TimePoint deadline_{};
  rt::TaskGroup tasks_;
};

}  // namespace

void play_documents(Stage& stage) {
  Documents documents(stage);
  stage.world().run(documents.play(), 24h);
}

}  // namespace vivim::sim
