#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "vivim/libp2p/multistream/negotiation.hpp"

namespace vivim::libp2p::multistream {

/// Proposed first by a side that dialled, and that the peer may have dialled at the same moment.
inline constexpr std::string_view k_simultaneous_connect = "/libp2p/simultaneous-connect";

/// When a side whose role is open makes its proposal.
enum class Opening : std::uint8_t {
  propose,  ///< at once
  listen,   ///< when propose() is called, unless the peer proposes before
};

/// A side of a connection of which it is open who proposes: TCP makes one connection of two dials
/// from and to the same ports, whose ends both hold themselves for the dialler; and the dial of a
/// hole punch may reach a socket that listens. Sans-IO, as Dialer and Listener.
///
/// With Opening::propose (libp2p/specs connections/simopen.md): a peer that listens answers `na`,
/// and the negotiation goes on as a Dialer's at no cost, the first protocol being proposed in the
/// same breath. A peer that dialled sends the same; then the side that drew the higher number
/// proposes.
class Undecided {
 public:
  /// `protocols` as Dialer's, and what we agree to. `number` is drawn at random for each
  /// connection.
  Undecided(std::vector<std::string> protocols, std::uint64_t number,
            Opening opening = Opening::propose);

  /// Makes our proposal, if the peer has made none.
  void propose();

  /// What to write now; empty when there is nothing. The agreement is there when done() turns true:
  /// write it even so.
  Bytes take_output();

  /// Takes what arrived and returns how many bytes belonged to the negotiation. Errors end it:
  /// those of Dialer and Listener, malformed_number, same_number. After done() it takes nothing.
  Result<std::size_t> feed(BytesView in);

  bool done() const;

  /// What was agreed; nothing before done().
  std::optional<std::string_view> protocol() const;

  /// Whether we proposed, and are the initiator of all that follows on the connection. Only after
  /// done().
  bool initiator() const { return dialer_.has_value(); }

 private:
  /// What the next message is.
  enum class State : std::uint8_t {
    proposal,        ///< the header, then a proposal: we listen
    answer,          ///< the header, then what the peer says to our proposal
    their_proposal,  ///< sent before its sender knew that nobody listens
    number,
    verdict,
    decided,  ///< for dialer_ or listener_
    failed,
  };

  Result<std::size_t> feed_selection(BytesView in);
  Result<void> on_message(std::string_view text);
  Result<void> on_proposal(std::string_view text);
  Result<void> on_answer(std::string_view text);
  Result<void> on_number(std::string_view text);
  Result<void> on_verdict(std::string_view text);
  void become_dialer();
  void become_listener();

  std::vector<std::string> protocols_;
  std::uint64_t number_;
  MessageReader reader_;
  Bytes output_;
  bool header_seen_ = false;
  bool higher_ = false;
  State state_ = State::proposal;
  std::optional<Dialer> dialer_;
  std::optional<Listener> listener_;
};

}  // namespace vivim::libp2p::multistream
