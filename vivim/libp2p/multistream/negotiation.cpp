#include "vivim/libp2p/multistream/negotiation.hpp"

#include <algorithm>
#include <utility>

#include "vivim/base/assert.hpp"
#include "vivim/base/varint.hpp"

namespace vivim::libp2p::multistream {

Dialer::Dialer(std::vector<std::string> protocols, DialMode mode, Header header)
    : protocols_(std::move(protocols)),
      mode_(mode),
      state_(header == Header::exchanged ? State::reply : State::header) {
  VIVIM_ASSERT(!protocols_.empty());
  VIVIM_ASSERT(mode_ == DialMode::wait || protocols_.size() == 1);
  VIVIM_ASSERT(std::ranges::all_of(protocols_, [](const auto& p) { return is_valid_protocol(p); }));
  if (header == Header::exchange) {
    append_message(output_, k_protocol_id);
  }
  append_message(output_, protocols_.front());
}

Bytes Dialer::take_output() {
  return std::exchange(output_, {});
}

Result<std::size_t> Dialer::feed(BytesView in) {
  VIVIM_ASSERT(state_ != State::failed);
  auto used = reader_.feed_each(
      in, [this] { return state_ != State::done; },
      [this](std::string_view text) { return on_message(text); });
  if (!used) {
    state_ = State::failed;
  }
  return used;
}

Result<void> Dialer::on_message(std::string_view text) {
  if (state_ == State::reply) {
    return on_reply(text);
  }
  if (text != k_protocol_id) {
    return fail(MultistreamError::not_multistream);
  }
  state_ = State::reply;
  return {};
}

Result<void> Dialer::on_reply(std::string_view text) {
  if (text == protocols_[proposed_]) {
    state_ = State::done;
    return {};
  }
  if (text != k_not_available) {
    return fail(MultistreamError::unexpected_reply);
  }
  if (++proposed_ == protocols_.size()) {
    return fail(MultistreamError::none_supported, protocols_.size());
  }
  append_message(output_, protocols_[proposed_]);
  return {};
}

std::optional<std::string_view> Dialer::protocol() const {
  if (done() || (mode_ == DialMode::optimistic && state_ != State::failed)) {
    return protocols_[proposed_];
  }
  return std::nullopt;
}

ProtocolList make_protocol_list(std::vector<std::string> protocols) {
  VIVIM_ASSERT(std::ranges::all_of(protocols, [](const auto& p) { return is_valid_protocol(p); }));
  return std::make_shared<const std::vector<std::string>>(std::move(protocols));
}

Listener::Listener(ProtocolList supported, Header header)
    : supported_(std::move(supported)),
      state_(header == Header::exchanged ? State::proposals : State::header) {
  VIVIM_ASSERT(supported_ != nullptr);
}

Bytes Listener::take_output() {
  return std::exchange(output_, {});
}

Result<std::size_t> Listener::feed(BytesView in) {
  VIVIM_ASSERT(state_ != State::failed);
  auto used = reader_.feed_each(
      in, [this] { return state_ != State::done; },
      [this](std::string_view text) { return on_message(text); });
  if (!used) {
    state_ = State::failed;
  }
  return used;
}

Result<void> Listener::on_message(std::string_view text) {
  if (state_ == State::header) {
    if (text != k_protocol_id) {
      return fail(MultistreamError::not_multistream);
    }
    state_ = State::proposals;
    append_message(output_, k_protocol_id);
    return {};
  }
  if (++rounds_ > k_rounds_max) {
    return fail(MultistreamError::too_many_rounds);
  }
  on_proposal(text);
  return {};
}

void Listener::on_proposal(std::string_view text) {
  if (text == k_list) {
    append_list();
  } else if (std::ranges::find(*supported_, text) != supported_->end()) {
    agreed_ = text;
    append_message(output_, text);
    state_ = State::done;
  } else {
    append_message(output_, k_not_available);
  }
}

// A list is one message whose text is itself a row of messages.
void Listener::append_list() {
  Bytes list;
  for (const auto& protocol : *supported_) {
    const auto size = varint_size(protocol.size() + 1) + protocol.size() + 1;
    if (list.size() + size + 1 > k_message_bytes_max) {
      break;
    }
    append_message(list, protocol);
  }
  append_message(output_, as_text(list));
}

std::optional<std::string_view> Listener::protocol() const {
  if (!done()) {
    return std::nullopt;
  }
  return agreed_;
}

}  // namespace vivim::libp2p::multistream
