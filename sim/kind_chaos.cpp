// Whole nodes edit documents, write to each other, talk in a circle and publish in the DHT, all at
// once, while machines lose power and what they had not synced, and the network cuts and resets.
// Then all heals, and
//   - each document is the same everywhere, with every acknowledged edit, exactly once;
//   - every message that was acknowledged has come, and its sender has heard so; what is exactly
//     once has had its effect once; what a mailbox keeps comes though its sender is gone;
//   - what was said in the circle has come to everybody, once, and nothing before what its speaker
//     had heard;
//   - the DHT tells everybody what each has published last, and who provides what.
#include <algorithm>
#include <set>

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

class Chaos {
 public:
  explicit Chaos(Stage& stage)
      : stage_(stage),
        editors_(stage, std::max<std::size_t>(stage.scenario().nodes, 3), 1,
                 static_cast<std::size_t>(stage.scenario().number("documents", 1))),
        words_(stage, editors_),
        said_by_(editors_.size()),
        gaps_(editors_.size()),
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
                               .circle = message::CircleSecret(secret),
                               .on_said = [this, i](const std::string& text, message::Order order) {
                                 check_order(i, text, order);
                               }};
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
      if (interval("letters", 3) > 0) {
        co_await leave_letters();
      }
      stage_.doing("converging");
      const auto begin = stage_.world().now();
      for (auto& trouble : co_await converge()) {
        stage_.report().failures.push_back(std::move(trouble));
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

  /// Begins what comes about every so often; an interval of 0 is never.
  template <class Begin>
  void begin(const char* what, double every_ms, Begin how) {
    if (every_ms > 0) {
      tasks_.spawn(what, how(from_ms(every_ms)));
    }
  }

  rt::Co<void> disturb() {
    stage_.doing("everything at once");
    deadline_ = stage_.world().now() + stage_.scenario().duration();
    for (std::size_t i = 0; i < editors_.size(); ++i) {
      begin("edits", interval("edit_interval_ms", 500),
            [&](auto every) { return words_.edit(i, deadline_, every); });
      begin("messages", interval("message_interval_ms", 500),
            [&](auto every) { return write(i, every); });
      begin("circle", interval("circle_interval_ms", 1'000),
            [&](auto every) { return talk(i, every); });
      begin("records", interval("record_interval_ms", 4'000),
            [&](auto every) { return publish(i, every); });
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
      if (!runs(who)) {
        continue;
      }
      auto text = std::to_string(who) + "!" + std::to_string(number);
      auto& causes = causes_[text];
      causes = citizens_[who]->knows();
      causes.insert(said_by_[who].begin(), said_by_[who].end());
      if (co_await citizens_[who]->say(text)) {
        said_by_[who].push_back(text);
        said_.emplace_back(who, std::move(text));
      }
    }
  }

  /// Something of the circle comes to `who`. Behind a gap, which is told of as one, nobody knows
  /// what else has not come yet.
  void check_order(std::size_t who, const std::string& text, message::Order order) {
    ++heard_;
    gaps_heard_ += order != message::Order::causal ? 1 : 0;
    gaps_[who] = gaps_[who] || order != message::Order::causal;
    if (gaps_[who] || out_of_order_) {
      return;
    }
    const auto own = std::to_string(who) + "!";
    for (const auto& cause : causes_[text]) {
      if (!cause.starts_with(own) && !citizens_[who]->knows().contains(cause)) {
        out_of_order_ = "p" + std::to_string(who) + " heard " + text + " before " + cause +
                        ", which its speaker had heard";
        return;
      }
    }
  }

  static constexpr std::size_t k_mailbox = 0;
  static constexpr std::size_t k_writer = 1;
  static constexpr std::size_t k_reader = 2;

  /// One writes to another who is away, and to the circle, and leaves when a mailbox has it all and
  /// another member has heard: what they hold comes to who was away.
  rt::Co<void> leave_letters() {
    using rt::sim::CrashKind;
    stage_.doing("letters to one who is away");
    co_await editors_.crash(k_reader, CrashKind::process);
    co_await write_letters(static_cast<std::size_t>(interval("letters", 3)));
    const bool stored = co_await soon(&Chaos::letters_stored);
    const bool heard = co_await say_last_word();
    // Others have to have it: the mailbox loses what it has only in memory.
    const bool kept = editors_.size() > 3 && co_await publish_last();
    co_await editors_.crash(k_writer, CrashKind::process);
    co_await editors_.crash(k_mailbox, CrashKind::power);
    co_await editors_.revive(k_mailbox);
    co_await editors_.revive(k_reader);
    const bool came = stored && co_await soon(&Chaos::letters_came);
    const bool told = heard && co_await soon(&Chaos::reader_was_told);
    const bool found = kept && co_await soon(&Chaos::reader_finds_record);
    co_await editors_.revive(k_writer);
    const auto need = [this](bool well, const char* trouble) {
      if (!well) {
        stage_.report().failures.emplace_back(trouble);
      }
    };
    need(stored, "messages: no mailbox has taken what was written to one who was away");
    need(came || !stored, "messages: what a mailbox had taken did not come to its reader");
    need(heard, "circle: a member who was there did not hear");
    need(told || !heard, "circle: who was away is not told by others what one said who is gone");
    need(found || !kept, "records: the last value of one who is gone is not found");
  }

  static constexpr const char* k_last_word = "1!last";
  /// Above what was tried and not acknowledged.
  static constexpr std::uint64_t k_last_sequence = 1'000;

  rt::Co<bool> say_last_word() {
    if (!co_await citizens_[k_writer]->say(k_last_word)) {
      co_return false;
    }
    said_.emplace_back(k_writer, k_last_word);
    co_return co_await soon(&Chaos::mailbox_was_told);
  }
  rt::Co<bool> publish_last() {
    const auto sequence = published_[k_writer] + k_last_sequence;
    if (!co_await citizens_[k_writer]->put(sequence)) {
      co_return false;
    }
    published_[k_writer] = sequence;
    ++puts_;
    co_return true;
  }
  rt::Co<bool> reader_finds_record() {
    const auto found = co_await citizens_[k_reader]->value_of(editors_.at(k_writer).peer_id());
    co_return found && *found >= published_[k_writer];
  }
  rt::Co<bool> mailbox_was_told() { co_return citizens_[k_mailbox]->knows().contains(k_last_word); }
  rt::Co<bool> reader_was_told() { co_return citizens_[k_reader]->knows().contains(k_last_word); }

  rt::Co<void> write_letters(std::size_t count) {
    for (std::size_t number = 0; number < count; ++number) {
      auto text = std::to_string(k_writer) + "letter" + std::to_string(number);
      if (co_await citizens_[k_writer]->send(editors_.at(k_reader).peer_id(), text,
                                             Delivery::exactly_once, Priority::normal)) {
        letters_.push_back({.from = k_writer,
                            .to = k_reader,
                            .text = std::move(text),
                            .delivery = Delivery::exactly_once});
      }
    }
    promised_.insert(promised_.end(), letters_.begin(), letters_.end());
    once_.insert(once_.end(), letters_.begin(), letters_.end());
  }

  rt::Co<bool> letters_stored() {
    const auto reader = editors_.at(k_reader).peer_id();
    co_return std::ranges::all_of(citizens_[k_writer]->pending(), [&](const auto& pending) {
      return pending.to != reader || pending.stored;
    });
  }

  rt::Co<bool> letters_came() {
    const auto effects = co_await citizens_[k_reader]->effects(editors_.at(k_writer).peer_id());
    co_return effects&& std::ranges::all_of(
        letters_, [&](const Promise& each) { return effects->contains(each.text); });
  }

  /// Whether it comes about within a few minutes.
  rt::Co<bool> soon(rt::Co<bool> (Chaos::*condition)()) {
    const auto give_up = stage_.world().now() + 5min;
    while (!co_await (this->*condition)()) {
      if (stage_.world().now() > give_up) {
        co_return false;
      }
      co_await stage_.pause(200ms);
    }
    co_return true;
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

  /// What is not as it has to be, when there was time enough; each with what it is about.
  rt::Co<std::vector<std::string>> converge() {
    const auto give_up = stage_.world().now() + from_ms(interval("heal_seconds", 1'800) * 1'000);
    for (;;) {
      std::vector<std::string> troubles;
      const auto add = [&troubles](const char* about, Trouble trouble) {
        if (trouble) {
          troubles.push_back(std::string(about) + ": " + *trouble);
        }
      };
      add("documents", co_await words_.difference());
      add("messages", co_await messages_missing());
      add("circle", co_await said_missing());
      add("records", co_await records_missing());
      if (troubles.empty() || stage_.world().now() > give_up) {
        co_return troubles;
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
    for (std::size_t who = 0; who < count; ++who) {
      if (const auto waiting = citizens_[who]->pending().size(); waiting > 0) {
        co_return "p" + std::to_string(who) + " did not hear of " + std::to_string(waiting) +
            " of its messages that they came";
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
    if (out_of_order_) {
      co_return out_of_order_;
    }
    // What is missing is asked for long before it is given up: a gap may be, but not as a rule.
    if (gaps_heard_ * 10 > heard_) {
      co_return std::to_string(gaps_heard_) + " of " + std::to_string(heard_) +
          " messages came without something that their speaker had heard";
    }
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
  std::vector<Promise> letters_;  ///< through the mailbox
  std::vector<std::pair<std::size_t, std::string>> said_;
  std::vector<std::vector<std::string>> said_by_;        ///< each
  std::map<std::string, std::set<std::string>> causes_;  ///< what a text may not come before
  std::vector<bool> gaps_;                               ///< something came to each with a gap
  Trouble out_of_order_;
  std::size_t heard_ = 0;                 ///< by all
  std::size_t gaps_heard_ = 0;            ///< of those, with a gap or after one
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
