// Which session a datagram belongs to, and what is answered when it belongs to none.
#include <algorithm>

#include "vivim/libp2p/quic/endpoint_detail.hpp"
#include "vivim/multiformats/address_scope.hpp"

namespace vivim::libp2p::quic {

namespace {

constexpr std::size_t k_initial_bytes_min = 1200;  // RFC 9000, 14.1
constexpr std::size_t k_reset_bytes_min = 43;      // below, an answer could be told from a packet
constexpr std::size_t k_reset_bytes_max = 64;
constexpr std::size_t k_reset_offers_max = 8;  // connections with one peer's address
constexpr std::uint64_t k_invalid_token = 0x0b;
constexpr auto k_token_life = std::chrono::seconds(10);

bool is_long(BytesView datagram) {
  return (datagram.front() & 0x80) != 0;
}

/// Who counts as one.
Bytes group_of(const rt::IpAddress& ip) {
  return to_bytes(multiformats::ip_group(BytesView(ip.bytes).first(ip.is_v6 ? 16 : 4)));
}

/// A remote address as tokens are bound to it.
struct RemoteAddress {
  explicit RemoteAddress(const Path& path) : storage(path) {}
  const sockaddr* address() const { return storage.get()->remote.addr; }
  socklen_t length() const { return storage.get()->remote.addrlen; }

  PathStorage storage;
};

}  // namespace

void Endpoint::answer(const Path& path, Bytes bytes) {
  if (answers_.size() < limits_.answers_max) {
    answers_.push_back({.path = path, .from = asked_, .bytes = std::move(bytes)});
  }
}

/// Nothing of a handshake is answered: one packet says that there is none.
void Endpoint::refuse(const Path& path, const InboundStart& start, std::uint64_t code) {
  const ngtcp2_cid client = start.source.to_ngtcp2();
  const ngtcp2_cid chosen = start.destination.to_ngtcp2();
  Bytes packet(256);
  const ngtcp2_ssize size = ngtcp2_crypto_write_connection_close(
      packet.data(), packet.size(), start.version, &client, &chosen, code, nullptr, 0);
  if (size > 0) {
    packet.resize(static_cast<std::size_t>(size));
    answer(path, std::move(packet));
  }
}

Session* Endpoint::session_of(BytesView cid) {
  if (cid.size() > NGTCP2_MAX_CIDLEN) {
    return nullptr;
  }
  const auto found = sessions_.find(table_->find(Cid::from(cid)));
  return found == sessions_.end() ? nullptr : found->second.get();
}

void Endpoint::feed(const Path& path, std::optional<rt::IpAddress> asked, BytesView datagram,
                    Time now) {
  asked_ = asked;
  if (datagram.empty()) {
    return;
  }
  ngtcp2_version_cid header;
  const int result =
      ngtcp2_pkt_decode_version_cid(&header, datagram.data(), datagram.size(), k_cid_bytes);
  if (result == NGTCP2_ERR_VERSION_NEGOTIATION) {
    send_version_negotiation(path, datagram);
    return;
  }
  if (result != 0) {
    ++stats_.dropped;
    return;
  }
  if (Session* const session = session_of(BytesView(header.dcid, header.dcidlen))) {
    session->impl().asked = asked;
    session->feed(path, datagram, now);
    after(*session);
    return;
  }
  feed_unknown(path, datagram, now);
}

void Endpoint::offer_reset(const Path& path, BytesView datagram, Time now) {
  // A stateless reset names no connection of ours: only a session can tell it from noise, by a
  // token that the peer gave it (RFC 9000, 10.3.1).
  std::size_t offers = 0;
  for (auto at = by_remote_.lower_bound({path.remote, 0});
       at != by_remote_.end() && at->first == path.remote && offers < k_reset_offers_max; ++at) {
    Session& session = *sessions_.at(at->second);
    if (session.connected()) {
      session.feed(path, datagram, now);
      ++offers;
      if (session.closed()) {
        after(session);
      }
    }
  }
}

void Endpoint::feed_unknown(const Path& path, BytesView datagram, Time now) {
  if (!is_long(datagram)) {
    offer_reset(path, datagram, now);
    send_stateless_reset(path, datagram);
    return;
  }
  if (!listening_ || datagram.size() < k_initial_bytes_min) {
    ++stats_.dropped;
    return;
  }
  feed_initial(path, datagram, now);
}

/// Who has not proved its address may be anybody: only the others count for their own.
bool Endpoint::has_room(const rt::IpAddress& ip, const InboundStart& start) const {
  if (half_open_ >= limits_.half_open_max || sessions_.size() >= limits_.sessions_max) {
    return false;
  }
  if (!start.retried || ip.is_loopback()) {
    return true;
  }
  const Bytes group = group_of(ip);
  const auto same = std::ranges::count_if(by_remote_, [&](const auto& each) {
    const Session::Impl& impl = sessions_.at(each.second)->impl();
    return impl.half_open && impl.proven && group_of(each.first.ip) == group;
  });
  return static_cast<std::size_t>(same) < limits_.half_open_per_address_max;
}

void Endpoint::feed_initial(const Path& path, BytesView datagram, Time now) {
  ngtcp2_pkt_hd header;
  if (ngtcp2_accept(&header, datagram.data(), datagram.size()) != 0) {
    ++stats_.dropped;
    return;
  }
  InboundStart start{.destination = Cid::from(header.dcid),
                     .source = Cid::from(header.scid),
                     .token = BytesView(header.token.base, header.token.len),
                     .version = header.version};
  if (admission_ && !admission_(path.remote)) {
    ++stats_.gated;
    refuse(path, start, k_connection_refused);
    return;
  }
  const RemoteAddress remote(path);
  if (!start.token.empty() && start.token.front() == NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY) {
    ngtcp2_cid original;
    if (ngtcp2_crypto_verify_retry_token(
            &original, start.token.data(), start.token.size(), secret_.data(), secret_.size(),
            header.version, remote.address(), remote.length(), &header.dcid,
            static_cast<ngtcp2_duration>(std::chrono::nanoseconds(k_token_life).count()),
            stamp(now)) != 0) {
      ++stats_.refused;
      refuse(path, start, k_invalid_token);
      return;
    }
    start.original = Cid::from(original);
    start.retried = true;
  } else if (half_open_ >= limits_.retry_above) {
    send_retry(path, start, now);
    return;
  }
  if (!has_room(path.remote.ip, start)) {
    ++stats_.refused;
    refuse(path, start, k_connection_refused);
    return;
  }
  auto impl = make_session(path, now);
  if (!impl->start_server(start, now)) {
    ++stats_.dropped;
    return;
  }
  impl->asked = asked_;
  impl->proven = start.retried;
  const SessionId id = impl->id;
  add_session(std::move(impl));
  Session& session = *sessions_.at(id);
  session.feed(path, datagram, now);
  if (!session.gone()) {
    after(session);
    return;
  }
  // Nothing came of it. A hello whose beginning is still to come is kept for proven addresses only.
  const bool retry = session.impl().wants_retry;
  remove(id);
  if (retry) {
    send_retry(path, start, now);
  }
}

void Endpoint::send_retry(const Path& path, const InboundStart& start, Time now) {
  const RemoteAddress remote(path);
  std::array<std::uint8_t, k_cid_bytes> source_bytes{};
  rng_.fill(source_bytes);
  const ngtcp2_cid source = Cid::from(source_bytes).to_ngtcp2();
  const ngtcp2_cid client = start.source.to_ngtcp2();
  const ngtcp2_cid original = start.destination.to_ngtcp2();
  std::array<std::uint8_t, NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN> token{};
  const ngtcp2_ssize length = ngtcp2_crypto_generate_retry_token(
      token.data(), secret_.data(), secret_.size(), start.version, remote.address(),
      remote.length(), &source, &original, stamp(now));
  if (length < 0) {
    return;
  }
  Bytes packet(512);
  const ngtcp2_ssize size =
      ngtcp2_crypto_write_retry(packet.data(), packet.size(), start.version, &client, &source,
                                &original, token.data(), static_cast<std::size_t>(length));
  if (size > 0) {
    ++stats_.retries;
    packet.resize(static_cast<std::size_t>(size));
    answer(path, std::move(packet));
  }
}

void Endpoint::send_version_negotiation(const Path& path, BytesView datagram) {
  ngtcp2_version_cid header;
  (void)ngtcp2_pkt_decode_version_cid(&header, datagram.data(), datagram.size(), k_cid_bytes);
  if (!listening_ || datagram.size() < k_initial_bytes_min || header.scidlen > NGTCP2_MAX_CIDLEN ||
      header.dcidlen > NGTCP2_MAX_CIDLEN) {
    ++stats_.dropped;
    return;
  }
  const std::array<std::uint32_t, 1> versions{NGTCP2_PROTO_VER_V1};
  std::array<std::uint8_t, 1> noise{};
  rng_.fill(noise);
  Bytes packet(128);
  const ngtcp2_ssize size = ngtcp2_pkt_write_version_negotiation(
      packet.data(), packet.size(), noise[0], header.scid, header.scidlen, header.dcid,
      header.dcidlen, versions.data(), versions.size());
  if (size > 0) {
    ++stats_.version_answers;
    packet.resize(static_cast<std::size_t>(size));
    answer(path, std::move(packet));
  }
}

void Endpoint::send_stateless_reset(const Path& path, BytesView datagram) {
  // Shorter than what it answers, so that two of us never answer each other forever.
  if (!listening_ || datagram.size() <= k_reset_bytes_min || datagram.size() < 1 + k_cid_bytes) {
    ++stats_.dropped;
    return;
  }
  const ngtcp2_cid cid = Cid::from(datagram.subspan(1, k_cid_bytes)).to_ngtcp2();
  std::array<std::uint8_t, NGTCP2_STATELESS_RESET_TOKENLEN> token{};
  if (ngtcp2_crypto_generate_stateless_reset_token(token.data(), secret_.data(), secret_.size(),
                                                   &cid) != 0) {
    return;
  }
  std::array<std::uint8_t, k_reset_bytes_max> noise{};
  rng_.fill(noise);
  const std::size_t total = std::min(datagram.size() - 1, k_reset_bytes_max);
  Bytes packet(total);
  const ngtcp2_ssize size =
      ngtcp2_pkt_write_stateless_reset(packet.data(), packet.size(), token.data(), noise.data(),
                                       total - NGTCP2_STATELESS_RESET_TOKENLEN);
  if (size > 0) {
    ++stats_.resets;
    packet.resize(static_cast<std::size_t>(size));
    answer(path, std::move(packet));
  }
}

}  // namespace vivim::libp2p::quic
