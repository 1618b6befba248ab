#include "vivim/libp2p/autonat/server.hpp"

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/metrics/family.hpp"
#include "vivim/libp2p/transport/reset_code.hpp"
#include "vivim/rt/deadline.hpp"

namespace vivim::libp2p::autonat {

namespace {

/// Whether a dial failed for a reason of ours, which tells nothing about the address.
bool is_our_fault(const Error& error) {
  return error.blame() == Blame::local || error.is(HostError::stopping) ||
         limits::is_limit_error(error);
}

v2::DialResponse excuse(const Error& error) {
  return {.status = limits::is_limit_error(error) ? v2::ResponseStatus::request_rejected
                                                  : v2::ResponseStatus::internal_error};
}

void publish(metrics::Registry& registry, const AutonatServerStats& stats) {
  metrics::Family(registry, "libp2p_autonat_served_total", metrics::Type::counter,
                  "AutoNAT requests of others, by outcome", "result")
      .set("rejected", stats.rejected)
      .set("refused", stats.refused)
      .set("broken", stats.broken)
      .set("reached", stats.reached)
      .set("unreached", stats.unreached);
  metrics::Family(registry, "libp2p_autonat_data_bytes_total", metrics::Type::counter,
                  "dial data received before dialling addresses that are not the asker's")
      .set(stats.data_bytes);
  metrics::Family(registry, "libp2p_autonat_refused_total", metrics::Type::counter,
                  "AutoNAT requests of others that were not served, by status", "status")
      .set("rejected", stats.rejected)
      .set("refused", stats.refused)
      .set("broken", stats.broken);
}

}  // namespace

/// A request under way: stop() ends its stream, and waits.
class AutonatServer::Request {
 public:
  Request(AutonatServer& server, rt::Stream& stream) : server_(server), stream_(stream) {
    ++server_.requests_;
    server_.serving_.insert(stream_);
  }
  ~Request() {
    server_.serving_.erase(stream_);
    if (--server_.requests_ == 0) {
      server_.idle_.set();
    }
  }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

 private:
  AutonatServer& server_;
  rt::Stream& stream_;
};

AutonatServer::AutonatServer(Host& host, Host& dialer, rt::Rng& rng, AutonatServerOptions options)
    : host_(host),
      dialer_(dialer),
      rng_(rng),
      options_(options),
      limiter_(options.limits),
      published_(host.publish([this](metrics::Registry& registry) { publish(registry, stats_); })),
      idle_(host.loop()) {}

AutonatServer::~AutonatServer() {
  VIVIM_ASSERT(requests_ == 0);
}

Result<void> AutonatServer::start() {
  VIVIM_TRYV(host_.handle(std::string(k_v1_protocol_id),
                          [this](InboundStream inbound) { return serve_v1(std::move(inbound)); }));
  return host_.handle(std::string(k_dial_request_protocol_id),
                      [this](InboundStream inbound) { return serve_v2(std::move(inbound)); });
}

rt::Co<void> AutonatServer::stop() {
  stopping_ = true;
  host_.unhandle(std::string(k_v1_protocol_id));
  host_.unhandle(std::string(k_dial_request_protocol_id));
  for (rt::Stream* const stream : serving_) {
    stream->reset(to_value(ResetCode::shutdown));
  }
  while (requests_ > 0) {
    idle_.reset();
    co_await idle_.wait();
  }
}

DialRules AutonatServer::rules() const {
  return {.scope = options_.scope,
          .can_dial = [this](const Multiaddr& address) { return dialer_.can_dial(address); }};
}

rt::Co<void> AutonatServer::serve_v1(InboundStream inbound) {
  rt::Stream* const raw = inbound.stream.get();
  const Request request(*this, *raw);
  ++stats_.requests;
  v1::DialResponse response{.status = v1::Status::dial_refused};
  if (!stopping_ && limiter_.accept(inbound.peer, now())) {
    const auto answer = co_await answer_v1(inbound);
    limiter_.finished(inbound.peer);
    if (!answer) {
      ++stats_.broken;
      response.status = v1::Status::bad_request;
    } else {
      response = *answer;
    }
  } else {
    ++stats_.rejected;
  }
  const Bytes bytes = delimited(v1::encode(response));
  if (co_await raw->write(bytes)) {
    (void)co_await raw->close_write();
  }
}

rt::Co<Result<v1::DialResponse>> AutonatServer::answer_v1(InboundStream& inbound) {
  rt::Stream* const raw = inbound.stream.get();
  rt::Deadline deadline(host_.loop(), options_.request_time_max, [raw] { raw->reset(0); });
  DelimitedReader reader(k_message_bytes_max);
  const auto bytes = co_await read_message(*raw, reader);
  co_await deadline.finish();
  VIVIM_CO_TRY(const auto message, bytes ? v1::decode(*bytes) : fail(bytes.error()));
  const auto* const dial = std::get_if<v1::Dial>(&message);
  if (dial == nullptr) {
    co_return fail(AutonatError::unexpected);
  }
  auto addresses = v1_addresses(*dial, inbound.peer, inbound.remote, rules());
  if (addresses.empty() || inbound.limited) {
    ++stats_.refused;
    co_return v1::DialResponse{.status = v1::Status::dial_refused};
  }
  bool tried_all = true;
  for (const Multiaddr& address : addresses) {
    const ConnectOptions options{.force_new = true, .ignore_backoff = true};
    std::vector<Multiaddr> one{address};
    const auto dialled = co_await dialer_.connect(inbound.peer, std::move(one), options);
    if (dialled) {
      dialer_.disconnect(inbound.peer);
      ++stats_.reached;
      co_return v1::DialResponse{.status = v1::Status::ok, .address = address};
    }
    tried_all = tried_all && !is_our_fault(dialled.error()) && !stopping_;
    if (stopping_) {
      break;
    }
  }
  ++(tried_all ? stats_.unreached : stats_.failed);
  co_return v1::DialResponse{.status =
                                 tried_all ? v1::Status::dial_error : v1::Status::internal_error};
}

rt::Co<void> AutonatServer::serve_v2(InboundStream inbound) {
  rt::Stream* const raw = inbound.stream.get();
  const Request request(*this, *raw);
  ++stats_.requests;
  v2::DialResponse response{.status = v2::ResponseStatus::request_rejected};
  if (!stopping_ && limiter_.accept(inbound.peer, now())) {
    const auto answer = co_await answer_v2(inbound);
    limiter_.finished(inbound.peer);
    if (!answer) {
      ++stats_.broken;
      raw->reset(to_value(reset_code_for(answer.error())));
      co_return;
    }
    response = *answer;
  }
  if (response.status == v2::ResponseStatus::request_rejected) {
    ++stats_.rejected;
  }
  const Bytes bytes = delimited(v2::encode(response));
  if (co_await raw->write(bytes)) {
    (void)co_await raw->close_write();
  }
}

rt::Co<Result<v2::DialResponse>> AutonatServer::answer_v2(InboundStream& inbound) {
  rt::Stream* const raw = inbound.stream.get();
  const std::uint64_t data_bytes =
      k_dial_data_bytes_min + rng_.below(k_dial_data_bytes_max - k_dial_data_bytes_min + 1);
  ServerSession session(rules(), inbound.remote, data_bytes);
  rt::Deadline deadline(host_.loop(), options_.request_time_max, [raw] { raw->reset(0); });
  auto action = co_await converse(*raw, session);
  co_await deadline.finish();
  if (!action) {
    co_return fail(action.error());
  }
  if (const auto* const message = std::get_if<v2::Message>(&*action)) {
    const auto& response = std::get<v2::DialResponse>(*message);
    stats_.refused += response.status == v2::ResponseStatus::dial_refused ? 1 : 0;
    co_return response;
  }
  auto& dial = std::get<ServerSession::Dial>(*action);
  if (dial.foreign) {
    const auto most = static_cast<std::uint64_t>(options_.foreign_wait_max.count());
    co_await rt::sleep_for(host_.loop(),
                           rt::Duration(static_cast<std::int64_t>(rng_.below(most + 1))));
  }
  const auto status = co_await dial_back(inbound.peer, std::move(dial));
  if (!status) {
    ++stats_.failed;
    co_return excuse(status.error());
  }
  ++(*status == v2::DialStatus::dial_error ? stats_.unreached : stats_.reached);
  co_return session.on_dialled(*status);
}

/// Reads until the session knows what to answer, or whom to dial.
rt::Co<Result<ServerSession::Action>> AutonatServer::converse(rt::Stream& stream,
                                                              ServerSession& session) {
  DelimitedReader reader(k_message_bytes_max);
  for (;;) {
    VIVIM_CO_TRY(const auto bytes, co_await read_message(stream, reader));
    VIVIM_CO_TRY(const auto message, v2::decode(bytes));
    if (const auto* const data = std::get_if<v2::DialDataResponse>(&message)) {
      stats_.data_bytes += data->bytes;
    }
    VIVIM_CO_TRY(auto action, session.on_message(message, limiter_, now()));
    if (!action) {
      continue;
    }
    const auto* const reply = std::get_if<v2::Message>(&*action);
    if (reply == nullptr || std::holds_alternative<v2::DialResponse>(*reply)) {
      co_return std::move(*action);
    }
    const Bytes question = delimited(v2::encode(*reply));
    VIVIM_CO_TRYV(co_await stream.write(question));
  }
}

/// Error: one of ours, and nothing is known of the address.
rt::Co<Result<v2::DialStatus>> AutonatServer::dial_back(PeerId peer, ServerSession::Dial dial) {
  std::vector<Multiaddr> addresses{std::move(dial.address)};
  const ConnectOptions options{.force_new = true, .ignore_backoff = true};
  if (stopping_) {
    co_return fail(HostError::stopping);
  }
  const auto dialled = co_await dialer_.connect(peer, std::move(addresses), options);
  if (!dialled) {
    co_return is_our_fault(dialled.error()) ? Result<v2::DialStatus>(fail(dialled.error()))
                                            : v2::DialStatus::dial_error;
  }
  const auto status = co_await say_nonce(peer, dial.nonce);
  dialer_.disconnect(peer);
  co_return status;
}

rt::Co<Result<v2::DialStatus>> AutonatServer::say_nonce(PeerId peer, std::uint64_t nonce) {
  const std::string protocol(k_dial_back_protocol_id);
  auto opened = co_await dialer_.open_stream(peer, std::span(&protocol, 1));
  if (!opened) {
    co_return is_our_fault(opened.error()) ? Result<v2::DialStatus>(fail(opened.error()))
                                           : v2::DialStatus::dial_back_error;
  }
  rt::Stream* const raw = opened->stream.get();
  rt::Deadline deadline(host_.loop(), options_.nonce_time_max, [raw] { raw->reset(0); });
  const Bytes bytes = delimited(v2::encode_dial_back(nonce));
  bool heard = false;
  if (co_await raw->write(bytes) && co_await raw->close_write()) {
    DelimitedReader reader(k_message_bytes_max);
    heard = (co_await read_message(*raw, reader)).has_value();
  }
  co_await deadline.finish();
  co_return heard ? v2::DialStatus::ok : v2::DialStatus::dial_back_error;
}

}  // namespace vivim::libp2p::autonat
