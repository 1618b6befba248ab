// One node was away while another made thousands of edits; it comes back and dials. How long until
// it has them all, from the dial on and from the moment when both are connected.
#include "editors.hpp"
#include "kinds.hpp"
#include "vivim/crdt/array.hpp"

namespace vivim::sim {

namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""h;

class Backlog {
 public:
  explicit Backlog(Stage& stage) : stage_(stage), editors_(stage, 2, 2, 1) {}

  rt::Co<void> play() {
    if (!co_await editors_.start() || !co_await editors_.join(0, 1)) {
      stage_.report().failures.emplace_back("the nodes could not start and join");
    } else {
      const auto rounds = static_cast<int>(stage_.scenario().number("rounds", 5));
      for (int i = 0; i < rounds; ++i) {
        co_await round();
      }
    }
    co_await editors_.stop();
  }

 private:
  rt::Co<void> round() {
    auto& world = stage_.world();
    co_await editors_.at(1).stop();
    co_await stage_.pause(60s);
    stage_.doing("editing");
    const auto edits = static_cast<std::size_t>(stage_.scenario().number("edits", 10'000));
    for (std::size_t i = 0; i < edits; ++i) {
      const auto place = world.rng().u64();
      if (!co_await editors_.edit(0, 0, std::to_string(total_ + i), place)) {
        stage_.report().failures.emplace_back("an edit was not taken");
        co_return;
      }
    }
    total_ += edits;
    const auto whole = co_await editors_.encoded(0, 0);
    stage_.doing("syncing");
    const auto begin = world.now();
    std::optional<rt::TimePoint> connected;
    if (!co_await editors_.at(1).start()) {
      stage_.report().failures.emplace_back("the node does not come back");
      co_return;
    }
    const auto give_up = begin + 60s;
    const auto subscription =
        editors_.at(1).host().subscribe([&connected, &world](const libp2p::HostEvent& event) {
          if (event.kind == libp2p::HostEvent::Kind::connected && !connected) {
            connected = world.now();
          }
        });
    while (world.now() < give_up) {
      if (connected && co_await complete()) {
        auto& report = stage_.report();
        report.distributions["sync from dial ms"].add(to_ms(world.now() - begin));
        report.distributions["sync ms"].add(to_ms(world.now() - *connected));
        if (co_await editors_.encoded(1, 0) != whole) {
          report.failures.emplace_back("what arrived is something else");
        }
        report.set("update bytes", static_cast<double>(whole->size()));
        co_return;
      }
      co_await stage_.pause(1ms);
    }
    stage_.report().failures.emplace_back("the backlog did not arrive within a minute");
  }

  rt::Co<bool> complete() {
    auto lease = co_await editors_.at(1).hub().open(Editors::document(0));
    co_return lease && (*lease)->doc().array("words").length() == total_;
  }

  Stage& stage_;
  Editors editors_;
  std::size_t total_ = 0;
};

}  // namespace

void play_backlog(Stage& stage) {
  Backlog backlog(stage);
  stage.world().run(backlog.play(), 24h);
}

}  // namespace vivim::sim
