#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/libp2p/multistream/error.hpp"
#include "vivim/libp2p/multistream/message.hpp"

namespace vivim::libp2p::multistream {

/// Proposals (and `ls`) that a listener answers before it gives up: too_many_rounds.
inline constexpr std::size_t k_rounds_max = 64;

/// How a dialer treats its first proposal.
enum class DialMode : std::uint8_t {
  wait,        ///< nothing of the protocol is sent before the listener agreed
  optimistic,  ///< exactly one proposal; its data may follow take_output() at once, the answer is
               ///< checked when it comes
};

/// Whether a negotiation begins with the headers, or goes on behind them.
enum class Header : std::uint8_t { exchange, exchanged };

/// The side that proposes. Sans-IO: write take_output(), feed() what arrives until done().
///
/// Header and first proposal leave together, so an agreement on the first proposal costs one round
/// trip, or none in optimistic mode (libp2p/specs connections/README.md: "Both sides may send the
/// initial multistream protocol id simultaneously"). When both ends dial at once: Undecided.
class Dialer {
 public:
  /// `protocols` in order of preference: at least one, each is_valid_protocol; exactly one in
  /// optimistic mode.
  explicit Dialer(std::vector<std::string> protocols, DialMode mode = DialMode::wait,
                  Header header = Header::exchange);

  /// What to write now; empty when there is nothing. In wait mode write nothing else before done().
  Bytes take_output();

  /// Takes what arrived and returns how many bytes belonged to the negotiation; what is behind them
  /// when done() is the protocol's. Errors end the negotiation: those of MessageReader,
  /// not_multistream, unexpected_reply, none_supported. After done() it takes nothing.
  Result<std::size_t> feed(BytesView in);

  /// True when the listener has agreed.
  bool done() const { return state_ == State::done; }

  /// What was agreed, or in optimistic mode what is assumed from the start; nothing before.
  std::optional<std::string_view> protocol() const;

 private:
  enum class State : std::uint8_t { header, reply, done, failed };

  Result<void> on_message(std::string_view text);
  Result<void> on_reply(std::string_view text);

  std::vector<std::string> protocols_;
  MessageReader reader_;
  Bytes output_;
  std::size_t proposed_ = 0;
  DialMode mode_;
  State state_;
};

/// The protocols that listeners of one node share; replaced as a whole, never changed.
using ProtocolList = std::shared_ptr<const std::vector<std::string>>;

/// Makes a list; every entry must be is_valid_protocol.
ProtocolList make_protocol_list(std::vector<std::string> protocols);

/// The side that agrees. Sans-IO: feed() and write take_output() until done(). The header goes out
/// with the first answer: dialers do not wait for it, and it would be a packet of its own.
/// Proposals that are not in the list are answered with `na`, `ls` with as many of the list as fit
/// a message.
class Listener {
 public:
  explicit Listener(ProtocolList supported, Header header = Header::exchange);

  /// What to write now; empty when there is nothing. The last output, the agreement, is there when
  /// done() turns true: write it even so (and tolerate that the dialer closed its reading side
  /// meanwhile, as optimistic ones may).
  Bytes take_output();

  /// Takes what arrived and returns how many bytes belonged to the negotiation; what is behind them
  /// when done() is the protocol's (an optimistic dialer sends it in the same breath). Errors:
  /// those of MessageReader, not_multistream, too_many_rounds. After done() it takes nothing.
  Result<std::size_t> feed(BytesView in);

  bool done() const { return state_ == State::done; }

  /// What was agreed; nothing before done().
  std::optional<std::string_view> protocol() const;

 private:
  enum class State : std::uint8_t { header, proposals, done, failed };

  Result<void> on_message(std::string_view text);
  void on_proposal(std::string_view text);
  void append_list();

  ProtocolList supported_;
  MessageReader reader_;
  Bytes output_;
  std::string agreed_;
  std::size_t rounds_ = 0;
  State state_;
};

}  // namespace vivim::libp2p::multistream
