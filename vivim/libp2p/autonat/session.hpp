#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <variant>
#include <vector>

#include "vivim/libp2p/autonat/limiter.hpp"
#include "vivim/libp2p/autonat/message.hpp"

namespace vivim::libp2p::autonat {

/// Which addresses are dialled at a peer's word, or asked about.
enum class Scope : std::uint8_t {
  global,  ///< those of the public Internet
  any,     ///< private ones too: for tests and closed networks
};

/// What a dial to somebody else's address costs the asker (autonat-v2.md, "Amplification Attack
/// Prevention").
inline constexpr std::uint64_t k_dial_data_bytes_min = 30'000;
inline constexpr std::uint64_t k_dial_data_bytes_max = 100'000;
/// Data comes in pieces of at least this, but for the last.
inline constexpr std::size_t k_data_piece_bytes_min = 100;

/// Whether `address` may be dialled for somebody: with an IP address in `scope`, not through a
/// relay.
bool dialable(const Multiaddr& address, Scope scope);
/// Whether both begin with the same IP address.
bool same_ip(const Multiaddr& a, const Multiaddr& b);
/// Whether a connection to `dialled` may have arrived at `local`: the same protocols, addresses
/// apart.
bool consistent(const Multiaddr& local, const Multiaddr& dialled);

/// What a server dials at a peer's word.
struct DialRules {
  Scope scope = Scope::global;
  /// Whether some transport of the server understands an address; empty: each does.
  std::function<bool(const Multiaddr&)> can_dial = {};

  bool allow(const Multiaddr& address) const {
    return dialable(address, scope) && (!can_dial || can_dial(address));
  }
};

/// v1: the addresses that a server dials for `caller`, seen at `remote`: only those with that IP
/// address. The observed address itself is not among them: its port is that of an outgoing
/// connection.
std::vector<Multiaddr> v1_addresses(const v1::Dial& request, const PeerId& caller,
                                    const Multiaddr& remote, const DialRules& rules);

/// One request to a v2 server. Sans-IO: a message in, a message or a dial out.
class ServerSession {
 public:
  /// Dial `address`, say the nonce there, and tell on_dialled().
  struct Dial {
    Multiaddr address;
    std::uint64_t nonce;
    bool foreign;  ///< another IP address than the asker's: wait a little first
  };
  using Action = std::variant<v2::Message, Dial>;

  /// `data_bytes`: what to ask for, if it comes to that, drawn from [k_dial_data_bytes_min,
  /// k_dial_data_bytes_max]. `remote`: where the asker is seen.
  ServerSession(DialRules rules, Multiaddr remote, std::uint64_t data_bytes)
      : rules_(std::move(rules)), remote_(std::move(remote)), data_bytes_(data_bytes) {}

  /// None: wait for more data. After a DialResponse the stream is closed. Errors: unexpected,
  /// too_little_data: reset the stream.
  Result<std::optional<Action>> on_message(const v2::Message& message, Limiter& limiter, Time now);
  v2::DialResponse on_dialled(v2::DialStatus status) const;

 private:
  Result<std::optional<Action>> on_request(const v2::DialRequest& request, Limiter& limiter,
                                           Time now);
  Result<std::optional<Action>> on_data(const v2::DialDataResponse& data);

  enum class State : std::uint8_t { awaiting_request, awaiting_data, done };
  DialRules rules_;
  Multiaddr remote_;
  std::uint64_t data_bytes_;
  State state_ = State::awaiting_request;
  std::uint64_t left_ = 0;
  std::uint32_t index_ = 0;
  Multiaddr address_;
  std::uint64_t nonce_ = 0;
};

/// What a v2 server found out about one of our addresses.
struct Finding {
  Multiaddr address;
  bool reachable = false;

  friend bool operator==(const Finding&, const Finding&) = default;
};

/// One request of ours to a v2 server. Sans-IO.
class ClientSession {
 public:
  /// `nonce` is drawn at random. `addresses`: most wanted first.
  ClientSession(std::vector<Multiaddr> addresses, std::uint64_t nonce);

  /// To be sent first.
  v2::DialRequest request() const { return {.addresses = addresses_, .nonce = nonce_}; }
  std::uint64_t nonce() const { return nonce_; }

  /// The answer: messages to send (the data that was asked for), one after the other, or what was
  /// found out. Errors: unexpected, too_much_data, rejected, refused, server_failed,
  /// not_confirmed.
  Result<std::variant<v2::DialDataRequest, Finding>> on_message(const v2::Message& message);
  /// Our nonce was said on a connection that arrived at `local`.
  void on_dial_back(Multiaddr local) { arrived_ = std::move(local); }

 private:
  std::vector<Multiaddr> addresses_;
  std::uint64_t nonce_;
  bool data_sent_ = false;
  std::optional<Multiaddr> arrived_;
};

}  // namespace vivim::libp2p::autonat
