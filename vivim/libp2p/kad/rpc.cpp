#include "vivim/libp2p/kad/rpc.hpp"

#include "vivim/libp2p/transport/reset_code.hpp"
#include "vivim/rt/deadline.hpp"

namespace vivim::libp2p::kad {

rt::Co<Result<Rpc::Line>> Rpc::open(Contact to, StreamOptions options) {
  if (!host_.connected(to.peer)) {
    std::vector<Multiaddr> addresses = to.addresses;
    const auto wall = peerstore::Time(host_.loop().clock().wall_now_ms());
    for (const auto& known : host_.peer_store().addresses(to.peer, wall)) {
      addresses.push_back(known.address);
    }
    // Names are told by strangers.
    const ConnectOptions dial{.names_reach = multiformats::AddressScope::global};
    VIVIM_CO_TRY([[maybe_unused]] const auto peer,
                 co_await host_.connect(to.peer, std::move(addresses), dial));
  }
  if (stopped_) {
    co_return fail(KadError::stopping);
  }
  VIVIM_CO_TRY(auto opened,
               co_await host_.open_stream(to.peer, std::span(&options_.protocol, 1), options));
  co_return Line{.stream = std::move(opened.stream)};
}

std::optional<Rpc::Line> Rpc::reuse(const PeerId& peer) {
  const auto found = idle_.find(peer);
  if (found == idle_.end()) {
    return std::nullopt;
  }
  Line line = std::move(found->second.line);
  idle_.erase(found);
  return line;
}

void Rpc::keep(const PeerId& peer, Line line) {
  // What came behind an answer, unasked, belongs to nothing.
  if (stopped_ || !line.reader.empty() || idle_.size() >= options_.idle_streams_max ||
      idle_.contains(peer)) {
    line.stream->reset(to_value(ResetCode::none));
    return;
  }
  idle_.emplace(peer, Idle{.line = std::move(line), .since = now()});
}

rt::Co<Result<Bytes>> Rpc::write_and_read(Line& line, const Bytes& request) {
  VIVIM_CO_TRYV(co_await line.stream->write(request));
  co_return co_await read_message(*line.stream, line.reader);
}

rt::Co<Result<Bytes>> Rpc::exchange(Line& line, const Bytes& request) {
  rt::Stream* const stream = line.stream.get();
  if (stopped_) {
    stream->reset(to_value(ResetCode::shutdown));
    co_return fail(KadError::stopping);
  }
  busy_.push_back(stream);
  rt::Deadline deadline(host_.loop(), options_.answer_max, [stream] { stream->reset(0); });
  auto answer = co_await write_and_read(line, request);
  co_await deadline.finish();
  std::erase(busy_, stream);
  if (!answer) {
    stream->reset(to_value(reset_code_for(answer.error())));
    if (deadline.expired()) {
      co_return fail(KadError::too_slow);
    }
  }
  co_return answer;
}

rt::Co<Result<Message>> Rpc::converse(Contact to, const Bytes& request) {
  const PeerId peer = to.peer;
  if (auto old = reuse(peer)) {
    const auto answer = co_await exchange(*old, request);
    if (answer) {
      keep(peer, std::move(*old));
      co_return decode(*answer);
    }
    if (answer.error().is(KadError::too_slow)) {
      co_return fail(answer.error());
    }  // else it may have ended while it waited: once more, on a new one
  }
  VIVIM_CO_TRY(auto line, co_await open(std::move(to), {.assume_spoken = true}));
  VIVIM_CO_TRY(const auto answer, co_await exchange(line, request));
  keep(peer, std::move(line));
  co_return decode(answer);
}

rt::Co<Result<Message>> Rpc::ask(Contact to, Message request) {
  const Bytes bytes = delimited(encode(request));
  auto answer = co_await converse(std::move(to), bytes);
  if (answer && answer->type != request.type) {
    co_return fail(KadError::unexpected);
  }
  co_return answer;
}

rt::Co<Result<void>> Rpc::send(Line& line, const Bytes& message) {
  rt::Stream* const stream = line.stream.get();
  if (stopped_) {
    stream->reset(to_value(ResetCode::shutdown));
    co_return fail(KadError::stopping);
  }
  busy_.push_back(stream);
  rt::Deadline deadline(host_.loop(), options_.answer_max, [stream] { stream->reset(0); });
  const auto written = co_await stream->write(message);
  co_await deadline.finish();
  std::erase(busy_, stream);
  if (!written) {
    stream->reset(to_value(reset_code_for(written.error())));
  }
  co_return written;
}

rt::Co<Result<void>> Rpc::tell(Contact to, Message message) {
  const Bytes bytes = delimited(encode(message));
  const PeerId peer = to.peer;
  if (auto old = reuse(peer)) {
    if (co_await send(*old, bytes)) {
      keep(peer, std::move(*old));
      co_return Result<void>();
    }
  }
  VIVIM_CO_TRY(auto line, co_await open(std::move(to), {}));
  VIVIM_CO_TRYV(co_await send(line, bytes));
  keep(peer, std::move(line));
  co_return Result<void>();
}

void Rpc::tidy(rt::TimePoint now) {
  for (auto at = idle_.begin(); at != idle_.end();) {
    if (now - at->second.since >= options_.idle_max) {
      at->second.line.stream->reset(to_value(ResetCode::none));
      at = idle_.erase(at);
    } else {
      ++at;
    }
  }
}

void Rpc::stop() {
  stopped_ = true;
  idle_.clear();
  for (rt::Stream* const stream : busy_) {
    stream->reset(to_value(ResetCode::shutdown));
  }
}

}  // namespace vivim::libp2p::kad
