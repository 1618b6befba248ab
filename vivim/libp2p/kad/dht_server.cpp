#include "vivim/libp2p/kad/dht_detail.hpp"
#include "vivim/libp2p/transport/reset_code.hpp"
#include "vivim/rt/deadline.hpp"

namespace vivim::libp2p::kad {

namespace {

/// The next request; none when the peer has no more.
rt::Co<Result<std::optional<Message>>> next_request(rt::Stream& stream, DelimitedReader& reader,
                                                    rt::Loop& loop, rt::Duration time) {
  rt::Deadline deadline(loop, time, [&stream] { stream.reset(0); });
  const auto body = co_await read_message(stream, reader);
  co_await deadline.finish();
  if (!body) {
    if (deadline.expired() || (body.error().is(DelimitedError::truncated) && reader.empty())) {
      co_return std::nullopt;
    }
    co_return fail(body.error());
  }
  VIVIM_CO_TRY(auto message, decode(*body));
  co_return std::optional(std::move(message));
}

}  // namespace

rt::Co<void> Dht::serve(InboundStream inbound) {
  const Call call(*this);
  auto& own = inbound_[inbound.peer];
  if (own >= options_.limits.inbound_streams_per_peer_max ||
      inbound_total_ >= options_.limits.inbound_streams_max) {
    ++refused_["too_many_streams"];
    if (own == 0) {
      inbound_.erase(inbound.peer);
    }
    inbound.stream->reset(to_value(ResetCode::limit_exceeded));
    co_return;
  }
  ++own;
  ++inbound_total_;
  const auto ended = co_await converse(
      *inbound.stream, {.peer = inbound.peer, .groups = groups_of({inbound.remote})});
  if (!ended) {
    const auto& error = ended.error();
    ++refused_[error.domain().describe(error.code()).name];
    inbound.stream->reset(error.is(KadError::rate_limited) ? to_value(ResetCode::rate_limited)
                                                           : to_value(reset_code_for(error)));
  }
  --inbound_total_;
  if (--inbound_[inbound.peer] == 0) {
    inbound_.erase(inbound.peer);
  }
}

rt::Co<Result<void>> Dht::converse(rt::Stream& stream, Asker asker) {
  DelimitedReader reader(k_request_bytes_max);
  for (std::size_t i = 0; i < options_.limits.messages_per_stream_max; ++i) {
    VIVIM_CO_TRY(const auto request,
                 co_await next_request(stream, reader, host_.loop(), options_.times.inbound_idle));
    if (!request || !serving_) {
      co_return co_await stream.close_write();
    }
    ++answered_[to_string(request->type)];
    VIVIM_CO_TRY(const auto answer, server_.answer(asker, *request, now(), wall()));
    if (!answer) {
      continue;
    }
    const Bytes bytes = delimited(encode(*answer));
    rt::Deadline deadline(host_.loop(), options_.times.inbound_idle,
                          [&stream] { stream.reset(0); });
    const auto written = co_await stream.write(bytes);
    co_await deadline.finish();
    VIVIM_CO_TRYV(written);
  }
  co_return fail(KadError::too_many_messages, options_.limits.messages_per_stream_max);
}

}  // namespace vivim::libp2p::kad
