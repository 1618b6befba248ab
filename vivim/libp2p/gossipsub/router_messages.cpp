#include <ranges>

#include "vivim/libp2p/gossipsub/router_detail.hpp"
#include "vivim/libp2p/gossipsub/signature.hpp"

namespace vivim::libp2p::gossipsub {

/// Whether one more can wait for the application.
bool Router::has_room(const Topic& topic, const Message& message) const {
  return topic.waiting < options_.limits.waiting_per_topic_max &&
         (topic.waiting == 0 ||
          topic.waiting_bytes + message.bytes() <= options_.limits.waiting_bytes_per_topic_max);
}

void Router::begin_validation(Peer& peer, Topic& topic, const MessagePtr& message,
                              rt::TimePoint now) {
  if (!topic.options.validate) {
    const std::array bringers{peer.index};
    accept(topic, message, peer.id, bringers, now);
    return;
  }
  ++topic.waiting;
  topic.waiting_bytes += message->bytes();
  waiting_.emplace(message->key(), Waiting{.message = message, .source = peer.id});
  emit(ToValidate{.message = message, .from = peer.id});
}

Result<void> Router::validated(const MessageKey& key, Verdict verdict, rt::TimePoint now) {
  auto found = waiting_.extract(key);
  if (found.empty()) {
    return fail(GossipsubError::not_waiting);
  }
  settle(std::move(found.mapped()), verdict, now);
  flush_all();
  return {};
}

void Router::settle(Waiting waiting, Verdict verdict, rt::TimePoint now) {
  Topic& topic = *find_topic(waiting.message->topic());
  --topic.waiting;
  topic.waiting_bytes -= waiting.message->bytes();
  std::vector<PeerIndex> bringers;
  for (const PeerId& peer : waiting.others) {
    if (const auto index = find_peer(peer)) {
      bringers.push_back(*index);
    }
  }
  if (verdict == Verdict::accept && topic.subscribed) {
    if (const auto index = find_peer(waiting.source)) {
      bringers.insert(bringers.begin(), *index);
    }
    accept(topic, waiting.message, waiting.source, bringers, now);
    return;
  }
  SeenCache::Entry* seen = seen_.find(waiting.message->key());
  if (verdict != Verdict::reject) {
    ++stats_.ignored;
    if (seen != nullptr) {
      seen->fate = Fate::ignored;
    }
    drop_topic_if_unused(topic);
    return;
  }
  ++stats_.rejected;
  if (seen != nullptr) {
    seen->fate = Fate::rejected;
  }
  // Its author's peers may have gone: what they did is remembered all the same.
  if (Score::Record* record = score_.find(waiting.source)) {
    score_.invalid_message(*record, topic.number);
  }
  for (const PeerIndex index : bringers) {
    score_.invalid_message(*at(index).record, topic.number);
  }
  drop_topic_if_unused(topic);
}

void Router::accept(Topic& topic, const MessagePtr& message, const PeerId& source,
                    std::span<const PeerIndex> bringers, rt::TimePoint now) {
  if (SeenCache::Entry* seen = seen_.find(message->key())) {
    seen->fate = Fate::accepted;
  }
  ++stats_.delivered;
  mcache_.put(message);
  for (const PeerIndex index : bringers) {
    Peer& peer = at(index);
    if (peer.id == source) {
      score_.first_delivery(*peer.record, topic.number, message->from());
      if (asked_.find(message->key()) != nullptr) {
        repair(topic, peer, *message, now);
      }
    } else {
      score_.near_delivery(*peer.record, topic.number);
    }
  }
  forward(topic, message, bringers);
  const double weight = topic.options.score.value_or(options_.topic_score).mesh_deliveries_weight;
  if (weight < 0) {
    note_near(topic, message->key(), bringers, now);
  }
  emit(Delivered{.message = message, .from = source});
}

void Router::note_near(Topic& topic, const MessageKey& key, std::span<const PeerIndex> bringers,
                       rt::TimePoint now) {
  const auto& score = topic.options.score ? *topic.options.score : options_.topic_score;
  near_[key] = {.until = now + score.mesh_deliveries_window,
                .peers = {bringers.begin(), bringers.end()}};
}

void Router::forward(Topic& topic, const MessagePtr& message, std::span<const PeerIndex> bringers) {
  const BytesView author = message->from();
  const auto pass_on = [&](const auto& to) {
    for (const PeerIndex index : to) {
      Peer& peer = at(index);
      if (std::ranges::find(bringers, index) == bringers.end() &&
          (author.empty() || !same_bytes(peer.id.bytes(), author)) &&
          send(peer, topic, Lane::forward, message)) {
        ++stats_.forwarded;
      }
    }
  };
  pass_on(topic.mesh);
  pass_on(topic.always);
  pass_on(std::views::keys(topic.pushed));
}

bool Router::send(Peer& peer, Topic& topic, Lane lane, const MessagePtr& message) {
  if (wants_parts(topic, peer)) {
    return false;  // it gets what the application sends of the group
  }
  if (!peer.unwanted.empty() && peer.unwanted.get(message->key()) > 0) {
    ++stats_.idontwant_heeded;
    return false;
  }
  return queue(peer, lane, message);
}

/// IDONTWANT, before validation: it is of use as early as can be (gossipsub-v1.2).
void Router::tell_unwanted(Peer& source, Topic& topic, const MessagePtr& message) {
  if (message->data().size() < options_.mesh.idontwant_bytes_min) {
    return;
  }
  SharedFrame frame;
  for (const PeerIndex index : topic.mesh) {
    Peer& peer = at(index);
    if (index == source.index || peer.protocol < Protocol::v1_2) {
      continue;
    }
    if (!frame) {
      const std::array ids{message->id()};
      Bytes control;
      wire::append_idontwant(control, ids);
      frame = std::make_shared<const Bytes>(wire::frame({}, control));
    }
    ++stats_.idontwant_sent;
    queue(peer, Lane::control, frame);
  }
}

// What we publish.

MessagePtr Router::make_message(std::string_view topic, BytesView data) {
  wire::MessageView view{.data = data, .topic = topic};
  std::array<std::uint8_t, k_seqno_bytes> seqno{};
  Bytes signature;
  if (options_.policy == SignaturePolicy::strict_sign) {
    store_be64(seqno, seqno_++);
    view.from = self_.bytes();
    view.seqno = seqno;
    const MessagePtr draft = Message::make(view, {}, {});
    signature = sign(*options_.signer, draft->signed_part());
    view.signature = signature;
  }
  const Bytes own_key =
      options_.signer && !self_.public_key() ? options_.signer->key.encode() : Bytes();
  if (view.signature && !own_key.empty()) {
    view.key = own_key;
  }
  id_scratch_.clear();
  append_id(options_.ids, options_.policy, view, id_scratch_);
  return Message::make(view, id_scratch_, key_of(id_scratch_));
}

Result<Published> Router::publish(std::string_view name, BytesView data, rt::TimePoint now) {
  VIVIM_TRYV(check_topic(name));
  if (data.size() > options_.limits.message_bytes_max) {
    return fail(GossipsubError::too_large, data.size());
  }
  if (options_.policy == SignaturePolicy::strict_sign && !options_.signer) {
    return fail(GossipsubError::no_key);
  }
  const MessagePtr message = make_message(name, data);
  if (seen_.contains(message->key())) {
    return fail(GossipsubError::duplicate);
  }
  Topic& topic = make_topic(name);
  if (!topic.own()) {
    topic.fanned_out = true;
    ++own_topics_;
  }
  seen_.add(message->key(), Fate::accepted, now);
  mcache_.put(message);
  ++stats_.published;
  return Published{.message = message, .peers = send_own(topic, message, now)};
}

std::size_t Router::send_own(Topic& topic, const MessagePtr& message, rt::TimePoint now) {
  const double threshold = options_.score.thresholds.publish;
  std::size_t sent = 0;
  const auto send_to = [&](PeerIndex index) {
    sent += send(at(index), topic, Lane::own, message) ? 1 : 0;
  };
  if (!topic.subscribed) {
    topic.fanout_used = now;
    fill_fanout(topic);
  }
  if (options_.mesh.flood_publish) {
    for (const PeerIndex index : topic.peers) {
      const Peer& peer = at(index);
      if (peer.is_explicit || score_of(peer) >= threshold) {
        send_to(index);
      }
    }
    return sent;
  }
  for (const PeerIndex index : topic.subscribed ? topic.mesh : topic.fanout) {
    send_to(index);
  }
  for (const PeerIndex index : topic.always) {
    send_to(index);
  }
  return sent;
}

void Router::fill_fanout(Topic& topic) {
  std::vector<PeerIndex> candidates;
  for (const PeerIndex index : topic.peers) {
    if (!topic.always.contains(index) && !topic.fanout.contains(index) &&
        score_of(at(index)) >= options_.score.thresholds.publish) {
      candidates.push_back(index);
    }
  }
  shuffle(candidates);
  for (const PeerIndex index : candidates) {
    if (topic.fanout.size() >= options_.mesh.d) {
      break;
    }
    topic.fanout.insert(index);
  }
}

}  // namespace vivim::libp2p::gossipsub
