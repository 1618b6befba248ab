#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "vivim/libp2p/gossipsub/router.hpp"
#include "vivim/libp2p/record/peer_record.hpp"
#include "vivim/rt/sim/engine.hpp"

namespace vivim::libp2p::gossipsub::test {

using namespace std::chrono_literals;

inline crypto::KeyPair key_of(std::uint8_t number) {
  return crypto::KeyPair::from_seed(crypto::Ed25519Seed(Bytes(32, number)));
}

inline PeerId peer_of(std::uint8_t number) {
  return PeerId::of(key_of(number));
}

/// Cuts frames into RPCs without their lengths.
inline std::vector<Bytes> rpcs_of(BytesView frames) {
  std::vector<Bytes> rpcs;
  while (!frames.empty()) {
    const auto size = decode_varint(frames).value();
    rpcs.push_back(to_bytes(frames.subspan(size.size, size.value)));
    frames = frames.subspan(size.size + size.value);
  }
  return rpcs;
}

inline Bytes body_of(BytesView frame) {
  return rpcs_of(frame).at(0);
}

/// The frame of subscriptions to topics that begin so.
inline Bytes subscriptions(std::size_t count, const std::string& prefix) {
  Bytes fields;
  for (std::size_t i = 0; i < count; ++i) {
    wire::append_subscription(fields, {.topic = prefix + std::to_string(i), .subscribe = true});
  }
  return wire::frame(fields, {});
}

/// Ids that could be those of messages.
inline std::vector<Bytes> made_up_ids(std::size_t count, std::uint64_t first = 0) {
  std::vector<Bytes> ids;
  for (std::size_t i = 0; i < count; ++i) {
    Bytes id = to_bytes(peer_of(9).bytes());
    Bytes number(8);
    store_be64(number, first + i);
    append(id, number);
    ids.push_back(std::move(id));
  }
  return ids;
}

inline std::vector<BytesView> views(const std::vector<Bytes>& ids) {
  return {ids.begin(), ids.end()};
}

/// What a router told of.
struct Told {
  std::vector<MessagePtr> delivered;
  std::vector<ToValidate> to_validate;
  std::vector<Connect> connect;
  std::vector<ForeignIds> foreign;
  std::vector<PartialReceived> partial;
  std::vector<PartialGossip> partial_gossip;
  std::size_t overloaded = 0;
  std::size_t subscriptions = 0;

  void take(Router& router) {
    while (auto event = router.poll_event()) {
      if (auto* it = std::get_if<Delivered>(&*event)) {
        delivered.push_back(it->message);
      } else if (auto* judge = std::get_if<ToValidate>(&*event)) {
        to_validate.push_back(*judge);
      } else if (auto* meet = std::get_if<Connect>(&*event)) {
        connect.push_back(*meet);
      } else if (auto* ids = std::get_if<ForeignIds>(&*event)) {
        foreign.push_back(*ids);
      } else if (auto* part = std::get_if<PartialReceived>(&*event)) {
        partial.push_back(*part);
      } else if (auto* gossip = std::get_if<PartialGossip>(&*event)) {
        partial_gossip.push_back(*gossip);
      } else if (std::holds_alternative<Overloaded>(*event)) {
        ++overloaded;
      } else if (std::holds_alternative<PeerSubscribed>(*event)) {
        ++subscriptions;
      }
    }
  }
};

/// One router, and peers that the test plays: what it sends each is kept, taken apart.
struct Bench {
  explicit Bench(RouterOptions options = {}) : router(peer_of(1), with_key(options), rng, now) {}

  static RouterOptions with_key(RouterOptions options) {
    options.signer = record::Signer::of(key_of(1));
    return options;
  }

  PeerIndex add(std::uint8_t number, PeerOptions options = {}) {
    const PeerIndex index = router.add_peer(peer_of(number), std::move(options));
    settle();
    return index;
  }
  /// A peer that is subscribed to a topic, and in its mesh if there is room.
  PeerIndex add_in(std::uint8_t number, std::string_view topic, PeerOptions options = {}) {
    const PeerIndex index = add(number, std::move(options));
    Bytes subscriptions;
    Bytes control;
    wire::append_subscription(subscriptions, {.topic = topic, .subscribe = true});
    wire::append_graft(control, topic);
    (void)say(index, wire::frame(subscriptions, control));
    return index;
  }

  Result<void> say(PeerIndex from, BytesView frame) {
    Result<void> result = router.receive(from, body_of(frame), now);
    settle();
    return result;
  }
  Result<void> control(PeerIndex from, BytesView fields) {
    return say(from, wire::frame({}, fields));
  }
  Result<void> graft(PeerIndex from, std::string_view topic) {
    Bytes fields;
    wire::append_graft(fields, topic);
    return control(from, fields);
  }
  Result<void> ihave(PeerIndex from, std::string_view topic, const std::vector<Bytes>& ids) {
    const std::vector<BytesView> views(ids.begin(), ids.end());
    Bytes fields;
    wire::append_ihave(fields, topic, views);
    return control(from, fields);
  }

  void beat(std::size_t times = 1) {
    for (std::size_t i = 0; i < times; ++i) {
      now = std::max(now, router.next_deadline());
      router.on_deadline(now);
      settle();
    }
  }

  void settle() {
    told.take(router);
    while (const auto index = router.next_writable()) {
      if (reads) {
        Bytes out;
        (void)router.take_output(*index, out, std::size_t{1} << 30U);
        for (Bytes& rpc : rpcs_of(out)) {
          sent[*index].push_back(std::move(rpc));
        }
      }
    }
  }

  /// What a peer got since it was last asked for, as one RPC; views into `kept`.
  wire::Rpc got(PeerIndex index) {
    kept.clear();
    for (const Bytes& rpc : std::exchange(sent[index], {})) {
      append(kept, rpc);
    }
    wire::Rpc all;
    REQUIRE(wire::decode(kept, all));
    return all;
  }

  /// A signed message of a peer, as its frame.
  static Bytes message(std::uint8_t author, std::uint64_t seqno, std::string_view topic,
                       std::string_view data);

  rt::sim::SeededRng rng{7};
  rt::TimePoint now{1h};
  Router router;
  Told told;
  std::map<PeerIndex, std::vector<Bytes>> sent;
  Bytes kept;
  bool reads = true;
};

/// Some routers that are joined in memory: frames arrive at once, in order.
struct Swarm {
  explicit Swarm(std::size_t count, const RouterOptions& options = {}) {
    for (std::size_t i = 0; i < count; ++i) {
      RouterOptions own = options;
      const auto number = static_cast<std::uint8_t>(i + 1);
      own.signer = record::Signer::of(key_of(number));
      nodes.push_back(std::make_unique<Node>(number, own, now));
    }
  }

  struct Node {
    Node(std::uint8_t number, RouterOptions options, rt::TimePoint now)
        : rng(number), router(peer_of(number), std::move(options), rng, now) {}
    rt::sim::SeededRng rng;
    Router router;
    Told told;
  };

  Router& at(std::size_t i) { return nodes.at(i)->router; }
  Told& told(std::size_t i) { return nodes.at(i)->told; }

  void link(std::size_t a, std::size_t b, Protocol protocol = Protocol::v1_3) {
    if (a == b || !links.emplace(std::minmax(a, b)).second) {
      return;
    }
    at(a).add_peer(at(b).self(), {.protocol = protocol, .outbound = true});
    at(b).add_peer(at(a).self(), {.protocol = protocol});
    settle();
  }
  void unlink(std::size_t a, std::size_t b) {
    if (links.erase(std::minmax(a, b)) > 0) {
      at(a).remove_peer(at(a).find_peer(at(b).self()).value(), now);
      at(b).remove_peer(at(b).find_peer(at(a).self()).value(), now);
      settle();
    }
  }
  void subscribe_all(std::string_view topic, const TopicOptions& options = {}) {
    for (auto& node : nodes) {
      REQUIRE(node->router.subscribe(topic, options, now));
    }
    settle();
  }
  void beat(std::size_t times = 1) {
    for (std::size_t i = 0; i < times; ++i) {
      now += 1s;
      for (auto& node : nodes) {
        node->router.on_deadline(now);
      }
      settle();
    }
  }
  /// Until nobody has anything to say.
  void settle() {
    for (bool more = true; more;) {
      more = false;
      for (std::size_t i = 0; i < nodes.size(); ++i) {
        more |= pass_on(i);
      }
    }
  }
  bool pass_on(std::size_t from) {
    told(from).take(at(from));
    bool some = false;
    while (const auto index = at(from).next_writable()) {
      some = true;
      Bytes out;
      (void)at(from).take_output(*index, out, std::size_t{1} << 30U);
      for (std::size_t to = 0; to < nodes.size(); ++to) {
        const auto peer = at(from).find_peer(at(to).self());
        const auto back = at(to).find_peer(at(from).self());
        if (peer != index || !back || lost(from, to)) {
          continue;
        }
        for (const Bytes& rpc : rpcs_of(out)) {
          CHECK(at(to).receive(*back, rpc, now));
        }
        told(to).take(at(to));
      }
    }
    return some;
  }
  bool lost(std::size_t from, std::size_t to) const { return cut.contains({from, to}); }

  rt::TimePoint now{1h};
  std::vector<std::unique_ptr<Node>> nodes;
  std::set<std::pair<std::size_t, std::size_t>> links;
  std::set<std::pair<std::size_t, std::size_t>> cut;  ///< ways on which all is lost
};

}  // namespace vivim::libp2p::gossipsub::test
