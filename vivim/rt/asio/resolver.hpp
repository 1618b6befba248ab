#pragma once

#include <memory>
#include <string>
#include <vector>

#include "vivim/rt/asio/loop.hpp"
#include "vivim/rt/resolver.hpp"

namespace vivim::rt::asio_ {

/// Questions that one resolver has under way; more fail with RtError::limit.
inline constexpr std::size_t k_resolver_questions_max = 64;

struct ResolverOptions {
  /// Whom to ask; empty: as the system is configured.
  std::vector<Endpoint> servers = {};
  /// How long each server gets for the first of `tries`.
  std::chrono::milliseconds try_time{2000};
  int tries = 3;
};

/// The DNS over c-ares, driven by the loop: no thread. Questions must have ended (cancel()) before
/// it goes.
class DnsResolver final : public Resolver {
 public:
  explicit DnsResolver(Loop& loop, ResolverOptions options = {});
  ~DnsResolver() override;

  Co<Result<std::vector<IpAddress>>> addresses(std::string name, AddressFamily family,
                                               Duration timeout) override;
  Co<Result<std::vector<std::string>>> texts(std::string name, Duration timeout) override;
  void cancel() override;

 private:
  class Channel;
  template <class Answer>
  struct Question;
  template <class Answer, class Ask>
  Co<Result<Answer>> ask(std::string name, Duration timeout, Ask start);

  Loop& loop_;
  ResolverOptions options_;
  std::shared_ptr<Channel> channel_;
};

}  // namespace vivim::rt::asio_
