#include "vivim/node/node_dht.hpp"

#include "vivim/base/log.hpp"
#include "vivim/base/utf8.hpp"
#include "vivim/libp2p/kad/content_record.hpp"
#include "vivim/multiformats/cid.hpp"

namespace vivim::node {

namespace {

namespace kad = libp2p::kad;
using gateway::DhtLookup;
using multiformats::PeerId;

/// How long a published text is valid; it is signed anew and put again long before.
constexpr auto k_published_life = std::chrono::hours(24 * 7);

Problem dht_problem(const Error& error, std::string doing) {
  auto problem = Problem::from(error, std::move(doing));
  const bool alone = error.is(kad::KadError::no_peers) || error.is(kad::KadError::stopping);
  problem.kind = alone                                ? ProblemKind::unavailable
                 : error.is(kad::KadError::not_found) ? ProblemKind::not_found
                 : error.blame() == Blame::transient  ? ProblemKind::unavailable
                                                      : ProblemKind::bad_input;
  problem.code = alone                                ? "dht_alone"
                 : error.is(kad::KadError::not_found) ? "dht_not_found"
                                                      : "dht_failed";
  problem.hint = alone ? "Connect with a node of the DHT: vivim connect MULTIADDR, or bootstrap = "
                         "[...] in config.toml."
                       : "";
  return problem;
}

Problem bad_text(const std::string& message, const std::string& hint) {
  return {.kind = ProblemKind::bad_input, .code = "bad_key", .message = message, .hint = hint};
}

/// The multihash of a CID, or what a document of this id is announced under.
Outcome<Bytes> key_of(const std::string& content) {
  if (const auto cid = multiformats::Cid::parse(content)) {
    return cid->hash().bytes();
  }
  if (const auto document = store::DocumentId::parse(content)) {
    return document_key(*document);
  }
  return std::unexpected(
      bad_text("'" + content + "' is neither a CID nor the id of a conversation.",
               "Conversations and their ids: vivim ls --json"));
}

std::vector<std::string> texts_of(const std::vector<multiformats::Multiaddr>& addresses) {
  std::vector<std::string> texts;
  for (const auto& address : addresses) {
    texts.push_back(address.to_string());
  }
  return texts;
}

DhtLookup tell(const kad::LookupReport& report) {
  return {.end = std::string(kad::to_string(report.end)),
          .hops = report.hops,
          .asked = report.asked,
          .answers = report.answers,
          .ms = std::chrono::duration<double, std::milli>(report.time).count()};
}

gateway::DhtStored tell(const kad::Stored& stored, std::string key) {
  return {.key = std::move(key),
          .stored = stored.stored,
          .tried = stored.tried,
          .early = stored.early,
          .region = stored.region,
          .lookup = tell(stored.lookup)};
}

/// "/pk/<peer id>" as people write it: in base58 for the id's bytes.
Bytes value_key(const std::string& text) {
  constexpr std::string_view k_public_key = "/pk/";
  if (text.starts_with(k_public_key)) {
    if (const auto peer = PeerId::parse(text.substr(k_public_key.size()))) {
      Bytes key = to_bytes(k_public_key);
      append(key, peer->bytes());
      return key;
    }
  }
  return to_bytes(std::string_view(text));
}

}  // namespace

Bytes document_key(const store::DocumentId& document) {
  return multiformats::Multihash::sha256_of(as_bytes("/vivim/document/" + document.to_text()))
      .bytes();
}

Outcome<kad::Dht*> NodeDht::dht() const {
  if (auto* const dht = swarm_.dht()) {
    return dht;
  }
  return std::unexpected(Problem{.kind = ProblemKind::unavailable,
                                 .code = "dht_off",
                                 .message = "This node takes no part in the DHT.",
                                 .hint = "Run the node (vivim run), with dht.mode other than "
                                         "\"off\" in config.toml."});
}

rt::Co<Outcome<gateway::ContentProviders>> NodeDht::providers(std::string content,
                                                              std::uint64_t enough) {
  VIVIM_CO_TRY(auto* const of, dht());
  VIVIM_CO_TRY(const Bytes key, key_of(content));
  const auto on_found = [this, &content](const kad::FoundProvider& found) {
    events_.publish(gateway::content_available_event(content, found.contact.peer.to_string()));
  };
  const auto found = co_await of->find_providers(key, {.enough = enough, .on_found = on_found});
  if (!found) {
    co_return std::unexpected(dht_problem(found.error(), "Could not look for " + content));
  }
  gateway::ContentProviders told{.content = content,
                                 .key = to_hex(key),
                                 .region = found->region,
                                 .lookup = tell(found->lookup)};
  for (const auto& provider : found->providers) {
    told.providers.push_back({.peer_id = provider.contact.peer.to_string(),
                              .addresses = texts_of(provider.contact.addresses),
                              .is_signed = provider.is_signed,
                              .told_by = provider.told_by});
  }
  co_return told;
}

rt::Co<Outcome<gateway::DhtStored>> NodeDht::provide(std::string content) {
  VIVIM_CO_TRY(auto* const of, dht());
  VIVIM_CO_TRY(const Bytes key, key_of(content));
  const auto stored = co_await of->provide(key);
  if (!stored) {
    co_return std::unexpected(dht_problem(stored.error(), "Could not provide " + content));
  }
  if (const auto kept = of->keep_providing(key); !kept) {
    co_return std::unexpected(dht_problem(kept.error(), "Could not go on providing " + content));
  }
  events_.publish(gateway::content_available_event(content, swarm_.host().peer_id().to_string()));
  co_return tell(*stored, to_hex(key));
}

rt::Co<Outcome<gateway::DhtValue>> NodeDht::value(std::string key) {
  VIVIM_CO_TRY(auto* const of, dht());
  const Bytes raw = value_key(key);
  const auto found = co_await of->get_value(raw);
  if (!found) {
    co_return std::unexpected(dht_problem(found.error(), "Could not get " + key));
  }
  gateway::DhtValue told{.key = std::move(key),
                         .votes = found->votes,
                         .disagreed = found->disagreed,
                         .lookup = tell(found->lookup)};
  Bytes value = found->value;
  if (auto record = kad::open_content(raw, value)) {
    told.publisher = record->publisher.to_string();
    told.sequence = record->sequence;
    value = std::move(record->value);
  }
  if (is_utf8(as_text(value))) {
    told.text = as_text(value);
  } else {
    told.hex = to_hex(value);
  }
  co_return told;
}

rt::Co<Outcome<gateway::DhtStored>> NodeDht::put(std::string name, std::string text) {
  VIVIM_CO_TRY(auto* const of, dht());
  if (name.empty() || name.find('/') == 0) {
    co_return std::unexpected(bad_text("A name must not be empty, nor begin with a slash.",
                                       "For example: vivim dht put profile TEXT"));
  }
  const Bytes key = kad::content_key(swarm_.host().peer_id(), name);
  // The wall clock grows over restarts, so a later text replaces an earlier one.
  const auto& clock = swarm_.host().loop().clock();
  const auto sequence = static_cast<std::uint64_t>(clock.wall_now_ms());
  const auto seal = [signer = signer_, &clock, name, text, sequence] {
    const auto life = std::chrono::duration_cast<std::chrono::milliseconds>(k_published_life);
    return kad::seal_content(signer, name, sequence, clock.wall_now_ms() + life.count(),
                             as_bytes(text));
  };
  const auto stored = co_await of->put_value(key, seal());
  if (!stored) {
    co_return std::unexpected(dht_problem(stored.error(), "Could not publish '" + name + "'"));
  }
  if (const auto kept = of->keep_putting(key, seal); !kept) {
    co_return std::unexpected(dht_problem(kept.error(), "Could not go on publishing " + name));
  }
  co_return tell(*stored, std::string(as_text(key)));
}

rt::Co<Outcome<gateway::DhtPeer>> NodeDht::find(std::string peer_id) {
  VIVIM_CO_TRY(auto* const of, dht());
  const auto peer = PeerId::parse(peer_id);
  if (!peer) {
    co_return std::unexpected(
        bad_text("'" + peer_id + "' is not the id of a node.", "A node's id: vivim id"));
  }
  const auto found = co_await of->find_peer(*peer);
  if (!found) {
    co_return std::unexpected(dht_problem(found.error(), "Could not find " + peer_id));
  }
  co_return gateway::DhtPeer{.peer_id = std::move(peer_id),
                             .addresses = texts_of(found->contact.addresses),
                             .is_signed = found->is_signed,
                             .lookup = tell(found->lookup)};
}

void NodeDht::announce(const store::DocumentId& document) {
  auto* const dht = swarm_.dht();
  if (dht == nullptr) {
    return;
  }
  if (const auto kept = dht->keep_providing(document_key(document)); !kept) {
    log::write(log::Level::warning, "node", "a shared document is not announced",
               {{"error", std::string_view(kept.error().message())}});
    return;
  }
  events_.publish(
      gateway::content_available_event(document.to_text(), swarm_.host().peer_id().to_string()));
}

void NodeDht::withdraw(const store::DocumentId& document) {
  if (auto* const dht = swarm_.dht()) {
    dht->stop_publishing(document_key(document));
  }
}

rt::Co<Outcome<gateway::SharedTicket>> AnnouncedShares::share(store::DocumentId id,
                                                              store::Access access) {
  auto shared = co_await shares_.share(id, access);
  if (shared) {
    dht_.announce(id);
  }
  co_return shared;
}

rt::Co<Outcome<gateway::DocumentShares>> AnnouncedShares::shares(store::DocumentId id) {
  co_return co_await shares_.shares(id);
}

rt::Co<Outcome<void>> AnnouncedShares::revoke(store::DocumentId id) {
  auto revoked = co_await shares_.revoke(id);
  if (revoked) {
    dht_.withdraw(id);
  }
  co_return revoked;
}

rt::Co<Outcome<gateway::Joined>> AnnouncedShares::join(std::string ticket) {
  auto joined = co_await shares_.join(std::move(ticket));
  if (joined) {
    dht_.announce(joined->id);
  }
  co_return joined;
}

}  // namespace vivim::node
