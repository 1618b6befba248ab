#include "vivim/libp2p/multistream/undecided.hpp"

#include <charconv>
#include <utility>

#include "vivim/base/assert.hpp"

namespace vivim::libp2p::multistream {

namespace {

constexpr std::string_view k_number_prefix = "select:";
constexpr std::string_view k_initiator = "initiator";
constexpr std::string_view k_responder = "responder";

std::optional<std::uint64_t> parse_number(std::string_view text) {
  if (!text.starts_with(k_number_prefix)) {
    return std::nullopt;
  }
  text.remove_prefix(k_number_prefix.size());
  std::uint64_t number = 0;
  const auto* const end = text.data() + text.size();
  const auto [at, bad] = std::from_chars(text.data(), end, number);
  return bad == std::errc() && at == end ? std::optional(number) : std::nullopt;
}

}  // namespace

Undecided::Undecided(std::vector<std::string> protocols, std::uint64_t number, Opening opening)
    : protocols_(std::move(protocols)), number_(number) {
  VIVIM_ASSERT(!protocols_.empty());
  append_message(output_, k_protocol_id);
  if (opening == Opening::propose) {
    propose();
  }
}

void Undecided::propose() {
  if (state_ == State::proposal) {
    append_message(output_, k_simultaneous_connect);
    append_message(output_, protocols_.front());
    state_ = State::answer;
  }
}

Bytes Undecided::take_output() {
  Bytes all = std::exchange(output_, {});
  if (dialer_) {
    append(all, dialer_->take_output());
  }
  if (listener_) {
    append(all, listener_->take_output());
  }
  return all;
}

Result<std::size_t> Undecided::feed(BytesView in) {
  VIVIM_TRY(std::size_t used, feed_selection(in));
  if (dialer_ && !dialer_->done()) {
    VIVIM_TRY(const auto taken, dialer_->feed(in.subspan(used)));
    used += taken;
  }
  if (listener_ && !listener_->done()) {
    VIVIM_TRY(const auto taken, listener_->feed(in.subspan(used)));
    used += taken;
  }
  return used;
}

/// Until the roles are known.
Result<std::size_t> Undecided::feed_selection(BytesView in) {
  VIVIM_ASSERT(state_ != State::failed);
  auto used = reader_.feed_each(
      in, [this] { return state_ != State::decided; },
      [this](std::string_view text) { return on_message(text); });
  if (!used) {
    state_ = State::failed;
  }
  return used;
}

Result<void> Undecided::on_message(std::string_view text) {
  if (!header_seen_) {
    header_seen_ = true;
    return text == k_protocol_id ? Result<void>() : fail(MultistreamError::not_multistream);
  }
  switch (state_) {
    case State::proposal:
      return on_proposal(text);
    case State::answer:
      return on_answer(text);
    case State::their_proposal:
      state_ = State::number;
      return {};
    case State::number:
      return on_number(text);
    default:
      return on_verdict(text);
  }
}

Result<void> Undecided::on_proposal(std::string_view text) {
  become_listener();
  Bytes again;
  append_message(again, text);
  VIVIM_TRYV(listener_->feed(again));
  return {};
}

Result<void> Undecided::on_answer(std::string_view text) {
  if (text == k_not_available) {
    become_dialer();
    (void)dialer_->take_output();  // the first proposal is under way
    return {};
  }
  if (text != k_simultaneous_connect) {
    return fail(MultistreamError::unexpected_reply);
  }
  append_message(output_, std::string(k_number_prefix) + std::to_string(number_));
  state_ = State::their_proposal;
  return {};
}

Result<void> Undecided::on_number(std::string_view text) {
  const auto theirs = parse_number(text);
  if (!theirs) {
    return fail(MultistreamError::malformed_number);
  }
  if (*theirs == number_) {
    return fail(MultistreamError::same_number);
  }
  higher_ = number_ > *theirs;
  append_message(output_, higher_ ? k_initiator : k_responder);
  state_ = State::verdict;
  return {};
}

Result<void> Undecided::on_verdict(std::string_view text) {
  if (text != (higher_ ? k_responder : k_initiator)) {
    return fail(MultistreamError::unexpected_reply);
  }
  if (higher_) {
    become_dialer();
  } else {
    become_listener();
  }
  return {};
}

void Undecided::become_dialer() {
  dialer_.emplace(std::move(protocols_), DialMode::wait, Header::exchanged);
  state_ = State::decided;
}

void Undecided::become_listener() {
  listener_.emplace(make_protocol_list(std::move(protocols_)), Header::exchanged);
  state_ = State::decided;
}

bool Undecided::done() const {
  return (dialer_ && dialer_->done()) || (listener_ && listener_->done());
}

std::optional<std::string_view> Undecided::protocol() const {
  if (!done()) {
    return std::nullopt;
  }
  return dialer_ ? dialer_->protocol() : listener_->protocol();
}

}  // namespace vivim::libp2p::multistream
