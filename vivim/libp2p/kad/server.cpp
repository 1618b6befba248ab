#include "vivim/libp2p/kad/server.hpp"

#include <algorithm>

namespace vivim::libp2p::kad {

PeerInfo Server::describe(const Contact& contact, const Asker& asker) const {
  PeerInfo info{.contact = contact};
  if (auto known = parts_.find_peer ? parts_.find_peer(contact.peer) : std::nullopt) {
    info = std::move(*known);
    if (info.contact.addresses.empty()) {
      info.contact.addresses = contact.addresses;
    }
  }
  info.contact.addresses = within(info.contact.addresses, asker.scope);
  return info;
}

std::vector<PeerInfo> Server::closer_to(const Bytes& key, const Asker& asker) const {
  std::vector<PeerInfo> closer;
  for (const TableEntry* entry : parts_.table.closest(Key::of(key), k_replication + 1)) {
    if (entry->contact.peer != asker.peer && closer.size() < k_replication) {
      closer.push_back(describe(entry->contact, asker));
      closer.back().signed_record.clear();  // it is for who looks for that peer
    }
  }
  return closer;
}

Message Server::find_node(const Asker& asker, const Message& request) const {
  Message answer{.type = Type::find_node, .closer = closer_to(request.key, asker)};
  // The one who is looked for, client or not, if we know where it is.
  const auto wanted = PeerId::from_bytes(request.key);
  if (!wanted) {
    return answer;
  }
  PeerInfo known = describe({.peer = *wanted, .addresses = {}}, asker);
  if (!known.contact.addresses.empty()) {
    std::erase_if(answer.closer,
                  [&](const PeerInfo& info) { return info.contact.peer == *wanted; });
    answer.closer.insert(answer.closer.begin(), std::move(known));
  }
  return answer;
}

Message Server::get_value(const Asker& asker, const Message& request, rt::TimePoint now) const {
  Message answer{.type = Type::get_value, .key = request.key};
  if (const Record* const record = parts_.records.get(request.key, now); record != nullptr) {
    answer.record = *record;
  }
  answer.closer = closer_to(request.key, asker);
  return answer;
}

Result<std::optional<Message>> Server::put_value(const Asker& asker, const Message& request,
                                                 rt::TimePoint now, rt::WallMs wall) {
  if (!request.record || request.record->key != request.key) {
    return fail(KadError::malformed);
  }
  VIVIM_TRYV(parts_.records.put(asker.peer, request.key, request.record->value, now, wall));
  return Message{.type = Type::put_value, .key = request.key, .record = request.record};
}

Result<std::optional<Message>> Server::get_providers(const Asker& asker, const Message& request,
                                                     rt::TimePoint now) {
  if (!is_provided_key(request.key)) {
    return fail(KadError::bad_key, request.key.size());
  }
  Message answer{.type = Type::get_providers,
                 .key = request.key,
                 .closer = closer_to(request.key, asker),
                 .providers = parts_.providers.get(request.key, now)};
  for (PeerInfo& provider : answer.providers) {
    provider.contact = provider.contact.addresses.empty()
                           ? describe(provider.contact, asker).contact
                           : Contact{.peer = provider.contact.peer,
                                     .addresses = within(provider.contact.addresses, asker.scope)};
  }
  return answer;
}

Result<std::optional<Message>> Server::add_provider(const Asker& asker, const Message& request,
                                                    rt::TimePoint now, rt::WallMs wall) {
  if (!is_provided_key(request.key)) {
    return fail(KadError::bad_key, request.key.size());
  }
  const auto own = std::ranges::find_if(request.providers, [&](const PeerInfo& info) {
    return info.contact.peer == asker.peer && !info.contact.addresses.empty();
  });
  if (own == request.providers.end()) {
    return fail(KadError::not_its_own);
  }
  if (!own->provider_record.empty()) {
    VIVIM_TRYV(open_provider(own->provider_record, asker.peer, request.key, wall));
  }
  PeerInfo kept = *own;
  kept.signed_record.clear();
  kept.contact.addresses = within(kept.contact.addresses, asker.scope);
  VIVIM_TRYV(parts_.providers.add(request.key, kept, asker.groups, now));
  return std::optional<Message>();
}

Result<std::optional<Message>> Server::answer(const Asker& asker, const Message& request,
                                              rt::TimePoint now, rt::WallMs wall) {
  const bool stores = request.type == Type::put_value || request.type == Type::add_provider;
  auto& rates = stores ? stores_ : requests_;
  if (!rates.take(asker.peer, now.time_since_epoch())) {
    return fail(KadError::rate_limited);
  }
  const bool keyed = request.type != Type::ping;
  if (keyed && (request.key.empty() || request.key.size() > k_key_bytes_max)) {
    return fail(KadError::bad_key, request.key.size());
  }
  switch (request.type) {
    case Type::find_node:
      return find_node(asker, request);
    case Type::get_value:
      return get_value(asker, request, now);
    case Type::put_value:
      return put_value(asker, request, now, wall);
    case Type::get_providers:
      return get_providers(asker, request, now);
    case Type::add_provider:
      return add_provider(asker, request, now, wall);
    case Type::ping:
      return Message{.type = Type::ping};
  }
  return fail(KadError::malformed);
}

}  // namespace vivim::libp2p::kad
