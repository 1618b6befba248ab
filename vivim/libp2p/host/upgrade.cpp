#include "vivim/libp2p/host/upgrade.hpp"

#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/host/error.hpp"
#include "vivim/libp2p/host/negotiate.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::libp2p {

namespace {

/// The transport, ready for the handshake of the security protocol that was chosen.
struct Chosen {
  Security* security;
  std::unique_ptr<rt::Stream> transport;
  Direction direction;
  std::shared_ptr<bool> agreed = nullptr;  ///< whether the peer agreed, if that is still open
};

std::vector<std::string> names_of(const std::vector<Security*>& securities) {
  std::vector<std::string> names;
  for (const Security* security : securities) {
    names.emplace_back(security->protocol_id());
  }
  return names;
}

rt::Co<Result<Agreement>> negotiate(rt::Stream& stream, Direction direction,
                                    std::vector<std::string> protocols) {
  if (direction == Direction::outbound) {
    return propose(stream, std::move(protocols));
  }
  return agree(stream, multistream::make_protocol_list(std::move(protocols)));
}

/// `error`, or `instead` if the peer refused everything that was proposed.
Error refused_as(const Error& error, HostError instead) {
  return error.is(multistream::MultistreamError::none_supported) ? Error(instead) : error;
}

/// Who proposes, and what.
rt::Co<Result<Decision>> settle(rt::Stream& stream, std::vector<std::string> names,
                                const UpgradeOptions& options) {
  if (options.undecided) {
    const auto& open = *options.undecided;
    co_return co_await decide(open.loop, stream, std::move(names), open.number, open.patience);
  }
  VIVIM_CO_TRY(auto agreement, co_await negotiate(stream, options.direction, std::move(names)));
  co_return Decision{.agreement = std::move(agreement),
                     .initiator = options.direction == Direction::outbound};
}

rt::Co<Result<Chosen>> choose_security(std::unique_ptr<rt::Stream> transport,
                                       const std::vector<Security*>& securities,
                                       const UpgradeOptions& options) {
  if (options.direction == Direction::outbound && !options.undecided &&
      options.proposal == Proposal::with_first_message) {
    Security* const first = securities.front();
    auto agreed = std::make_shared<bool>(false);
    auto proposing =
        propose_with_first_write(std::move(transport), std::string(first->protocol_id()), agreed);
    co_return Chosen{.security = first,
                     .transport = std::move(proposing),
                     .direction = Direction::outbound,
                     .agreed = agreed};
  }
  VIVIM_CO_TRY(auto decision, co_await settle(*transport, names_of(securities), options));
  auto& agreement = decision.agreement;
  const auto found = std::ranges::find(securities, std::string_view(agreement.protocol),
                                       [](const Security* each) { return each->protocol_id(); });
  VIVIM_ASSERT(found != securities.end());
  co_return Chosen{.security = *found,
                   .transport = with_early_bytes(std::move(transport), std::move(agreement.early)),
                   .direction = decision.initiator ? Direction::outbound : Direction::inbound};
}

/// Whether the peer ended the connection: as one does that refuses a proposal and takes the first
/// message behind it for another one.
bool is_end(const Error& error) {
  return error.is(rt::RtError::reset) || error.is(rt::RtError::end_of_stream) ||
         error.is(HostError::closed_during_negotiation);
}

rt::Co<Result<Upgraded>> secure(std::unique_ptr<rt::Stream> transport, UpgradeProtocols& protocols,
                                const UpgradeOptions& options) {
  VIVIM_CO_TRY(auto chosen,
               co_await choose_security(std::move(transport), protocols.securities, options));
  auto secured = co_await chosen.security->secure(std::move(chosen.transport), chosen.direction,
                                                  options.expected_peer, protocols.muxers);
  if (!secured) {
    const bool others = chosen.agreed != nullptr && protocols.securities.size() > 1;
    const bool refused = others && !*chosen.agreed && is_end(secured.error());
    co_return fail(refused ? Error(HostError::no_common_security) : secured.error());
  }
  SecureChannel channel = std::move(*secured);
  if (options.allow && !options.allow(channel.peer)) {
    co_return fail(HostError::gated);
  }
  Upgraded upgraded{.peer = channel.peer,
                    .direction = chosen.direction,
                    .stream = std::move(channel.stream),
                    .security = std::string(chosen.security->protocol_id()),
                    .held_bytes = channel.held_bytes};
  if (channel.muxer && std::ranges::count(protocols.muxers, *channel.muxer) > 0) {
    upgraded.muxer = std::move(*channel.muxer);
  }
  co_return upgraded;
}

}  // namespace

rt::Co<Result<Upgraded>> upgrade(std::unique_ptr<rt::Stream> transport, UpgradeProtocols protocols,
                                 UpgradeOptions options) {
  VIVIM_ASSERT(!protocols.securities.empty() && !protocols.muxers.empty());
  auto upgraded = co_await secure(std::move(transport), protocols, options);
  if (!upgraded) {
    co_return fail(refused_as(upgraded.error(), HostError::no_common_security));
  }
  if (!upgraded->muxer.empty()) {
    co_return upgraded;
  }
  auto agreement =
      co_await negotiate(*upgraded->stream, upgraded->direction, std::move(protocols.muxers));
  if (!agreement) {
    co_return fail(refused_as(agreement.error(), HostError::no_common_muxer));
  }
  upgraded->muxer = std::move(agreement->protocol);
  upgraded->early = std::move(agreement->early);
  co_return upgraded;
}

}  // namespace vivim::libp2p
