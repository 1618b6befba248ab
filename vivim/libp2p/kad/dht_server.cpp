#include <algorithm>

#include "vivim/libp2p/kad/dht_detail.hpp"
#include "vivim/libp2p/transport/reset_code.hpp"
#include "vivim/rt/deadline.hpp"

namespace vivim::libp2p::kad {

namespace {

using multiformats::scope_of;

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

/// A stream of somebody who asks us.
struct Dht::Inbound {
  rt::Stream& stream;
  Asker asker;
  Owner owner;
  std::optional<rt::TimePoint> idle_since = {};  ///< none: we are answering
};

/// When there are too many, the one that waits longest for a request goes, of whom has the most, if
/// that is more than the newcomer would have.
bool Dht::has_room_for(const Inbound& inbound) {
  std::size_t of_peer = 0;
  std::map<Owner, std::size_t> counts;
  for (const Inbound* const other : inbound_) {
    of_peer += other->asker.peer == inbound.asker.peer ? 1 : 0;
    ++counts[other->owner];
  }
  if (of_peer >= options_.limits.inbound_streams_per_peer_max) {
    return false;
  }
  if (inbound_.size() < options_.limits.inbound_streams_max) {
    return true;
  }
  std::size_t most = 0;
  for (const auto& [owner, count] : counts) {
    most = std::max(most, count);
  }
  Inbound* longest = nullptr;
  for (Inbound* const other : inbound_) {
    const bool may_go = other->idle_since && counts[other->owner] == most;
    if (may_go && (longest == nullptr || *other->idle_since < *longest->idle_since)) {
      longest = other;
    }
  }
  if (longest == nullptr || most <= counts[inbound.owner] + 1) {
    return false;
  }
  longest->stream.reset(to_value(ResetCode::garbage_collected));
  std::erase(inbound_, longest);
  return true;
}

rt::Co<void> Dht::serve(InboundStream stream) {
  const Call call(*this);
  const auto groups = groups_of({stream.remote});
  Inbound inbound{
      .stream = *stream.stream,
      .asker = {.peer = stream.peer, .groups = groups, .scope = scope_of(stream.remote)},
      .owner = owner_of(stream.peer, groups)};
  if (!has_room_for(inbound)) {
    ++refused_["too_many_streams"];
    stream.stream->reset(to_value(ResetCode::limit_exceeded));
    co_return;
  }
  inbound_.push_back(&inbound);
  const auto ended = co_await converse(inbound);
  std::erase(inbound_, &inbound);
  if (!ended) {
    const auto& error = ended.error();
    ++refused_[error.domain().describe(error.code()).name];
    stream.stream->reset(error.is(KadError::rate_limited) ? to_value(ResetCode::rate_limited)
                                                          : to_value(reset_code_for(error)));
  }
}

rt::Co<Result<void>> Dht::converse(Inbound& inbound) {
  rt::Stream& stream = inbound.stream;
  DelimitedReader reader(k_request_bytes_max);
  for (std::size_t i = 0; i < options_.limits.messages_per_stream_max; ++i) {
    inbound.idle_since = now();
    VIVIM_CO_TRY(const auto request,
                 co_await next_request(stream, reader, host_.loop(), options_.times.inbound_idle));
    inbound.idle_since.reset();
    if (!request || !serving_) {
      co_return co_await stream.close_write();
    }
    ++answered_[to_string(request->type)];
    VIVIM_CO_TRY(const auto answer, server_.answer(inbound.asker, *request, now(), wall()));
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
