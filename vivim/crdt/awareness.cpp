#include "vivim/crdt/awareness.hpp"

#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/crdt/lib0.hpp"
#include "vivim/crdt/observers_detail.hpp"

namespace vivim::crdt {

struct Awareness::Observers {
  detail::Observers<const AwarenessChange&, Origin> list;
};

std::vector<ClientId> AwarenessChange::all() const {
  std::vector<ClientId> clients;
  for (const auto* part : {&added, &updated, &removed, &renewed}) {
    clients.insert(clients.end(), part->begin(), part->end());
  }
  return clients;
}

Awareness::Awareness(std::optional<ClientId> own)
    : own_(own), observers_(std::make_shared<Observers>()) {}

AwarenessChange Awareness::set_local_state(std::optional<std::string> json, std::uint64_t now_ms) {
  VIVIM_ASSERT(own_.has_value());
  AwarenessChange change;
  const bool known = entries_.contains(*own_);
  Entry& entry = entries_[*own_];
  const bool had_state = entry.json.has_value();
  if (!json) {
    change.removed.push_back(*own_);
  } else if (!had_state) {
    change.added.push_back(*own_);
  } else {
    (*json == *entry.json ? change.renewed : change.updated).push_back(*own_);
  }
  entry = {.clock = known ? entry.clock + 1 : 0, .updated_ms = now_ms, .json = std::move(json)};
  notify(change, {});
  return change;
}

Result<std::vector<Awareness::Incoming>> Awareness::decode(BytesView update) {
  lib0::Decoder in(update);
  VIVIM_TRY(const std::uint64_t count, in.var_uint());
  if (count > k_awareness_clients_max) {
    return fail(CrdtError::too_many, count);
  }
  std::vector<Incoming> incoming;
  for (std::uint64_t i = 0; i < count; ++i) {
    VIVIM_TRY(const std::uint64_t client, in.var_uint());
    VIVIM_TRY(const std::uint64_t clock, in.var_uint(k_number_max - 1));
    VIVIM_TRY(const std::string_view json, in.var_string());
    if (json.size() > k_awareness_state_bytes_max) {
      return fail(CrdtError::too_many, json.size());
    }
    Incoming& entry = incoming.emplace_back();
    entry.client = ClientId{client};
    entry.clock = clock;
    if (json != "null") {
      entry.json = std::string(json);
    }
  }
  if (!in.at_end()) {
    return fail(CrdtError::trailing_bytes, in.left());
  }
  return incoming;
}

Result<AwarenessChange> Awareness::apply(BytesView update, Origin origin, std::uint64_t now_ms) {
  VIVIM_TRY(std::vector<Incoming> incoming, decode(update));
  std::size_t unknown = 0;
  for (const Incoming& entry : incoming) {
    unknown += entries_.contains(entry.client) ? 0 : 1;
  }
  forget_gone(unknown);
  if (entries_.size() + unknown > k_awareness_clients_max) {
    return fail(CrdtError::too_many, entries_.size() + unknown);
  }
  AwarenessChange change;
  for (Incoming& entry : incoming) {
    apply_one(std::move(entry), now_ms, change);
  }
  notify(change, origin);
  return change;
}

// y-protocols awareness.js, applyAwarenessUpdate: newer clocks win; at the same clock only a
// removal does.
void Awareness::apply_one(Incoming incoming, std::uint64_t now_ms, AwarenessChange& change) {
  const auto known = entries_.find(incoming.client);
  const bool was_known = known != entries_.end();
  const bool had_state = was_known && known->second.json.has_value();
  const std::uint64_t clock = was_known ? known->second.clock : 0;
  const bool newer = clock < incoming.clock || (was_known ? false : incoming.json.has_value());
  if (!newer && !(clock == incoming.clock && !incoming.json && had_state)) {
    return;
  }
  if (!incoming.json && had_state && incoming.client == own_) {
    known->second.clock = incoming.clock + 1;  // nobody removes us: say that we are still here
    known->second.updated_ms = now_ms;
    change.renewed.push_back(incoming.client);
    return;
  }
  if (!incoming.json) {
    if (had_state) {
      change.removed.push_back(incoming.client);
    }
  } else if (!had_state) {
    change.added.push_back(incoming.client);
  } else {
    (*known->second.json == *incoming.json ? change.renewed : change.updated)
        .push_back(incoming.client);
  }
  entries_[incoming.client] = {
      .clock = incoming.clock, .updated_ms = now_ms, .json = std::move(incoming.json)};
}

// Clocks of clients that left are remembered only while there is room.
void Awareness::forget_gone(std::size_t needed) {
  if (entries_.size() + needed > k_awareness_clients_max) {
    std::erase_if(entries_,
                  [&](const auto& entry) { return !entry.second.json && entry.first != own_; });
  }
}

AwarenessChange Awareness::remove(const std::vector<ClientId>& clients, std::uint64_t now_ms) {
  AwarenessChange change;
  for (const ClientId client : clients) {
    const auto entry = entries_.find(client);
    if (entry == entries_.end() || !entry->second.json || client == own_) {
      continue;
    }
    entry->second.json.reset();
    entry->second.updated_ms = now_ms;
    change.removed.push_back(client);
  }
  notify(change, {});
  return change;
}

AwarenessChange Awareness::expire(std::uint64_t now_ms) {
  std::vector<ClientId> silent;
  for (const auto& [client, entry] : entries_) {
    if (client != own_ && entry.json && now_ms >= entry.updated_ms + k_awareness_timeout_ms) {
      silent.push_back(client);
    }
  }
  AwarenessChange change = remove(silent, now_ms);
  if (own_) {
    const auto own = entries_.find(*own_);
    if (own != entries_.end() && own->second.json &&
        now_ms >= own->second.updated_ms + k_awareness_renew_ms) {
      change.renewed = set_local_state(own->second.json, now_ms).renewed;
    }
  }
  return change;
}

Bytes Awareness::encode(const std::vector<ClientId>& clients) const {
  lib0::Encoder body;
  std::size_t count = 0;
  for (const ClientId client : clients) {
    const auto entry = entries_.find(client);
    if (entry == entries_.end()) {
      continue;
    }
    ++count;
    body.var_uint(value_of(client));
    body.var_uint(entry->second.clock);
    body.var_string(entry->second.json ? std::string_view(*entry->second.json) : "null");
  }
  lib0::Encoder out;
  out.var_uint(count);
  out.raw(body.view());
  return out.take();
}

Bytes Awareness::encode_all() const {
  std::vector<ClientId> clients;
  for (const auto& [client, entry] : entries_) {
    if (entry.json) {
      clients.push_back(client);
    }
  }
  return encode(clients);
}

std::map<ClientId, std::string> Awareness::states() const {
  std::map<ClientId, std::string> states;
  for (const auto& [client, entry] : entries_) {
    if (entry.json) {
      states.emplace(client, *entry.json);
    }
  }
  return states;
}

Subscription Awareness::on_change(std::function<void(const AwarenessChange&, Origin)> observer) {
  return observers_->list.add(std::move(observer));
}

void Awareness::notify(const AwarenessChange& change, Origin origin) {
  if (!change.empty()) {
    observers_->list.notify(change, origin);
  }
}

}  // namespace vivim::crdt
