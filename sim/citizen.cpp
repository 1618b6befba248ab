#include "citizen.hpp"

#include <algorithm>

#include "vivim/libp2p/kad/content_record.hpp"
#include "vivim/multiformats/multihash.hpp"
#include "vivim/store/grants.hpp"
#include "vivim/store/settings.hpp"

namespace vivim::sim {

namespace {

namespace gossipsub = libp2p::gossipsub;
namespace kad = libp2p::kad;
using std::chrono_literals::operator""h;

constexpr std::string_view k_record_name = "chaos";
/// Under which a citizen remembers what it has published.
constexpr std::string_view k_sequence_setting = "sim.sequence";
constexpr auto k_record_life = 24h;

gossipsub::ServiceOptions gossip_options(const crypto::KeyPair& key) {
  gossipsub::ServiceOptions options;
  options.router.signer = libp2p::record::Signer::of(key);
  return options;
}

Result<void> count_effect(store::Database& database, const message::Message& message) {
  return database.run(
      "INSERT INTO effects VALUES(?, ?, 1) ON CONFLICT DO UPDATE SET times = times + 1",
      message.from.bytes(), message.payload);
}

/// What each provides: under a hash of its id.
Bytes content_of(const multiformats::PeerId& provider) {
  return multiformats::Multihash::sha256_of(provider.bytes()).bytes();
}

Bytes key_of(const multiformats::PeerId& publisher) {
  return kad::content_key(publisher, k_record_name);
}

}  // namespace

class Citizen::Call {
 public:
  explicit Call(Citizen& citizen) : citizen_(citizen) { ++citizen_.calls_; }
  ~Call() {
    if (--citizen_.calls_ == 0) {
      citizen_.quiet_->set();
    }
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

 private:
  Citizen& citizen_;
};

void Citizen::know_others(Peer& peer) {
  const libp2p::peerstore::Time now(peer.node().clock().wall_now_ms());
  for (const auto& contact : options_.contacts) {
    if (contact.peer != peer.peer_id()) {
      peer.host().peer_store().add_address(contact.peer, contact.address.without_peer(),
                                           libp2p::peerstore::Source::configured,
                                           libp2p::peerstore::k_ttl_permanent, now);
    }
  }
}

rt::Co<bool> Citizen::start(Peer& peer) {
  peer_ = &peer;
  quiet_.emplace(peer.node().loop());
  know_others(peer);
  if (!co_await start_messages(peer) || !co_await start_dht(peer)) {
    co_return false;
  }
  document_gossip_.emplace(peer.node().loop(), peer.node().rng(), peer.hub());
  document_gossip_->attach(*gossip_);
  co_await refresh_shares();
  co_return true;
}

rt::Co<void> Citizen::refresh_shares() {
  auto grants = co_await peer_->store().read(
      [](store::Database& database) { return store::Grants(database).live(); });
  if (grants) {
    co_await document_gossip_->set_grants(std::move(*grants));
  }
}

rt::Co<bool> Citizen::start_messages(Peer& peer) {
  auto& loop = peer.node().loop();
  auto& rng = peer.node().rng();
  const auto table = co_await peer.store().write([](store::Database& database) {
    return database.execute(
        "CREATE TABLE IF NOT EXISTS effects(sender BLOB, payload BLOB, times INTEGER, "
        "PRIMARY KEY(sender, payload))");
  });
  if (!table) {
    co_return false;
  }
  post_.emplace(
      message::Post::Context{.host = peer.host(), .loop = loop, .store = peer.store(), .rng = rng},
      peer.key(),
      message::PostOptions{
          .messenger = {.mailboxes = options_.mailboxes, .effect = count_effect},
          .circles = {.on_message = [this](const message::CircleMessage& said) { hear(said); }},
          .keeps_for_others = options_.keeps_for_others});
  gossip_.emplace(peer.host(), loop, rng, gossip_options(peer.key()));
  const auto known = co_await heard();
  if (!known || !co_await post_->start() || !co_await post_->start_circles(*gossip_)) {
    co_return false;
  }
  for (const auto& [text, times] : *known) {
    knows_.insert(text);
  }
  message::CircleSecret secret;
  std::ranges::copy(options_.circle.view(), secret.writable().begin());
  const auto joined = co_await post_->join(std::move(secret), "chaos");
  co_return joined && gossip_->start();
}

void Citizen::hear(const message::CircleMessage& said) {
  std::string text(as_text(said.message.payload));
  if (options_.on_said) {
    options_.on_said(text, said.order);
  }
  knows_.insert(std::move(text));
}

rt::Co<bool> Citizen::start_dht(Peer& peer) {
  const auto known = co_await peer.store().read(
      [](store::Database& database) { return store::Settings(database).get(k_sequence_setting); });
  if (!known) {
    co_return false;
  }
  kad::DhtOptions options{.mode = kad::Mode::server};
  options.times.republish = options_.republish;
  options.times.republish_retry = std::min(options.times.republish_retry, options_.republish);
  dht_ = std::make_unique<kad::Dht>(peer.host(), peer.node().rng(),
                                    libp2p::record::Signer::of(peer.key()), std::move(options));
  if (!dht_->start()) {
    co_return false;
  }
  (void)dht_->keep_providing(content_of(peer.peer_id()));
  if (*known) {
    (void)dht_->keep_putting(key_of(peer.peer_id()), record(load_be64(**known)));
  }
  co_return true;
}

void Citizen::quit() {
  if (post_) {
    post_->stop_waiting();
  }
  if (dht_) {
    dht_->quit();
  }
}

rt::Co<void> Citizen::stop() {
  if (document_gossip_) {
    co_await document_gossip_->stop();
  }
  if (dht_) {
    co_await dht_->stop();
  }
  if (gossip_) {
    co_await gossip_->stop();
  }
  if (post_) {
    co_await post_->stop();
  }
  while (calls_ > 0) {
    quiet_->reset();
    co_await quiet_->wait();
  }
  document_gossip_.reset();
  dht_.reset();
  post_.reset();
  gossip_.reset();
  knows_.clear();
}

rt::Co<bool> Citizen::send(multiformats::PeerId to, std::string text, message::Delivery delivery,
                           message::Priority priority) {
  const Call call(*this);
  const auto sent = co_await post_->messenger().send(
      {.to = to, .payload = to_bytes(text), .priority = priority, .delivery = delivery});
  co_return sent.has_value();
}

rt::Co<bool> Citizen::say(std::string text) {
  const Call call(*this);
  auto& circles = *post_->circles();
  const auto ours = circles.list();
  if (ours.empty()) {
    co_return false;
  }
  const auto said =
      co_await circles.publish({.circle = ours.front().id, .subtopic = {}}, to_bytes(text));
  co_return said.has_value();
}

Bytes Citizen::record(std::uint64_t sequence) const {
  Bytes value(8);
  store_be64(value, sequence);
  const auto expires =
      peer_->node().clock().wall_now_ms() + std::chrono::milliseconds(k_record_life).count();
  return kad::seal_content(libp2p::record::Signer::of(peer_->key()), k_record_name, sequence,
                           expires, value);
}

rt::Co<bool> Citizen::put(std::uint64_t sequence) {
  const Call call(*this);
  Bytes number(8);
  store_be64(number, sequence);
  const auto noted = co_await peer_->store().write([&number](store::Database& database) {
    return store::Settings(database).set(k_sequence_setting, number);
  });
  if (!noted) {
    co_return false;
  }
  const Bytes key = key_of(peer_->peer_id());
  const Bytes value = record(sequence);
  (void)dht_->keep_putting(key, value);
  co_return (co_await dht_->put_value(key, value)).has_value();
}

rt::Co<std::optional<std::map<std::string, std::int64_t>>> Citizen::effects(
    multiformats::PeerId from) {
  using Effects = std::map<std::string, std::int64_t>;
  const auto found =
      co_await peer_->store().read([&from](store::Database& database) -> Result<Effects> {
        auto query =
            database.query("SELECT payload, times FROM effects WHERE sender = ?", from.bytes());
        Effects all;
        for (;;) {
          VIVIM_TRY(const bool more, query.step());
          if (!more) {
            return all;
          }
          all[std::string(as_text(query.bytes_view(0)))] = query.integer(1);
        }
      });
  co_return found ? std::optional(*found) : std::nullopt;
}

rt::Co<std::optional<std::map<std::string, int>>> Citizen::heard() {
  constexpr std::size_t k_rows_max = 20'000;
  const auto rows = co_await peer_->store().read(
      [](store::Database& database) { return store::Messages(database).newest(k_rows_max); });
  if (!rows) {
    co_return std::nullopt;
  }
  std::map<std::string, int> all;
  for (const auto& row : *rows) {
    if (row.topic) {
      ++all[std::string(as_text(row.payload))];
    }
  }
  co_return std::move(all);
}

rt::Co<bool> Citizen::finds(multiformats::PeerId provider) {
  const Call call(*this);
  const auto found = co_await dht_->find_providers(content_of(provider));
  co_return found&& std::ranges::any_of(found->providers, [&](const kad::FoundProvider& each) {
    return each.contact.peer == provider;
  });
}

rt::Co<std::optional<std::uint64_t>> Citizen::value_of(multiformats::PeerId publisher) {
  const Call call(*this);
  const Bytes key = key_of(publisher);
  const auto found = co_await dht_->get_value(key);
  const auto opened = found ? kad::open_content(key, found->value)
                            : Result<kad::ContentRecord>(fail(found.error()));
  co_return opened ? std::optional(opened->sequence) : std::nullopt;
}

}  // namespace vivim::sim
