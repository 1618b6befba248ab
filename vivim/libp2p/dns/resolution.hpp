#pragma once

#include <compare>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "vivim/libp2p/dns/error.hpp"
#include "vivim/multiformats/multiaddr.hpp"
#include "vivim/rt/network.hpp"

namespace vivim::libp2p::dns {

using multiformats::Multiaddr;

/// How often a name may lead to another one.
inline constexpr std::size_t k_depth_max = 32;
/// Addresses that one address resolves to at most; the rest is left out.
inline constexpr std::size_t k_results_max = 100;
/// Questions that one address may cost.
inline constexpr std::size_t k_questions_max = 64;
/// Addresses that wait for answers at most; the rest is left out.
inline constexpr std::size_t k_waiting_max = 256;

/// Something to ask the DNS.
struct Question {
  enum class Kind : std::uint8_t { v4, v6, text };
  Kind kind = Kind::v4;
  std::string name;

  auto operator<=>(const Question&) const = default;
};

/// Whether an address contains /dns, /dns4, /dns6 or /dnsaddr.
bool has_name(const Multiaddr& address);

/// Makes of one multiaddr with names all those without that it stands for (multiformats dnsaddr;
/// libp2p/specs addressing). Sans-IO: ask what next_question() says, give the answers back, in any
/// order.
///
/// The leftmost name is resolved first. What stands behind a /dnsaddr must be the end of a record's
/// address, or the record is left out: /dnsaddr/example.com/p2p/Qm... picks that peer. A name in
/// front of TLS stays as /tls/sni/<name>, so that certificates can be checked. Names that lead in a
/// circle end where they began: no address is looked at twice.
class Resolution {
 public:
  explicit Resolution(const Multiaddr& address);

  /// What to ask next; none when nothing (more) is to be asked before an answer comes.
  std::optional<Question> next_question();
  /// The answers; each question once.
  void take_addresses(const Question& question, const std::vector<rt::IpAddress>& answer);
  void take_texts(const Question& question, const std::vector<std::string>& answer);
  void take_failure(const Question& question, Error error);

  /// Whether every question was answered.
  bool done() const { return questions_.empty() && asked_ == 0; }
  /// What was found (so far), in order, without repetition; at least one. Errors: the last of the
  /// failures; no_addresses, too_deep, too_many.
  Result<std::vector<Multiaddr>> results() const;

 private:
  struct Item {
    Multiaddr address;
    std::size_t depth = 0;
  };
  struct Known {
    bool answered = false;
    std::vector<rt::IpAddress> addresses;
    std::vector<std::string> texts;
    std::vector<Item> waiting;
  };

  void add(Multiaddr address, std::size_t depth);
  void ask(Question question, Item item);
  void answered(const Question& question);
  void apply(const Question& question, const Known& known, const Item& item);
  void apply_text(const std::string& text, const Item& item);

  std::map<Question, Known> known_;
  std::deque<Question> questions_;
  std::size_t asked_ = 0;
  std::set<Multiaddr> seen_;
  std::vector<Multiaddr> results_;
  std::optional<Error> failure_;
};

}  // namespace vivim::libp2p::dns
