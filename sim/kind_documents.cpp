// Nodes edit shared documents while machines lose power and what they had not synced, and the
// network cuts and resets. Then all heals, and
//   - each document is the same everywhere,
//   - every edit that was acknowledged is in it, exactly once.
#include "editors.hpp"
#include "kinds.hpp"
#include "vivim/rt/task_group.hpp"
#include "word_edits.hpp"

namespace vivim::sim {

namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""h;

constexpr auto k_heal_max = 10min;

class Documents {
 public:
  explicit Documents(Stage& stage)
      : stage_(stage),
        editors_(stage, std::max<std::size_t>(stage.scenario().nodes, 2), 1,
                 static_cast<std::size_t>(stage.scenario().number("documents", 2))),
        words_(stage, editors_),
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
    stage_.report().set("edits acknowledged", static_cast<double>(words_.acknowledged()));
    stage_.report().set("edits unanswered", static_cast<double>(words_.unanswered()));
  }

 private:
  rt::Co<void> disturb() {
    stage_.doing("editing");
    const auto deadline = stage_.world().now() + stage_.scenario().duration();
    const auto interval = from_ms(stage_.scenario().number("edit_interval_ms", 200));
    for (std::size_t i = 0; i < editors_.size(); ++i) {
      tasks_.spawn("edits", words_.edit(i, deadline, interval));
    }
    co_await stage_.play_faults(editors_, editors_.size(), stage_.scenario().duration());
    while (tasks_.running() > 0) {
      co_await stage_.pause(100ms);
    }
  }

  rt::Co<std::optional<std::string>> converge() {
    const auto give_up = stage_.world().now() + k_heal_max;
    for (;;) {
      const auto trouble = co_await words_.difference();
      if (!trouble || stage_.world().now() > give_up) {
        co_return trouble;
      }
      co_await stage_.pause(200ms);
    }
  }

  Stage& stage_;
  Editors editors_;
  WordEdits words_;
  rt::TaskGroup tasks_;
};

}  // namespace

void play_documents(Stage& stage) {
  Documents documents(stage);
  stage.world().run(documents.play(), 24h);
}

}  // namespace vivim::sim
