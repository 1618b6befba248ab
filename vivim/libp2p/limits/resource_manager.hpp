#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/libp2p/limits/limits.hpp"
#include "vivim/multiformats/multiaddr.hpp"
#include "vivim/multiformats/peer_id.hpp"

namespace vivim::libp2p::limits {

/// What is used, or asked for at once; connections and streams by who asked (inbound, outbound).
struct Usage {
  std::uint64_t memory_bytes = 0;
  std::uint64_t file_descriptors = 0;
  std::array<std::uint64_t, 2> connections{};
  std::array<std::uint64_t, 2> streams{};

  bool empty() const { return *this == Usage(); }
  Usage& operator+=(const Usage& other);
  Usage& operator-=(const Usage& other);
  friend bool operator==(const Usage&, const Usage&) = default;
};

class ResourceManager;

/// Something in use; given back with this object, which must not outlive its manager. It counts
/// against the whole node, and against a peer and a protocol once those are known; until then
/// against what is transient. Inbound connections count against their address too.
class [[nodiscard]] Reservation {
 public:
  Reservation() = default;
  Reservation(Reservation&& other) noexcept;
  Reservation& operator=(Reservation&& other) noexcept;
  ~Reservation();

  /// Moves it from the transient scope to a peer's. Error: a LimitError; it stays as it was then.
  Result<void> assign_peer(const multiformats::PeerId& peer);
  /// Counts it against a protocol too. Error as above.
  Result<void> assign_protocol(const std::string& protocol);
  /// Takes more memory into it. Error as above.
  Result<void> grow(std::uint64_t memory_bytes);
  void shrink(std::uint64_t memory_bytes);
  /// Gives back all but the memory: what is over may still hold some.
  void keep_memory();
  /// Gives everything back now.
  void release();
  explicit operator bool() const { return manager_ != nullptr; }
  const Usage& amount() const { return amount_; }

 private:
  friend class ResourceManager;
  Reservation(ResourceManager& manager, const Usage& amount, Direction side)
      : manager_(&manager), amount_(amount), side_(side) {}

  void take_less(const Usage& less);

  ResourceManager* manager_ = nullptr;
  Usage amount_;
  Direction side_ = Direction::outbound;
  bool transient_ = true;
  std::optional<multiformats::PeerId> peer_;
  std::optional<std::string> protocol_;
  std::optional<Bytes> address_;
};

/// Whom the address of an inbound connection stands for (multiformats::ip_group). None: addresses
/// of this machine, of private networks, and relays, behind which many may be: a proxy, a
/// container, a whole house.
std::optional<Bytes> counted_address(const multiformats::Multiaddr& remote);

/// Counts what connections and streams use, and refuses what would exceed a limit. Sans-IO. Tables
/// only hold what is in use.
class ResourceManager {
 public:
  explicit ResourceManager(const Limits& limits) : limits_(limits) {}
  ResourceManager(const ResourceManager&) = delete;
  ResourceManager& operator=(const ResourceManager&) = delete;
  /// Every reservation must be gone.
  ~ResourceManager();

  /// A connection of a peer that is not known yet; `address`: of an inbound one, as of
  /// counted_address(). Error: a LimitError with the limit as detail.
  Result<Reservation> open_connection(Direction side, std::uint64_t file_descriptors,
                                      std::uint64_t memory_bytes,
                                      const std::optional<Bytes>& address = {});
  /// A stream of a peer whose protocol is not known yet. Error as above.
  Result<Reservation> open_stream(Direction side, const multiformats::PeerId& peer);
  /// Anything. Error as above.
  Result<Reservation> reserve(Direction side, const Usage& amount);

  const Limits& limits() const { return limits_; }
  const Usage& system() const { return system_; }
  const Usage& transient() const { return transient_; }
  Usage of(const multiformats::PeerId& peer) const;
  Usage of(const std::string& protocol) const;
  Usage of(const Bytes& address) const;

  /// The last refusal, and how many there were of each limit.
  const std::optional<Refusal>& last_refusal() const { return last_refusal_; }
  std::uint64_t refusals(Resource resource, Scope scope, Direction side) const;

 private:
  friend class Reservation;

  Result<void> check(Scope scope, const Usage& used, const Usage& more, Direction side);
  Result<void> check_one(const Refusal& asked);
  Result<void> check_pair(Refusal asked, const std::array<std::uint64_t, 2>& used,
                          std::uint64_t side_limit, std::uint64_t sum_limit);
  void give_back(const Reservation& reservation);
  template <class Key>
  static void take_away(std::map<Key, Usage>& table, const Key& key, const Usage& amount);

  Limits limits_;
  Usage system_;
  Usage transient_;
  std::map<multiformats::PeerId, Usage> peers_;
  std::map<std::string, Usage> protocols_;
  std::map<Bytes, Usage> addresses_;
  std::optional<Refusal> last_refusal_;
  std::array<std::uint64_t, k_resources.size() * k_scopes.size() * 2> refusals_{};
};

}  // namespace vivim::libp2p::limits
