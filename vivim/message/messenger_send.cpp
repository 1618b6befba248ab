#include <algorithm>

#include "vivim/crypto/hash.hpp"
#include "vivim/libp2p/host/dial_ranker.hpp"
#include "vivim/libp2p/host/error.hpp"
#include "vivim/message/messenger.hpp"
#include "vivim/message/sealed.hpp"

namespace vivim::message {

namespace {

/// The item under which a mailbox keeps an envelope: the same one each time, and it tells nothing.
MessageId item_of(BytesView envelope) {
  MessageId item;
  const auto digest = crypto::sha256(envelope);
  std::copy_n(digest.begin(), item.bytes.size(), item.bytes.begin());
  return item;
}

/// The relay of a circuit's address, with its id.
std::optional<Multiaddr> relay_of(const Multiaddr& circuit) {
  const std::string text = circuit.to_string();
  const auto end = text.find("/p2p-circuit");
  if (end == std::string::npos) {
    return std::nullopt;
  }
  auto relay = Multiaddr::parse(text.substr(0, end));
  return relay && relay->peer() ? std::optional(std::move(*relay)) : std::nullopt;
}

}  // namespace

rt::Co<Result<std::unique_ptr<Conversation>>> Messenger::converse(Place place,
                                                                  std::string_view protocol,
                                                                  std::size_t frame_bytes_max) {
  const std::vector<std::string> protocols{std::string(protocol)};
  constexpr libp2p::StreamOptions k_options{.allow_limited = true};
  auto opened = co_await host_.open_stream(place.peer, protocols, k_options);
  if (!opened && opened.error().is(libp2p::HostError::not_connected)) {
    VIVIM_CO_TRYV(co_await host_.connect(place.peer, place.addresses));
    opened = co_await host_.open_stream(place.peer, protocols, k_options);
  }
  if (!opened) {
    co_return fail(opened.error());
  }
  co_return std::make_unique<Conversation>(std::move(opened->stream), loop_,
                                           options_.times.wait_max, frame_bytes_max);
}

rt::Co<void> Messenger::serve_lane(Outbox::Batch batch) {
  const PeerId to = batch.to;
  const BatchEnd how = co_await deliver(batch);
  outbox_.end(to, how, loop_.clock().now(), rng_.u64());
  wake();
  if (how == BatchEnd::failed && !tasks_.stopping() && depositing_.insert(to).second) {
    co_await deposit(to);
    depositing_.erase(to);
  }
}

rt::Co<BatchEnd> Messenger::deliver(Outbox::Batch& batch) {
  auto conversation =
      co_await converse({.peer = batch.to, .addresses = {}}, k_protocol_id, k_frame_bytes_max);
  if (!conversation) {
    co_return BatchEnd::failed;
  }
  for (auto& message : batch.messages) {
    if (!co_await (*conversation)->write(Send{.envelope = std::move(message.envelope)})) {
      co_return BatchEnd::failed;
    }
  }
  BatchEnd how = BatchEnd::answered;
  for (const auto& message : batch.messages) {  // answers come in the order of the messages
    const auto frame = co_await (*conversation)->read();
    const auto* receipt = frame ? std::get_if<Receipt>(&*frame) : nullptr;
    if (receipt == nullptr) {
      co_return BatchEnd::failed;
    }
    if (receipt->status == Status::slow_down || receipt->status == Status::full) {
      how = BatchEnd::busy;
    } else {
      co_await settle(batch.to, message.id, receipt->status);
    }
  }
  co_await (*conversation)->finish();
  co_return how;
}

rt::Co<void> Messenger::settle(PeerId to, MessageId id, Status status) {
  const auto message = outbox_.remove(to, id);
  if (!message) {
    co_return;
  }
  if (message->delivery != Delivery::best_effort) {
    // If this fails it is sent again after a restart, and known there.
    (void)co_await forget(to, id);
  }
  if (message->kind != Kind::data) {
    co_return;
  }
  const bool arrived = status != Status::refused;
  ++(arrived ? counts_.delivered : counts_.refused);
  emit(arrived ? MessageEvent::Kind::delivered : MessageEvent::Kind::refused, to, id);
}

std::vector<Messenger::Place> Messenger::mailboxes_for(const PeerId& recipient) {
  std::vector<Place> places;
  const auto add = [&](const PeerId& peer, std::vector<Multiaddr> addresses) {
    if (peer != self_ && peer != recipient && places.size() < k_mailboxes_max &&
        std::ranges::count(places, peer, &Place::peer) == 0) {
      places.push_back({.peer = peer, .addresses = std::move(addresses)});
    }
  };
  if (const auto* mailbox = came_through_.find(recipient)) {
    add(*mailbox, {});
  }
  const libp2p::peerstore::Time now(loop_.clock().wall_now_ms());
  for (const auto& known : host_.peer_store().addresses(recipient, now)) {
    if (const auto relay = relay_of(known.address)) {
      add(*relay->peer(), {*relay});
    }
  }
  for (const auto& address : options_.mailboxes) {
    add(*address.peer(), {address});
  }
  return places;
}

rt::Co<void> Messenger::deposit(PeerId to) {
  for (const auto& mailbox : mailboxes_for(to)) {
    for (;;) {
      auto messages = outbox_.to_be_stored(to, options_.outbox.batch_messages_max);
      if (messages.empty() || tasks_.stopping()) {
        co_return;
      }
      if (!co_await deposit_at(mailbox, std::move(messages))) {
        break;
      }
    }
  }
}

/// True: it has them all.
rt::Co<bool> Messenger::deposit_at(Place mailbox, std::vector<Outgoing> messages) {
  auto conversation =
      co_await converse(std::move(mailbox), k_mailbox_protocol_id, k_frame_bytes_max);
  if (!conversation) {
    co_return false;
  }
  const auto random = [this](MutableBytes out) { rng_.fill(out); };
  for (const auto& message : messages) {
    auto mail = seal_mail(
        {.to = message.to, .item = item_of(message.envelope), .expires_ms = message.expires_ms},
        message.envelope, random);
    if (!mail || !co_await (*conversation)->write(Deposit{.mail = std::move(*mail)})) {
      co_return false;
    }
    const auto frame = co_await (*conversation)->read();
    const auto* receipt = frame ? std::get_if<Receipt>(&*frame) : nullptr;
    if (receipt == nullptr || receipt->status != Status::stored) {
      co_return false;
    }
    if (message.kind == Kind::receipt) {
      co_await settle(message.to, message.id, Status::stored);
      continue;
    }
    if (!outbox_.stored(message.to, message.id)) {
      continue;  // it arrived meanwhile
    }
    (void)co_await store_.write([&message](store::Database& database) {
      return store::OutgoingMessages(database).set_stored(message.to.bytes(), message.id.view());
    });
    ++counts_.stored;
    emit(MessageEvent::Kind::stored, message.to, message.id);
  }
  co_await (*conversation)->finish();
  co_return true;
}

}  // namespace vivim::message
