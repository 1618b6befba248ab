// Whole nodes edit documents, write to each other, talk in a circle and publish in the DHT, all at
// once, while machines lose power and what they had not synced, and the network cuts and resets.
// Then all heals, and
//   - each document is the same everywhere, with every acknowledged edit, exactly once;
//   - every message that was acknowledged has come, and what is exactly once has had its effect
//     once;
//   - what was said in the circle has come to everybody, once;
//   - the DHT tells everybody what each has published last, and who provides what.
#include "citizen.hpp"
#include "editors.hpp"
#include "kinds.hpp"
#include "vivim/rt/task_group.hpp"
#include "word_edits.hpp"

namespace vivim::sim {

namespace {

using message::Delivery;
using message::Priority;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""h;
using Trouble = std::optional<std::string>;

constexpr auto k_heal_max = 30min;
constexpr std::uint16_t k_port = 4001;

class Chaos {
 public:
  explicit Chaos(Stage& stage)
      : stage_(stage),
        editors_(stage, std::max<std::size_t>(stage.scenario().nodes, 3), 1,
                 static_cast<std::size_t>(stage.scenario().number("documents", 1))),
        words_(stage, editors_),
        published_(editors_.size()),
        tasks_(stage.world().node(0).loop()) {
    std::vector<Citizen::Contact> contacts;
    for (std::size_t i = 0; i < editors_.size(); ++i) {
      const auto peer = editors_.at(i).peer_id();
      const auto ip = editors_.at(i).node().ip().to_string();
      contacts.push_back(
          {.peer = peer,
           .address =
               multiformats::Multiaddr::from_tcp(ip, k_port).value().with_peer(peer).value()});
    }
    Bytes secret(32);
    stage.world().rng().fill(secret);
    for (std::size_t i = 0; i < editors_.size(); ++i) {
      Citizen::Options options{.contacts = contacts,
                               .keeps_for_others = i == 0,
                               .circle = message::CircleSecret(secret)};
      if (i > 0) {
        options.mailboxes = {contacts[0].address};
      }
      citizens_.push_back(std::make_unique<Citizen>(std::move(options)));
      editors_.at(i).set_guest(*citizens_.back());
    }
  }

  rt::Co<void> play() {
    stage_.doing("joining");
    bool ready = co_await editors_.start();
    for (std::size_t i = 1; ready && i < editors_.size(); ++i) {
      ready = co_await editors_.join(0, i);
    }
    for (std::size_t i = 0; ready && i < citizens_.size(); ++i) {
      co_await citizens_[i]->refresh_shares();
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
    count();
    co_await tasks_.stop();
    co_await editors_.stop();
  }

 private:
  struct Promise {
    std::size_t from;
    std::size_t to;
    std::string text;
    Delivery delivery;
  };

  double interval(const char* name, double otherwise) {
    return stage_.scenario().number(name, otherwise);
  }

  rt::Co<void> disturb() {
    stage_.doing("everything at once");
    deadline_ = stage_.world().now() + stage_.scenario().duration();
    for (std::size_t i = 0; i < editors_.size(); ++i) {
      tasks_.spawn("edits", words_.edit(i, deadline_, from_ms(interval("edit_interval_ms", 500))));
      tasks_.spawn("messages", write(i, from_ms(interval("message_interval_ms", 500))));
      tasks_.spawn("circle", talk(i, from_ms(interval("circle_interval_ms", 1'000))));
      tasks_.spawn("records", publish(i, from_ms(interval("record_interval_ms", 4'000))));
    }
    co_await stage_.play_faults(editors_, editors_.size(), stage_.scenario().duration());
    while (tasks_.running() > 0) {
      co_await stage_.pause(100ms);
    }
  }

  bool runs(std::size_t who) { return editors_.at(who).running() && citizens_[who]->running(); }

  rt::Co<void> write(std::size_t who, rt::Duration every) {
    auto& rng = stage_.world().rng();
    for (std::size_t number = 0; stage_.world().now() < deadline_; ++number) {
      co_await stage_.pause_between(1ms, 2 * every);
      const auto delivery = static_cast<Delivery>(rng.below(3));
      const auto priority = static_cast<Priority>(rng.below(4));
      const std::size_t to = (who + 1 + rng.below(editors_.size() - 1)) % editors_.size();
      if (!runs(who)) {
        continue;
      }
      auto text = std::to_string(who) + "." + std::to_string(number);
      if (delivery == Delivery::exactly_once) {
        once_.push_back({.from = who, .to = to, .text = text, .delivery = delivery});
      }
      const bool sent =
          co_await citizens_[who]->send(editors_.at(to).peer_id(), text, delivery, priority);
      if (sent && delivery != Delivery::best_effort) {
        promised_.push_back({.from = who, .to = to, .text = std::move(text), .delivery = delivery});
      }
    }
  }

  rt::Co<void> talk(std::size_t who, rt::Duration every) {
    for (std::size_t number = 0; stage_.world().now() < deadline_; ++number) {
      co_await stage_.pause_between(1ms, 2 * every);
      auto text = std::to_string(who) + "!" + std::to_string(number);
      if (runs(who) && co_await citizens_[who]->say(text)) {
        said_.emplace_back(who, std::move(text));
      }
    }
  }

  rt::Co<void> publish(std::size_t who, rt::Duration every) {
    for (std::uint64_t sequence = 1; stage_.world().now() < deadline_; ++sequence) {
      co_await stage_.pause_between(1ms, 2 * every);
      if (runs(who) && co_await citizens_[who]->put(sequence)) {
        published_[who] = sequence;
        ++puts_;
      }
    }
  }

  rt::Co<Trouble> converge() {
    const auto give_up = stage_.world().now() + k_heal_max;
    for (;;) {
      auto trouble = co_await words_.difference();
      if (!trouble) {
        trouble = co_await messages_missing();
      }
      if (!trouble) {
        trouble = co_await said_missing();
      }
      if (!trouble) {
        trouble = co_await records_missing();
      }
      if (!trouble || stage_.world().now() > give_up) {
        co_return trouble;
      }
      co_await stage_.pause(2s);
    }
  }

  rt::Co<Trouble> messages_missing() {
    std::vector<std::map<std::string, std::int64_t>> effects;  // of (from, to)
    const std::size_t count = editors_.size();
    for (std::size_t from = 0; from < count; ++from) {
      for (std::size_t to = 0; to < count; ++to) {
        auto found = co_await citizens_[to]->effects(editors_.at(from).peer_id());
        if (!found) {
          co_return "the effects at p" + std::to_string(to) + " cannot be read";
        }
        effects.push_back(std::move(*found));
      }
    }
    const auto times = [&](const Promise& promise) {
      const auto& all = effects[promise.from * count + promise.to];
      const auto found = all.find(promise.text);
      return found == all.end() ? 0 : found->second;
    };
    for (const auto& promise : promised_) {
      if (times(promise) < 1) {
        co_return "acknowledged message " + promise.text + " did not come to p" +
            std::to_string(promise.to);
      }
    }
    for (const auto& promise : once_) {
      if (times(promise) > 1) {
        co_return "message " + promise.text + ", exactly once, had its effect " +
            std::to_string(times(promise)) + " times";
      }
    }
    co_return std::nullopt;
  }

  rt::Co<Trouble> said_missing() {
    for (std::size_t who = 0; who < editors_.size(); ++who) {
      const auto heard = co_await citizens_[who]->heard();
      if (!heard) {
        co_return "what p" + std::to_string(who) + " heard cannot be read";
      }
      for (const auto& [by, text] : said_) {
        const auto found = heard->find(text);
        const int times = found == heard->end() ? 0 : found->second;
        if (by != who && times != 1) {
          co_return "p" + std::to_string(who) + " heard " + text + " " + std::to_string(times) +
              " times";
        }
      }
    }
    co_return std::nullopt;
  }

  rt::Co<Trouble> records_missing() {
    for (std::size_t by = 0; by < editors_.size(); ++by) {
      for (std::size_t who = 0; who < editors_.size(); ++who) {
        if (who != by && !co_await citizens_[who]->finds(editors_.at(by).peer_id())) {
          co_return "p" + std::to_string(who) + " does not find what p" + std::to_string(by) +
              " provides";
        }
      }
      std::optional<std::uint64_t> first;
      for (std::size_t who = 0; published_[by] > 0 && who < editors_.size(); ++who) {
        const auto value = co_await citizens_[who]->value_of(editors_.at(by).peer_id());
        if (!value || *value < published_[by]) {
          co_return "p" + std::to_string(who) + " finds " +
              (value ? "value " + std::to_string(*value) : std::string("no value")) + " of p" +
              std::to_string(by) + ", not " + std::to_string(published_[by]);
        }
        if (first && *first != *value) {
          co_return "the value of p" + std::to_string(by) + " is not the same everywhere";
        }
        first = value;
      }
    }
    co_return std::nullopt;
  }

  void count() {
    auto& report = stage_.report();
    const auto set = [&report](const char* name, std::size_t value) {
      report.set(name, static_cast<double>(value));
    };
    set("edits acknowledged", words_.acknowledged());
    set("messages acknowledged", promised_.size());
    set("circle messages acknowledged", said_.size());
    set("records acknowledged", puts_);
    std::size_t caught_up = 0;
    std::size_t gaps = 0;
    for (const auto& citizen : citizens_) {
      if (const auto* counts = citizen->circle_counts()) {
        caught_up += counts->caught_up;
        gaps += counts->gaps;
      }
    }
    set("circle messages caught up", caught_up);
    set("circle gaps", gaps);
  }

  Stage& stage_;
  Editors editors_;
  WordEdits words_;
  std::vector<std::unique_ptr<Citizen>> citizens_;
  std::vector<Promise> promised_;
  std::vector<Promise> once_;
  std::vector<std::pair<std::size_t, std::string>> said_;
  std::vector<std::uint64_t> published_;  ///< of each, the last one that was acknowledged
  std::size_t puts_ = 0;
  rt::TimePoint deadline_{};
  rt::TaskGroup tasks_;
};

}  // namespace

void play_chaos(Stage& stage) {
  Chaos chaos(stage);
  stage.world().run(chaos.play(), 24h);
}

}  // namespace vivim::sim
