#include "vivim/libp2p/mdns/discovery.hpp"

#include <algorithm>
#include <set>

#include "vivim/base/assert.hpp"
#include "vivim/multiformats/address_scope.hpp"

namespace vivim::libp2p::mdns {

namespace {

using multiformats::Protocol;
using namespace std::chrono_literals;

constexpr std::string_view k_prefix = "dnsaddr=";
/// Several answer the same question: each waits a little (RFC 6762 section 6).
constexpr rt::Duration k_answer_delay_min = 20ms;
constexpr rt::Duration k_answer_jitter = 100ms;
/// A record is not multicast again within this (RFC 6762 section 6).
constexpr rt::Duration k_answer_interval_min = 1s;
/// What is heard is kept for as long as it says, within these.
constexpr rt::Duration k_kept_min = 10min;
constexpr rt::Duration k_kept_max = 1h;
/// Without the strings of TXT, with room for names.
constexpr std::size_t k_answer_overhead = 250;

/// The IP address at the front of an address, if there is one.
std::optional<rt::IpAddress> ip_of(const Multiaddr& address) {
  const auto parts = address.components();
  if (parts.size() < 2 ||
      (parts[0].protocol != Protocol::ip4 && parts[0].protocol != Protocol::ip6) ||
      (parts[1].protocol != Protocol::tcp && parts[1].protocol != Protocol::udp)) {
    return std::nullopt;
  }
  const auto ip = rt::IpAddress::parse(parts[0].text());
  return ip ? std::optional(*ip) : std::nullopt;
}

/// Whether two IPv6 addresses are of one network: its 64 bits, as nearly all have. There,
/// neighbours have public addresses, and speak from link-local ones.
bool same_network(const rt::IpAddress& a, const rt::IpAddress& b) {
  constexpr std::size_t k_network_bytes = 8;
  return a.is_v6 && b.is_v6 &&
         std::equal(a.bytes.begin(), a.bytes.begin() + k_network_bytes, b.bytes.begin());
}

}  // namespace

std::string make_peer_name(rt::Rng& rng) {
  constexpr std::string_view k_alphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::string name;
  for (int i = 0; i < 40; ++i) {
    name += k_alphabet[rng.below(k_alphabet.size())];
  }
  return name;
}

Discovery::Discovery(Config config, rt::TimePoint now)
    : config_(std::move(config)),
      query_at_(now),
      query_interval_(config_.query_interval_min),
      tokens_(config_.packets_burst_max),
      tokens_at_(now) {
  answered_at_ = now - k_answer_interval_min;
}

void Discovery::set_addresses(const std::vector<Multiaddr>& addresses,
                              std::vector<rt::IpAddress> interfaces) {
  interfaces_ = std::move(interfaces);
  texts_.clear();
  std::size_t bytes = k_answer_overhead;
  std::vector<Multiaddr> sorted;
  std::vector<Multiaddr> loopback;
  for (const auto& address : addresses) {
    const auto ip = ip_of(address);
    (ip && ip->is_loopback() ? loopback : sorted).push_back(address);
  }
  sorted.insert(sorted.end(), loopback.begin(), loopback.end());
  for (const auto& address : sorted) {
    const auto ip = ip_of(address);
    const auto full = address.with_peer(config_.self);
    if (!ip || !full || address.has(Protocol::p2p_circuit)) {
      continue;
    }
    std::string text = std::string(k_prefix) + full->to_string();
    if (text.size() > k_text_bytes_max || bytes + 1 + text.size() > k_sent_bytes_max) {
      continue;
    }
    if (const auto endpoint = address.endpoint(); endpoint && texts_.empty()) {
      port_ = endpoint->port;
    }
    if (!ip->is_v6 && (texts_.empty() || ip_ == decltype(ip_){})) {
      std::copy_n(ip->bytes.begin(), ip_.size(), ip_.begin());
    }
    bytes += 1 + text.size();
    texts_.push_back(std::move(text));
  }
}

bool Discovery::admit(rt::TimePoint now) {
  const double seconds = std::chrono::duration<double>(now - tokens_at_).count();
  tokens_at_ = now;
  tokens_ = std::min<double>(config_.packets_burst_max,
                             tokens_ + seconds * config_.packets_per_second_max);
  if (tokens_ < 1) {
    ++refusals_.throttled;
    return false;
  }
  tokens_ -= 1;
  return true;
}

Result<void> Discovery::receive(BytesView packet, const rt::IpAddress& source, rt::TimePoint now) {
  if (!admit(now)) {
    return {};
  }
  const auto message = decode(packet);
  if (!message) {
    ++refusals_.malformed;
    return fail(message.error());
  }
  if (message->response) {
    take_records(*message, source, now);
  } else {
    take_questions(*message, now);
  }
  return {};
}

void Discovery::take_questions(const Message& message, rt::TimePoint now) {
  for (const auto& question : message.questions) {
    const bool pointer = question.type == static_cast<std::uint16_t>(RecordType::ptr) ||
                         question.type == static_cast<std::uint16_t>(RecordType::any);
    if (pointer && question.name == k_service) {
      schedule_answer(now);
    } else if (pointer && question.name == k_meta_service && !meta_answer_at_) {
      meta_answer_at_ = now + k_answer_interval_min;
    }
  }
}

void Discovery::schedule_answer(rt::TimePoint now) {
  if (!answer_at_ && !texts_.empty()) {
    answer_at_ = std::max(now + k_answer_delay_min, answered_at_ + k_answer_interval_min) +
                 jitter(k_answer_jitter);
  }
}

void Discovery::take_records(const Message& message, const rt::IpAddress& source,
                             rt::TimePoint now) {
  std::set<std::string_view> targets;
  std::size_t texts_left = k_texts_max;
  for (const auto& record : message.records) {
    if (record.type == static_cast<std::uint16_t>(RecordType::ptr) && record.name == k_service &&
        !record.target.starts_with(config_.peer_name + ".") &&
        targets.insert(record.target).second) {
      take_instance(record, usable(message, record.target, source, texts_left), source, now);
    }
  }
}

void Discovery::take_instance(const Record& pointer, std::vector<Multiaddr> told,
                              const rt::IpAddress& source, rt::TimePoint now) {
  // All addresses of an instance are of one peer: the first one's.
  std::optional<PeerId> peer;
  std::vector<Multiaddr> addresses;
  for (auto& address : told) {
    const auto named = address.peer();
    if (!named || *named == config_.self || (peer && *named != *peer)) {
      continue;
    }
    peer = named;
    addresses.push_back(address.without_peer());
  }
  if (!peer) {
    return;
  }
  if (pointer.ttl == 0) {
    const auto known = peers_.find(*peer);
    if (known != peers_.end() && known->second.source == source) {
      forget(*peer);
    }
    return;
  }
  learn(*peer, std::move(addresses), pointer.ttl, source, now);
}

std::vector<Multiaddr> Discovery::usable(const Message& message, const std::string& target,
                                         const rt::IpAddress& source, std::size_t& texts_left) {
  std::vector<Multiaddr> addresses;
  for (const auto& record : message.records) {
    if (record.type != static_cast<std::uint16_t>(RecordType::txt) || record.name != target) {
      continue;
    }
    for (const auto& text : record.texts) {
      if (!text.starts_with(k_prefix)) {
        continue;
      }
      if (texts_left == 0 || addresses.size() >= config_.addresses_max) {
        ++refusals_.addresses;
        continue;
      }
      --texts_left;
      auto address = Multiaddr::parse(std::string_view(text).substr(k_prefix.size()));
      if (address && is_near(*address, source)) {
        addresses.push_back(std::move(*address));
      } else {
        ++refusals_.addresses;
      }
    }
  }
  return addresses;
}

bool Discovery::is_near(const Multiaddr& address, const rt::IpAddress& source) const {
  const auto ip = ip_of(address);
  if (!ip || address.has(Protocol::p2p_circuit) || ip->is_unspecified()) {
    return false;
  }
  if (ip->is_loopback()) {
    return source.is_loopback() || std::ranges::find(interfaces_, source) != interfaces_.end();
  }
  return *ip == source || scope_of(address) == multiformats::AddressScope::local ||
         std::ranges::any_of(interfaces_, [&](const auto& own) { return same_network(own, *ip); });
}

Discovery::Peer* Discovery::make_room(const PeerId& peer, const rt::IpAddress& source) {
  const auto known = peers_.find(peer);
  if (known != peers_.end()) {
    return &known->second;
  }
  const auto same = std::ranges::count_if(
      peers_, [&source](const auto& entry) { return entry.second.source == source; });
  if (peers_.size() >= config_.peers_max ||
      static_cast<std::size_t>(same) >= config_.peers_per_source_max) {
    ++refusals_.peers;
    return nullptr;
  }
  return &peers_.emplace(peer, Peer{.addresses = {}, .source = source, .expires = {}})
              .first->second;
}

void Discovery::learn(const PeerId& id, std::vector<Multiaddr> addresses, std::uint32_t ttl,
                      const rt::IpAddress& source, rt::TimePoint now) {
  Peer* const peer = make_room(id, source);
  if (peer == nullptr) {
    return;
  }
  peer->expires = now + std::clamp<rt::Duration>(std::chrono::seconds(ttl), k_kept_min, k_kept_max);
  bool changed = false;
  for (auto& address : addresses) {
    if (std::ranges::find(peer->addresses, address) != peer->addresses.end()) {
      continue;
    }
    if (peer->addresses.size() >= config_.addresses_max) {
      ++refusals_.addresses;
      continue;
    }
    peer->addresses.push_back(std::move(address));
    changed = true;
  }
  if (changed) {
    events_.push_back({.kind = Event::Kind::discovered,
                       .peer = id,
                       .addresses = peer->addresses,
                       .source = source});
  }
}

void Discovery::forget(const PeerId& id) {
  const auto known = peers_.find(id);
  events_.push_back({.kind = Event::Kind::expired,
                     .peer = id,
                     .addresses = std::move(known->second.addresses),
                     .source = known->second.source});
  peers_.erase(known);
}

std::optional<Bytes> Discovery::poll_transmit() {
  if (transmit_.empty()) {
    return std::nullopt;
  }
  std::optional<Bytes> packet(std::move(transmit_.front()));
  transmit_.pop_front();
  return packet;
}

std::optional<Event> Discovery::poll_event() {
  if (events_.empty()) {
    return std::nullopt;
  }
  std::optional<Event> event(std::move(events_.front()));
  events_.pop_front();
  return event;
}

rt::TimePoint Discovery::next_deadline() const {
  rt::TimePoint next = query_at_;
  next = std::min(next, answer_at_.value_or(next));
  next = std::min(next, meta_answer_at_.value_or(next));
  for (const auto& [id, peer] : peers_) {
    next = std::min(next, peer.expires);
  }
  return next;
}

void Discovery::on_deadline(rt::TimePoint now) {
  if (query_at_ <= now) {
    transmit_.push_back(encode_query(k_service));
    query_at_ = now + query_interval_ + jitter(query_interval_ / 10);
    query_interval_ = std::min(query_interval_ * 2, config_.query_interval_max);
    // "a peer must respond to its own query": so others hear of us, also if it does not come back
    schedule_answer(now);
  }
  if (answer_at_ && *answer_at_ <= now) {
    answer_at_.reset();
    answered_at_ = now;
    if (!texts_.empty()) {
      transmit_.push_back(encode_answer(announcement(config_.ttl)));
    }
  }
  if (meta_answer_at_ && *meta_answer_at_ <= now) {
    meta_answer_at_.reset();
    const auto ttl = announcement(config_.ttl).ttl;
    transmit_.push_back(encode_service_answer(k_meta_service, k_service, ttl));
  }
  std::vector<PeerId> expired;
  for (const auto& [id, peer] : peers_) {
    if (peer.expires <= now) {
      expired.push_back(id);
    }
  }
  std::ranges::for_each(expired, [this](const PeerId& id) { forget(id); });
}

void Discovery::leave() {
  if (!texts_.empty()) {
    transmit_.push_back(encode_answer(announcement(rt::Duration(0))));
  }
}

Announcement Discovery::announcement(rt::Duration ttl) const {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(ttl).count();
  return {.service = std::string(k_service),
          .peer_name = config_.peer_name,
          .ttl = static_cast<std::uint32_t>(seconds),
          .port = port_,
          .texts = texts_,
          .ip = ip_};
}

rt::Duration Discovery::jitter(rt::Duration most) {
  config_.seed = config_.seed * 6364136223846793005u + 1442695040888963407u;
  return rt::Duration(static_cast<rt::Duration::rep>(
      (config_.seed >> 33) %
      static_cast<std::uint64_t>(std::max<rt::Duration::rep>(most.count(), 1))));
}

}  // namespace vivim::libp2p::mdns
