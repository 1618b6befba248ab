#include "vivim/libp2p/kad/liar.hpp"

#include <algorithm>

#include "vivim/libp2p/delimited/delimited.hpp"
#include "vivim/libp2p/kad/error.hpp"
#include "vivim/libp2p/kad/routing_table.hpp"

namespace vivim::libp2p::kad {

void Lie::add_friend(PeerInfo info) {
  const Key key = Key::of(info.contact.peer);
  friends_.emplace_back(key, std::move(info));
}

std::optional<Message> Lie::answer(const Message& request) const {
  if (request.type == Type::add_provider) {
    return std::nullopt;
  }
  Message answer{.type = request.type, .key = request.key};
  std::vector<const std::pair<Key, PeerInfo>*> nearest;
  for (const auto& each : friends_) {
    nearest.push_back(&each);
  }
  const Key target = Key::of(request.key);
  std::ranges::sort(nearest, {},
                    [&target](const auto* each) { return each->first.distance(target); });
  for (std::size_t i = 0; i < std::min(nearest.size(), k_replication); ++i) {
    answer.closer.push_back(nearest[i]->second);
  }
  if (request.type == Type::get_providers) {
    answer.providers = providers_;
  }
  if (request.type == Type::put_value) {
    answer.record = request.record;
  }
  return answer;
}

Result<void> Liar::start(const std::vector<std::string>& protocols) {
  for (const std::string& protocol : protocols) {
    VIVIM_TRYV(host_.handle(protocol,
                            [this](InboundStream inbound) { return serve(std::move(inbound)); }));
  }
  return {};
}

PeerInfo Liar::info() const {
  PeerInfo info{.contact = {.peer = host_.peer_id(), .addresses = {}}};
  for (const Multiaddr& address : host_.listen_addresses()) {
    info.contact.addresses.push_back(address.without_peer());
  }
  return info;
}

rt::Co<void> Liar::serve(InboundStream inbound) const {
  DelimitedReader reader(k_request_bytes_max);
  for (;;) {
    const auto body = co_await read_message(*inbound.stream, reader);
    const auto request = body ? decode(*body) : Result<Message>(fail(KadError::malformed));
    if (!request) {
      co_return;
    }
    const auto answer = lie_.answer(*request);
    if (!answer) {
      continue;
    }
    const Bytes bytes = delimited(encode(*answer));
    if (!co_await inbound.stream->write(bytes)) {
      co_return;
    }
  }
}

crypto::KeyPair key_pair_near(const Key& target, unsigned bits,
                              const std::function<crypto::KeyPair()>& make) {
  for (;;) {
    auto pair = make();
    if (Key::of(PeerId::of(pair)).common_prefix(target) >= bits) {
      return pair;
    }
  }
}

}  // namespace vivim::libp2p::kad
