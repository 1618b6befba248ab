#include "vivim/libp2p/quic/endpoint.hpp"

#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/quic/endpoint_detail.hpp"

namespace vivim::libp2p::quic {

Endpoint::Endpoint(CertificateVerifier verify, rt::Rng& rng, SessionConfig config,
                   EndpointLimits limits)
    : verify_(std::move(verify)),
      rng_(rng),
      config_(config),
      limits_(limits),
      table_(std::make_unique<Table>()),
      windows_left_(limits.window_budget_bytes) {
  rng_.fill(secret_);
}

Endpoint::~Endpoint() = default;

Result<std::unique_ptr<Endpoint>> Endpoint::make(const Identity& identity,
                                                 CertificateVerifier verify, rt::Rng& rng,
                                                 SessionConfig config, EndpointLimits limits,
                                                 std::optional<EndpointSecret> secret) {
  VIVIM_TRY(auto credentials, Credentials::make(identity, config.tls_priorities));
  std::unique_ptr<Endpoint> endpoint(new Endpoint(std::move(verify), rng, config, limits));
  endpoint->credentials_ = std::move(credentials);
  endpoint->secret_ = secret.value_or(endpoint->secret_);
  return endpoint;
}

std::unique_ptr<Session::Impl> Endpoint::make_session(const Path& path, Time now) {
  return std::make_unique<Session::Impl>(SessionContext{.config = config_,
                                                        .credentials = *credentials_,
                                                        .verify = verify_,
                                                        .rng = rng_,
                                                        .cids = *table_,
                                                        .reset_secret = secret_,
                                                        .windows_left = windows_left_},
                                         next_id_++, path, now);
}

void Endpoint::add_session(std::unique_ptr<Session::Impl> impl) {
  const SessionId id = impl->id;
  by_remote_.emplace(impl->first_remote, id);
  const auto session = sessions_.emplace(id, std::make_unique<Session>(std::move(impl)));
  note_half_open(*session.first->second);
}

Result<SessionId> Endpoint::connect(const Path& path, std::optional<PeerId> expected, Time now) {
  if (sessions_.size() >= limits_.sessions_max) {
    ++stats_.refused;
    return fail(QuicError::too_many_connections, limits_.sessions_max);
  }
  auto impl = make_session(path, now);
  VIVIM_TRYV(impl->start_client(expected, now));
  const SessionId id = impl->id;
  add_session(std::move(impl));
  touch(id);
  return id;
}

Session* Endpoint::find(SessionId session) {
  const auto found = sessions_.find(session);
  return found == sessions_.end() || !found->second->impl().owned ? nullptr : found->second.get();
}

void Endpoint::touch(SessionId session) {
  const auto found = sessions_.find(session);
  if (found != sessions_.end()) {
    after(*found->second);
  }
}

void Endpoint::after(Session& session) {
  Session::Impl& impl = session.impl();
  note_half_open(session);
  if (session.has_events() && impl.owned && !std::exchange(impl.events_listed, true)) {
    with_events_.push_back(impl.id);
  }
  if (!std::exchange(impl.dirty, true)) {
    dirty_.push_back(impl.id);
  }
}

void Endpoint::note_half_open(Session& session) {
  Session::Impl& impl = session.impl();
  const bool half_open = impl.server && impl.state == SessionState::handshake;
  if (half_open != impl.half_open) {
    impl.half_open = half_open;
    half_open_ += half_open ? 1 : static_cast<std::size_t>(-1);
  }
}

void Endpoint::release(SessionId id, Time now) {
  Session* const session = find(id);
  if (session == nullptr) {
    return;
  }
  session->close(0, now);
  session->impl().owned = false;
  if (session->gone()) {
    remove(id);
  } else {
    touch(id);
  }
}

void Endpoint::remove(SessionId id) {
  const auto found = sessions_.find(id);
  Session::Impl& impl = found->second->impl();
  if (impl.deadline_listed) {
    deadlines_.erase({*impl.deadline_listed, id});
  }
  if (impl.half_open) {
    --half_open_;
  }
  by_remote_.erase({impl.first_remote, id});
  sessions_.erase(found);
}

std::optional<EndpointEvent> Endpoint::poll_event() {
  while (!with_events_.empty()) {
    const SessionId id = with_events_.front();
    if (Session* const session = find(id)) {
      if (const auto event = session->poll_event()) {
        return EndpointEvent{.session = id, .event = *event};
      }
      session->impl().events_listed = false;
    }
    with_events_.pop_front();
  }
  return std::nullopt;
}

void Endpoint::list_deadline(Session& session) {
  Session::Impl& impl = session.impl();
  const auto deadline = session.next_deadline();
  if (deadline == impl.deadline_listed) {
    return;
  }
  if (impl.deadline_listed) {
    deadlines_.erase({*impl.deadline_listed, impl.id});
  }
  impl.deadline_listed = deadline;
  if (deadline) {
    deadlines_.emplace(*deadline, impl.id);
  }
}

std::optional<Transmit> Endpoint::poll_transmit(MutableBytes buffer, Time now) {
  VIVIM_ASSERT(buffer.size() >= k_transmit_bytes_min);
  if (!answers_.empty()) {
    const Answer answer = std::move(answers_.front());
    answers_.pop_front();
    std::ranges::copy(answer.bytes, buffer.begin());
    return Transmit{.path = answer.path,
                    .bytes = answer.bytes.size(),
                    .segment_bytes = answer.bytes.size(),
                    .from = answer.from};
  }
  while (!dirty_.empty()) {
    const SessionId id = dirty_.front();
    dirty_.pop_front();
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) {
      continue;
    }
    Session& session = *found->second;
    session.impl().dirty = false;
    auto transmit = session.poll_transmit(buffer, now);
    if (transmit) {
      transmit->from = session.impl().asked;
      after(session);  // it may have more: after the others
      return transmit;
    }
    if (session.has_events()) {
      after(session);
      session.impl().dirty = false;
      dirty_.pop_back();
    }
    if (session.gone() && !session.impl().owned) {
      remove(id);
    } else {
      list_deadline(session);
    }
  }
  return std::nullopt;
}

std::optional<Time> Endpoint::next_deadline() const {
  return deadlines_.empty() ? std::nullopt : std::optional(deadlines_.begin()->first);
}

void Endpoint::on_deadline(Time now) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const SessionId id = deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    Session& session = *sessions_.at(id);
    session.impl().deadline_listed.reset();
    session.on_deadline(now);
    after(session);
  }
}

}  // namespace vivim::libp2p::quic
