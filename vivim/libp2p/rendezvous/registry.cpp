#include "vivim/libp2p/rendezvous/registry.hpp"

#include <algorithm>

namespace vivim::libp2p::rendezvous {

namespace {

/// Cookies are 16 bytes and the namespace: clients exist that take them apart.
constexpr std::size_t k_cookie_head_bytes = 16;

const std::uint64_t* find_in(const std::map<std::string, std::uint64_t>& map,
                             const std::string& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

RegisterResponse refuse(Status status, std::string text) {
  return {.status = status, .text = std::move(text)};
}

}  // namespace

RegisterResponse Registry::add(const PeerId& sender, const Register& request, rt::TimePoint now) {
  expire(now);
  if (!is_namespace(request.ns)) {
    return refuse(Status::invalid_namespace, "a namespace has 1 to 255 bytes");
  }
  const std::uint64_t ttl =
      request.ttl.value_or(static_cast<std::uint64_t>(limits_.ttl_default.count()));
  if (ttl == 0 || ttl > static_cast<std::uint64_t>(limits_.ttl_max.count())) {
    return refuse(Status::invalid_ttl,
                  "at most " + std::to_string(limits_.ttl_max.count()) + " seconds");
  }
  if (!has_room(sender, request)) {  // before the signature, which costs more
    return refuse(Status::unavailable, "too many registrations");
  }
  const auto record = open_record(request.record);
  if (!record) {
    return refuse(Status::invalid_signed_peer_record, "not a signed peer record");
  }
  if (record->peer != sender) {
    return refuse(Status::not_authorized, "a record of another peer");
  }
  remove(sender, {.ns = request.ns});
  const Sequence sequence = next_++;
  const rt::TimePoint expires = now + std::chrono::seconds(ttl);
  auto& entry =
      entries_
          .emplace(
              sequence,
              Entry{.peer = sender, .ns = request.ns, .record = request.record, .expires = expires})
          .first->second;
  by_namespace_[request.ns][sequence] = &entry;
  by_peer_[sender][request.ns] = sequence;
  by_expiry_[{expires, sequence}] = sequence;
  record_bytes_ += request.record.size();
  return {.status = Status::ok, .text = {}, .ttl = ttl};
}

bool Registry::has_room(const PeerId& sender, const Register& request) const {
  const auto own = by_peer_.find(sender);
  const std::size_t count = own == by_peer_.end() ? 0 : own->second.size();
  const auto* earlier = own == by_peer_.end() ? nullptr : find_in(own->second, request.ns);
  const std::size_t freed = earlier == nullptr ? 0 : entries_.at(*earlier).record.size();
  const bool fits_count = earlier != nullptr || (count < limits_.registrations_per_peer_max &&
                                                 entries_.size() < limits_.registrations_max);
  return fits_count && record_bytes_ - freed + request.record.size() <= limits_.record_bytes_max;
}

void Registry::remove(const PeerId& sender, const Unregister& request) {
  const auto own = by_peer_.find(sender);
  if (own == by_peer_.end()) {
    return;
  }
  const auto found = own->second.find(request.ns);
  if (found != own->second.end()) {
    erase(found->second);
  }
}

void Registry::erase(Sequence sequence) {
  const auto found = entries_.find(sequence);
  Entry& entry = found->second;
  record_bytes_ -= entry.record.size();
  const auto space = by_namespace_.find(entry.ns);
  space->second.erase(sequence);
  if (space->second.empty()) {
    by_namespace_.erase(space);
  }
  const auto own = by_peer_.find(entry.peer);
  own->second.erase(entry.ns);
  if (own->second.empty()) {
    by_peer_.erase(own);
  }
  by_expiry_.erase({entry.expires, sequence});
  entries_.erase(found);
}

void Registry::expire(rt::TimePoint now) {
  while (!by_expiry_.empty() && by_expiry_.begin()->first.first <= now) {
    erase(by_expiry_.begin()->second);
  }
}

Bytes Registry::cookie_of(Sequence sequence, const std::optional<std::string>& ns) const {
  Bytes cookie(k_cookie_head_bytes);
  store_be64(cookie, nonce_);
  store_be64(MutableBytes(cookie).subspan(8), sequence);
  append(cookie, as_bytes(ns.value_or("")));
  return cookie;
}

/// The last sequence number that the client has seen; none when its cookie is not of ours.
std::optional<Registry::Sequence> Registry::since(const Discover& request) const {
  if (!request.cookie) {
    return 0;
  }
  const BytesView cookie = *request.cookie;
  const bool ours = cookie.size() >= k_cookie_head_bytes && load_be64(cookie) == nonce_ &&
                    as_text(cookie.subspan(k_cookie_head_bytes)) == request.ns.value_or("");
  return ours ? std::optional(load_be64(cookie.subspan(8))) : std::nullopt;
}

DiscoverResponse Registry::discover(const Discover& request, rt::TimePoint now) {
  expire(now);
  if (request.ns && !is_namespace(*request.ns)) {
    return {.status = Status::invalid_namespace, .text = "a namespace has 1 to 255 bytes"};
  }
  const auto seen = since(request);
  if (!seen) {
    return {.status = Status::invalid_cookie, .text = "not a cookie of this rendezvous point"};
  }
  DiscoverResponse response;
  Sequence last = *seen;
  std::size_t bytes = 0;
  const auto most = static_cast<std::size_t>(
      std::min<std::uint64_t>(request.limit.value_or(limits_.answers_max), limits_.answers_max));
  const auto take = [&](Sequence sequence, const Entry& entry) {
    bytes += entry.record.size() + entry.ns.size() + 32;
    if (response.registrations.size() >= most || bytes > limits_.answer_bytes_max) {
      return false;
    }
    const auto left = std::chrono::duration_cast<std::chrono::seconds>(entry.expires - now);
    response.registrations.push_back(
        {.ns = entry.ns, .record = entry.record, .ttl = static_cast<std::uint64_t>(left.count())});
    last = sequence;
    return true;
  };
  if (!request.ns) {
    for (auto at = entries_.upper_bound(*seen); at != entries_.end(); ++at) {
      if (!take(at->first, at->second)) {
        break;
      }
    }
  } else if (const auto space = by_namespace_.find(*request.ns); space != by_namespace_.end()) {
    for (auto at = space->second.upper_bound(*seen); at != space->second.end(); ++at) {
      if (!take(at->first, *at->second)) {
        break;
      }
    }
  }
  response.cookie = cookie_of(last, request.ns);
  return response;
}

}  // namespace vivim::libp2p::rendezvous
