#include "vivim/message/conversation.hpp"

#include "vivim/libp2p/transport/reset_code.hpp"
#include "vivim/rt/deadline.hpp"

namespace vivim::message {

Conversation::~Conversation() {
  if (!over_) {
    stream_->reset(0);
  }
}

void Conversation::break_off(const Error& error) {
  over_ = true;
  stream_->reset(to_value(libp2p::reset_code_for(error)));
}

rt::Co<Result<void>> Conversation::write(Frame frame) {
  const Bytes bytes = libp2p::delimited(encode(frame));
  rt::Deadline deadline(loop_, wait_max_, [this] { stream_->reset(0); });
  auto written = co_await stream_->write(bytes);
  co_await deadline.finish();
  if (!written && deadline.expired()) {
    written = fail(MessageError::too_slow);
  }
  if (!written) {
    break_off(written.error());
  }
  co_return written;
}

rt::Co<Result<Bytes>> Conversation::read_body() {
  rt::Deadline deadline(loop_, wait_max_, [this] { stream_->reset(0); });
  auto body = co_await libp2p::read_message(*stream_, reader_);
  co_await deadline.finish();
  if (!body && deadline.expired()) {
    co_return fail(MessageError::too_slow);
  }
  co_return body;
}

rt::Co<Result<std::optional<Frame>>> Conversation::read_or_end() {
  const auto body = co_await read_body();
  if (!body && body.error().is(libp2p::DelimitedError::truncated) && reader_.empty()) {
    co_return std::nullopt;
  }
  auto frame = body ? decode_frame(*body) : Result<Frame>(fail(body.error()));
  if (!frame) {
    break_off(frame.error());
    co_return fail(frame.error());
  }
  co_return std::move(*frame);
}

rt::Co<Result<Frame>> Conversation::read() {
  auto frame = co_await read_or_end();
  if (!frame) {
    co_return fail(frame.error());
  }
  if (!*frame) {
    co_return fail(libp2p::DelimitedError::truncated);
  }
  co_return std::move(**frame);
}

rt::Co<void> Conversation::finish() {
  if (!over_ && co_await stream_->close_write()) {
    over_ = true;
  }
}

}  // namespace vivim::message
