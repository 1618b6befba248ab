#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "vivim/base/log.hpp"
#include "vivim/message/mailbox_server.hpp"
#include "vivim/message/members_test_detail.hpp"
#include "vivim/message/messenger.hpp"
#include "vivim/rt/sim/world.hpp"
#include "vivim/store/store.hpp"

namespace vivim::message::test {

/// A whole program on a simulated machine: a host, a store, messages, and, if wanted, a mailbox for
/// others. It can die at any moment and come back with what its disk kept.
class Machine {
 public:
  struct Options {
    bool keeps_for_others = false;
    MessengerOptions messenger = {};
    MailboxOptions mailbox = {};
    rt::sim::NodeOptions node = {};
  };

  Machine(rt::sim::World& world, std::uint64_t number, Options options)
      : world_(world),
        node_(world.add_node("node" + std::to_string(number), options.node)),
        key_(key_pair(number)),
        options_(std::move(options)) {
    start();
  }
  ~Machine() {
    if (messenger_) {
      stop(true);
    }
  }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  void start() {
    worker_ = node_.make_worker();
    store::StoreOptions store_options{
        .database = {.path = "vivim.db", .disk = &node_.disk(), .random_seed = 7}};
    auto opened = world_.run(store::Store::open(node_.loop(), *worker_, store_options));
    REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().message()));
    store_ = std::move(*opened);
    REQUIRE(world_.run(store_->write([](store::Database& db) {
      return db.execute(
          "CREATE TABLE IF NOT EXISTS effects(sender BLOB, payload BLOB, times INTEGER, "
          "PRIMARY KEY(sender, payload))");
    })));
    host_.emplace(libp2p::HostOptions{.key = key_}, node_.loop(), node_.network(), node_.rng());
    address_ =
        host_->listen(Multiaddr::parse("/ip4/" + node_.ip().to_string() + "/tcp/4001").value())
            .value()
            .with_peer(id())
            .value();
    for (const auto& [peer, address] : known_) {
      host_->peer_store().add_address(
          peer, address.without_peer(), libp2p::peerstore::Source::configured,
          libp2p::peerstore::k_ttl_permanent, libp2p::peerstore::Time(node_.clock().wall_now_ms()));
    }
    if (options_.keeps_for_others) {
      mailbox_.emplace(*host_, node_.loop(), *store_, options_.mailbox);
      REQUIRE(mailbox_->status());
    }
    auto options = options_.messenger;
    options.on_event = [this](const MessageEvent& event) { note(event); };
    options.effect = [](store::Database& db, const Message& message) -> Result<void> {
      return db.run(
          "INSERT INTO effects VALUES(?, ?, 1) ON CONFLICT DO UPDATE SET times = times + 1",
          message.from.bytes(), message.payload);
    };
    messenger_.emplace(*host_, node_.loop(), *store_, node_.rng(), key_, std::move(options));
    REQUIRE(world_.run(messenger_->start()));
  }

  void stop(bool orderly) {
    if (mailbox_) {
      mailbox_->stop();
    }
    world_.run(host_->stop());
    world_.run(messenger_->stop());
    messenger_.reset();
    mailbox_.reset();
    if (orderly) {
      REQUIRE(world_.run(store_->close()));
    }
    host_.reset();
    store_.reset();
    worker_.reset();
  }

  /// Power goes; comes back with start_again(). `over`: whether the calls that others have under
  /// way have ended.
  void crash(const std::function<bool()>& over = {}) {
    node_.crash();
    if (over) {
      REQUIRE(world_.run_until(over));
    }
    stop(false);
  }
  void start_again() {
    node_.restart();
    start();
  }
  bool running() const { return messenger_.has_value(); }

  /// Where to find another; before or after start().
  void know(const Machine& other) {
    known_.emplace_back(other.id(), other.address_);
    host_->peer_store().add_address(
        other.id(), other.address_.without_peer(), libp2p::peerstore::Source::configured,
        libp2p::peerstore::k_ttl_permanent, libp2p::peerstore::Time(node_.clock().wall_now_ms()));
  }
  void use_mailbox(const Machine& other) {
    options_.messenger.mailboxes.push_back(other.address_);
    stop(true);
    start();
  }

  PeerId id() const { return PeerId::of(key_); }
  const Multiaddr& address() const { return address_; }
  rt::sim::Node& node() { return node_; }
  libp2p::Host& host() { return *host_; }
  store::Store& store() { return *store_; }
  Messenger& messenger() { return *messenger_; }
  MailboxServer& mailbox() { return *mailbox_; }
  Options& options() { return options_; }
  const crypto::KeyPair& key() const { return key_; }

  Result<MessageId> send(const Machine& to, std::string_view text,
                         Delivery delivery = Delivery::at_least_once) {
    return world_.run(messenger_->send(
        {.to = to.id(), .payload = to_bytes(text), .delivery = delivery, .lifetime = lifetime_}));
  }
  std::vector<std::string> texts() {
    std::vector<std::string> out;
    for (const auto& row : received()) {
      out.push_back(std::string(as_text(row.payload)));
    }
    return out;
  }
  /// What came, newest first.
  std::vector<store::MessageRow> received() {
    constexpr std::size_t k_rows_max = 1000;
    auto rows = world_.run(
        store_->read([](store::Database& db) { return store::Messages(db).newest(k_rows_max); }));
    REQUIRE(rows);
    return std::move(*rows);
  }
  /// The person removes the message that came last.
  void remove_newest() {
    if (const auto rows = received(); !rows.empty()) {
      REQUIRE(world_.run(store_->write([seq = rows.front().seq](store::Database& db) {
        return store::Messages(db).remove(seq);
      })));
    }
  }
  /// How often the effect of a message came.
  std::int64_t effects(const PeerId& sender, std::string_view text) {
    const auto times = world_.run(store_->read([&](store::Database& db) -> Result<std::int64_t> {
      auto query = db.query("SELECT times FROM effects WHERE sender = ? AND payload = ?",
                            sender.bytes(), as_bytes(text));
      VIVIM_TRY(const bool found, query.step());
      return found ? query.integer(0) : 0;
    }));
    REQUIRE(times);
    return *times;
  }
  std::size_t count(MessageEvent::Kind kind) const {
    return static_cast<std::size_t>(std::ranges::count(events_, kind));
  }
  void set_lifetime(std::chrono::seconds lifetime) { lifetime_ = lifetime; }

 private:
  void note(const MessageEvent& event) { events_.push_back(event.kind); }

  rt::sim::World& world_;
  rt::sim::Node& node_;
  crypto::KeyPair key_;
  Options options_;
  std::vector<std::pair<PeerId, Multiaddr>> known_;
  Multiaddr address_ = Multiaddr::parse("/ip4/127.0.0.1/tcp/1").value();
  std::chrono::seconds lifetime_ = std::chrono::hours(24 * 7);
  std::vector<MessageEvent::Kind> events_;
  std::unique_ptr<rt::Worker> worker_;
  std::unique_ptr<store::Store> store_;
  std::optional<libp2p::Host> host_;
  std::optional<MailboxServer> mailbox_;
  std::optional<Messenger> messenger_;
};

inline void silence_log() {
  log::set_sink([](auto&&...) {}, log::Level::error);
}

}  // namespace vivim::message::test
