#pragma once

#include "vivim/libp2p/dns/resolution.hpp"
#include "vivim/libp2p/transport/resolver.hpp"
#include "vivim/rt/loop.hpp"
#include "vivim/rt/resolver.hpp"

namespace vivim::libp2p::dns {

/// Resolves multiaddrs over an rt::Resolver, all questions of an address at once.
class DnsAddressResolver final : public AddressResolver {
 public:
  /// `question_max`: how long one question may take.
  DnsAddressResolver(rt::Loop& loop, rt::Resolver& resolver,
                     rt::Duration question_max = std::chrono::seconds(5))
      : loop_(loop), resolver_(resolver), question_max_(question_max) {}

  bool can_resolve(const Multiaddr& address) const override { return has_name(address); }
  /// Every address that `address` stands for; itself, when it has no name. After `timeout`, what
  /// was found until then. Errors: the resolver's, those of Resolution::results().
  rt::Co<Result<std::vector<Multiaddr>>> resolve(Multiaddr address, rt::Duration timeout) override;
  /// Also what resolutions under way would have asked next.
  void cancel() override {
    ++cancels_;
    resolver_.cancel();
  }

 private:
  struct Work;
  rt::Co<void> ask(Work& work, Question question);

  rt::Loop& loop_;
  rt::Resolver& resolver_;
  rt::Duration question_max_;
  std::uint64_t cancels_ = 0;
};

}  // namespace vivim::libp2p::dns
