#include "vivim/libp2p/rendezvous/server.hpp"

#include "vivim/libp2p/delimited/delimited.hpp"
#include "vivim/libp2p/metrics/family.hpp"
#include "vivim/libp2p/transport/reset_code.hpp"
#include "vivim/rt/deadline.hpp"

namespace vivim::libp2p::rendezvous {

namespace {

/// The next message; none when the client has no more.
rt::Co<Result<std::optional<Message>>> next_message(rt::Stream& stream, DelimitedReader& reader,
                                                    rt::Loop& loop, rt::Duration time) {
  rt::Deadline deadline(loop, time, [&stream] { stream.reset(0); });
  const auto body = co_await read_message(stream, reader);
  co_await deadline.finish();
  if (!body) {
    if (body.error().is(DelimitedError::truncated) && reader.empty()) {
      co_return std::nullopt;
    }
    co_return fail(body.error());
  }
  VIVIM_CO_TRY(auto message, decode(*body));
  co_return std::optional(std::move(message));
}

/// Why a request was refused, for the numbers.
std::string_view name_of(Status status) {
  switch (status) {
    case Status::ok:
      return "ok";
    case Status::invalid_namespace:
      return "invalid_namespace";
    case Status::invalid_signed_peer_record:
      return "invalid_signed_peer_record";
    case Status::invalid_ttl:
      return "invalid_ttl";
    case Status::invalid_cookie:
      return "invalid_cookie";
    case Status::not_authorized:
      return "not_authorized";
    case Status::internal_error:
      return "internal_error";
    case Status::unavailable:
      return "unavailable";
  }
  return "other";
}

}  // namespace

Server::Server(Host& host, rt::Loop& loop, rt::Rng& rng, ServerOptions options)
    : loop_(loop),
      options_(options),
      registry_(options.registry, rng.u64()),
      status_(host.handle(std::string(k_protocol_id),
                          [this](InboundStream inbound) { return serve(std::move(inbound)); })),
      published_(host.publish([this](metrics::Registry& registry) { publish(registry); })) {}

std::uint64_t Server::refused() const {
  std::uint64_t all = 0;
  for (const auto& [why, count] : refused_) {
    all += count;
  }
  return all;
}

void Server::publish(metrics::Registry& registry) const {
  using metrics::Family;
  using metrics::Type;
  Family(registry, "libp2p_rendezvous_registrations", Type::gauge, "registrations of others")
      .set(registrations());
  Family(registry, "libp2p_rendezvous_requests_total", Type::counter, "requests of others")
      .set(requests());
  Family refused(registry, "libp2p_rendezvous_refused_total", Type::counter,
                 "streams refused, and requests not answered with ok, by status", "status");
  for (const auto& [why, count] : refused_) {
    refused.set(why, count);
  }
}

rt::Co<void> Server::serve(InboundStream inbound) {
  auto& own = streams_[inbound.peer];
  if (own >= options_.streams_per_peer_max || streams_total_ >= options_.streams_max) {
    ++refused_["too_many_streams"];
    if (own == 0) {
      streams_.erase(inbound.peer);
    }
    inbound.stream->reset(to_value(ResetCode::limit_exceeded));
    co_return;
  }
  ++own;
  ++streams_total_;
  if (const auto ended = co_await converse(*inbound.stream, inbound.peer); !ended) {
    ++refused_["broken"];
    inbound.stream->reset(to_value(reset_code_for(ended.error())));
  }
  --streams_total_;
  if (--streams_[inbound.peer] == 0) {
    streams_.erase(inbound.peer);
  }
}

rt::Co<Result<void>> Server::converse(rt::Stream& stream, PeerId peer) {
  DelimitedReader reader(k_request_bytes_max);
  for (std::size_t count = 0; count < options_.messages_max; ++count) {
    VIVIM_CO_TRY(const auto request,
                 co_await next_message(stream, reader, loop_, options_.message_max));
    if (!request) {
      co_return co_await stream.close_write();
    }
    ++requests_;
    const bool answered = !std::holds_alternative<Unregister>(*request);
    const auto response = answer(peer, *request);
    if (!response) {
      if (answered) {
        co_return fail(RendezvousError::unexpected);
      }
      continue;
    }
    const Bytes bytes = delimited(encode(*response));
    rt::Deadline deadline(loop_, options_.message_max, [&stream] { stream.reset(0); });
    const auto written = co_await stream.write(bytes);
    co_await deadline.finish();
    VIVIM_CO_TRYV(written);
  }
  co_return fail(RendezvousError::too_many_messages, options_.messages_max);
}

void Server::note(Status status) {
  if (status != Status::ok) {
    ++refused_[name_of(status)];
  }
}

std::optional<Message> Server::answer(const PeerId& peer, const Message& request) {
  const rt::TimePoint now = loop_.clock().now();
  if (const auto* wanted = std::get_if<Register>(&request)) {
    auto response = registry_.add(peer, *wanted, now);
    note(response.status);
    return response;
  }
  if (const auto* wanted = std::get_if<Discover>(&request)) {
    auto response = registry_.discover(*wanted, now);
    note(response.status);
    return response;
  }
  if (const auto* wanted = std::get_if<Unregister>(&request)) {
    registry_.remove(peer, *wanted);
  }
  return std::nullopt;
}

}  // namespace vivim::libp2p::rendezvous
