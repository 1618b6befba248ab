#include "vivim/libp2p/perf/service.hpp"

#include <span>
#include <string>

#include "vivim/base/log.hpp"
#include "vivim/libp2p/transport/reset_code.hpp"
#include "vivim/rt/deadline.hpp"

namespace vivim::libp2p::perf {

namespace {

constexpr std::size_t k_read_bytes = std::size_t{128} * 1024;

rt::Co<Result<void>> read_upload(rt::Stream& stream, Responder& responder) {
  Bytes buffer(k_read_bytes);
  for (;;) {
    VIVIM_CO_TRY(const auto count, co_await stream.read_some(buffer));
    if (count == 0) {
      co_return Result<void>{};
    }
    VIVIM_CO_TRYV(responder.feed(BytesView(buffer).first(count)));
  }
}

rt::Co<Result<Request>> answer_in_time(rt::Stream& stream, const ServerLimits& limits) {
  Responder responder(limits);
  VIVIM_CO_TRYV(co_await read_upload(stream, responder));
  VIVIM_CO_TRY(Payload payload, responder.finish());
  for (auto bytes = payload.next(); !bytes.empty(); bytes = payload.next()) {
    VIVIM_CO_TRYV(co_await stream.write(bytes));
  }
  VIVIM_CO_TRYV(co_await stream.close_write());
  co_return Request{.upload_bytes = responder.uploaded_bytes(),
                    .download_bytes = responder.download_bytes()};
}

}  // namespace

rt::Co<Result<Measurement>> measure(rt::Stream& stream, rt::Clock& clock, Request request,
                                    std::size_t write_bytes) {
  Client client(request, clock.now().time_since_epoch(), write_bytes);
  for (auto bytes = client.next_write(); !bytes.empty(); bytes = client.next_write()) {
    VIVIM_CO_TRYV(co_await stream.write(bytes));
  }
  VIVIM_CO_TRYV(co_await stream.close_write());
  Bytes buffer(k_read_bytes);
  for (;;) {
    VIVIM_CO_TRY(const auto count, co_await stream.read_some(buffer));
    const Time now = clock.now().time_since_epoch();
    if (count == 0) {
      co_return client.finish(now);
    }
    VIVIM_CO_TRYV(client.feed(count, now));
  }
}

rt::Co<Result<Request>> answer(rt::Stream& stream, rt::Loop& loop, ServerLimits limits) {
  rt::Deadline deadline(loop, limits.time_max, [&stream] { stream.reset(0); });
  auto answered = co_await answer_in_time(stream, limits);
  co_await deadline.finish();
  if (!answered) {
    stream.reset(to_value(reset_code_for(answered.error())));
    if (deadline.expired()) {
      co_return fail(PerfError::too_slow);
    }
  }
  co_return answered;
}

rt::Co<Result<Measurement>> measure(Host& host, rt::Clock& clock, PeerId peer, Request request,
                                    std::size_t write_bytes) {
  const std::string protocol(k_protocol_id);
  VIVIM_CO_TRY(auto opened,
               co_await host.open_stream(peer, std::span(&protocol, 1), {.assume_spoken = true}));
  auto measured = co_await measure(*opened.stream, clock, request, write_bytes);
  if (!measured) {
    opened.stream->reset(to_value(reset_code_for(measured.error())));
  }
  co_return measured;
}

Server::Server(Host& host, rt::Loop& loop, ServerLimits limits)
    : loop_(loop),
      limits_(limits),
      status_(host.handle(std::string(k_protocol_id),
                          [this](InboundStream inbound) { return serve(std::move(inbound)); })) {}

rt::Co<void> Server::serve(InboundStream inbound) {
  Result<Request> answered = fail(PerfError::too_many_streams, limits_.streams_max);
  if (streams_ < limits_.streams_max) {
    ++streams_;
    answered = co_await answer(*inbound.stream, loop_, limits_);
    --streams_;
  } else {
    inbound.stream->reset(to_value(ResetCode::limit_exceeded));
  }
  if (answered) {
    ++served_;
    co_return;
  }
  ++refused_;
  log::write(log::Level::info, "perf", "a measurement ended early",
             {{"peer", inbound.peer.to_string()},
              {"error", std::string_view(answered.error().message())}});
}

}  // namespace vivim::libp2p::perf
