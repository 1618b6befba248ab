#include "vivim/libp2p/rendezvous/client.hpp"

#include "vivim/libp2p/delimited/delimited.hpp"
#include "vivim/libp2p/transport/reset_code.hpp"
#include "vivim/rt/deadline.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::libp2p::rendezvous {

namespace {

/// Whether a point may have failed to read our record.
bool is_record_trouble(const Error& error) {
  const bool said =
      error.is(RendezvousError::refused) &&
      error.detail() == static_cast<std::uint64_t>(Status::invalid_signed_peer_record);
  return said || error.is(rt::RtError::reset) || error.is(DelimitedError::truncated);
}

rt::Co<Result<Message>> converse(rt::Stream& stream, const Bytes& request) {
  VIVIM_CO_TRYV(co_await stream.write(request));
  DelimitedReader reader(k_answer_bytes_max);
  VIVIM_CO_TRY(const auto body, co_await read_message(stream, reader));
  (void)co_await stream.close_write();
  co_return decode(body);
}

}  // namespace

Result<Discovered> read_response(const DiscoverResponse& response) {
  if (response.status != Status::ok) {
    return fail(RendezvousError::refused, static_cast<std::uint64_t>(response.status));
  }
  Discovered discovered{.peers = {}, .cookie = response.cookie};
  for (const auto& registration : response.registrations) {
    auto record = open_record(registration.record);
    if (!record || !is_namespace(registration.ns)) {
      ++discovered.dropped;
      continue;
    }
    constexpr std::uint64_t k_ttl_max = 72 * 3600;
    const auto ttl = std::min(registration.ttl.value_or(0), k_ttl_max);
    discovered.peers.push_back({.ns = registration.ns,
                                .peer = record->peer,
                                .addresses = std::move(record->addresses),
                                .ttl = std::chrono::seconds(ttl)});
  }
  return discovered;
}

rt::Co<Result<Message>> Client::ask(PeerId point, Message request) {
  const std::string protocol(k_protocol_id);
  VIVIM_CO_TRY(auto opened, co_await host_.open_stream(point, std::span(&protocol, 1)));
  rt::Stream* const raw = opened.stream.get();
  rt::Deadline deadline(loop_, answer_max_, [raw] { raw->reset(0); });
  auto answer = co_await converse(*opened.stream, delimited(encode(request)));
  co_await deadline.finish();
  if (!answer) {
    opened.stream->reset(to_value(reset_code_for(answer.error())));
    if (deadline.expired()) {
      co_return fail(RendezvousError::too_slow);
    }
  }
  co_return answer;
}

rt::Co<Result<std::chrono::seconds>> Client::enroll(PeerId point, std::string ns,
                                                    std::optional<std::chrono::seconds> ttl) {
  if (!is_namespace(ns)) {
    co_return fail(RendezvousError::invalid_namespace);
  }
  auto enrolled = co_await enroll_once(point, ns, ttl, form_);
  if (!enrolled && is_record_trouble(enrolled.error())) {
    const auto other = form_ == RecordForm::deployed ? RecordForm::legacy : RecordForm::deployed;
    enrolled = co_await enroll_once(point, ns, ttl, other);
  }
  co_return enrolled;
}

rt::Co<Result<std::chrono::seconds>> Client::enroll_once(PeerId point, std::string ns,
                                                         std::optional<std::chrono::seconds> ttl,
                                                         RecordForm form) {
  std::vector<Multiaddr> addresses;
  for (const auto& address : host_.listen_addresses()) {
    addresses.push_back(address.without_peer());
  }
  const auto sequence = static_cast<std::uint64_t>(loop_.clock().wall_now_ms());
  Register request{.ns = std::move(ns), .record = seal_record(signer_, sequence, addresses, form)};
  if (ttl) {
    request.ttl = static_cast<std::uint64_t>(ttl->count());
  }
  VIVIM_CO_TRY(const auto answer, co_await ask(point, Message(std::move(request))));
  const auto* response = std::get_if<RegisterResponse>(&answer);
  if (response == nullptr) {
    co_return fail(RendezvousError::unexpected);
  }
  if (response->status != Status::ok) {
    co_return fail(RendezvousError::refused, static_cast<std::uint64_t>(response->status));
  }
  constexpr std::uint64_t k_ttl_max = 72 * 3600;
  co_return std::chrono::seconds(std::min(response->ttl.value_or(0), k_ttl_max));
}

rt::Co<Result<void>> Client::leave(PeerId point, std::string ns) {
  if (!is_namespace(ns)) {
    co_return fail(RendezvousError::invalid_namespace);
  }
  const std::string protocol(k_protocol_id);
  VIVIM_CO_TRY(auto opened, co_await host_.open_stream(point, std::span(&protocol, 1)));
  rt::Stream* const raw = opened.stream.get();
  rt::Deadline deadline(loop_, answer_max_, [raw] { raw->reset(0); });
  const Bytes request = delimited(encode(Message(Unregister{.ns = std::move(ns)})));
  auto written = co_await opened.stream->write(request);
  if (written) {
    written = co_await opened.stream->close_write();
  }
  // The point closes when it has read it: resetting before would lose it.
  std::array<std::uint8_t, 64> rest{};
  while (written) {
    const auto count = co_await opened.stream->read_some(rest);
    if (!count || *count == 0) {
      break;
    }
  }
  co_await deadline.finish();
  co_return written;
}

rt::Co<Result<Discovered>> Client::discover(PeerId point, Discover request) {
  if (request.ns && !is_namespace(*request.ns)) {
    co_return fail(RendezvousError::invalid_namespace);
  }
  VIVIM_CO_TRY(const auto answer, co_await ask(point, Message(std::move(request))));
  const auto* response = std::get_if<DiscoverResponse>(&answer);
  if (response == nullptr) {
    co_return fail(RendezvousError::unexpected);
  }
  co_return read_response(*response);
}

}  // namespace vivim::libp2p::rendezvous
