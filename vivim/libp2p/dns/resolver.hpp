#pragma once

#include "vivim/libp2p/dns/resolution.hpp"
#include "vivim/rt/loop.hpp"
#include "vivim/rt/resolver.hpp"

namespace vivim::libp2p::dns {

struct AddressResolverOptions {
  rt::Duration question_max = std::chrono::seconds(5);
  /// For all questions of one address: then what was found until then counts.
  rt::Duration total_max = std::chrono::seconds(10);
};

/// Resolves multiaddrs over an rt::Resolver, all questions of an address at once.
class AddressResolver {
 public:
  AddressResolver(rt::Loop& loop, rt::Resolver& resolver, AddressResolverOptions options = {})
      : loop_(loop), resolver_(resolver), options_(options) {}

  /// Every address that `address` stands for; itself, when it has no name. Errors: the resolver's,
  /// those of Resolution::results().
  rt::Co<Result<std::vector<Multiaddr>>> resolve(Multiaddr address);

 private:
  struct Work;
  rt::Co<void> ask(Work& work, Question question);

  rt::Loop& loop_;
  rt::Resolver& resolver_;
  AddressResolverOptions options_;
};

}  // namespace vivim::libp2p::dns
