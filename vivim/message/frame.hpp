#pragma once

#include <string_view>
#include <variant>
#include <vector>

#include "vivim/message/circle.hpp"
#include "vivim/message/inbox.hpp"
#include "vivim/message/message.hpp"

/// What goes over streams (docs/protocol/message.md#streams).
namespace vivim::message {

/// Messages from their sender to their recipient.
inline constexpr std::string_view k_protocol_id = "/vivim/message/1.0.0";
/// To and from a peer that keeps messages for those who are away.
inline constexpr std::string_view k_mailbox_protocol_id = "/vivim/mailbox/1.0.0";
/// Between members of a circle: what one of them has not heard.
inline constexpr std::string_view k_circle_protocol_id = "/vivim/circle/1.0.0";

/// Largest sealed message: an envelope, its padding and what HPKE adds.
inline constexpr std::size_t k_sealed_bytes_max = std::size_t{88} << 10;
/// Largest frame but two: what a mailbox gives, and what was said, have up to k_mails_bytes_max.
inline constexpr std::size_t k_frame_bytes_max = std::size_t{96} << 10;
inline constexpr std::size_t k_mails_bytes_max = std::size_t{1} << 20;
/// Largest clock that is sealed: k_clock_entries_max entries are less.
inline constexpr std::size_t k_sealed_clock_bytes_max = std::size_t{16} << 10;
/// Mails or envelopes of one answer, and items of one frame.
inline constexpr std::size_t k_mails_max = 64;

/// Something for a recipient who is away.
struct Mail {
  PeerId to;
  MessageId item;  ///< chosen by who brings it
  std::int64_t expires_ms = 0;
  Bytes sealed;

  friend bool operator==(const Mail&, const Mail&) = default;
};

struct Send {
  Bytes envelope;
  friend bool operator==(const Send&, const Send&) = default;
};
/// Answers Send with the message's id, Deposit with the item; Taken with no id.
struct Receipt {
  MessageId id = {};
  Status status = Status::arrived;
  friend bool operator==(const Receipt&, const Receipt&) = default;
};
struct Deposit {
  Mail mail;
  friend bool operator==(const Deposit&, const Deposit&) = default;
};
/// What is there for me?
struct Fetch {
  bool wait = false;  ///< if there is nothing, answer when something comes, or after some seconds
  friend bool operator==(const Fetch&, const Fetch&) = default;
};
struct Mails {
  std::vector<Mail> mails;
  friend bool operator==(const Mails&, const Mails&) = default;
};
/// These arrived: they can be forgotten.
struct Taken {
  std::vector<MessageId> items;
  friend bool operator==(const Taken&, const Taken&) = default;
};

/// What was said in this circle that I have not heard? By a member only, as the sealed clock
/// proves.
struct Ask {
  CircleId circle;
  Bytes sealed_clock;
  friend bool operator==(const Ask&, const Ask&) = default;
};
struct Said {
  std::vector<Bytes> envelopes;
  friend bool operator==(const Said&, const Said&) = default;
};

using Frame = std::variant<Send, Receipt, Deposit, Fetch, Mails, Taken, Ask, Said>;

/// The protobuf, without its length in front.
Bytes encode(const Frame& frame);
/// Errors: malformed, too_large.
Result<Frame> decode_frame(BytesView body);

}  // namespace vivim::message
