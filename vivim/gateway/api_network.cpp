#include "vivim/gateway/api.hpp"
#include "vivim/gateway/api_json.hpp"

namespace vivim::gateway {

namespace {

constexpr std::size_t k_multiaddr_bytes_max = 512;
constexpr std::uint64_t k_measured_bytes_max = std::uint64_t{16} << 30;
constexpr std::uint64_t k_measured_bytes_default = std::uint64_t{100} << 20;

}  // namespace

NetworkApi::NetworkApi(Router& router, NetworkService& network, ReachabilityService& reachability)
    : network_(network), reachability_(reachability) {
  using enum Method;
  router.add(this, &NetworkApi::identity, {get, "/api/v2/id", "identity"});
  router.add(this, &NetworkApi::peers, {get, "/api/v2/network/peers", "listPeers"});
  router.add(this, &NetworkApi::connect,
             {post, "/api/v2/network/connect", "connectPeer", BodyKind::json});
  router.add(this, &NetworkApi::disconnect,
             {post, "/api/v2/network/disconnect", "disconnectPeer", BodyKind::json});
  router.add(this, &NetworkApi::limits, {get, "/api/v2/network/limits", "listLimits"});
  router.add(this, &NetworkApi::addresses, {get, "/api/v2/network/addresses", "listAddresses"});
  router.add(this, &NetworkApi::reachability,
             {get, "/api/v2/network/reachability", "reachability"});
  router.add(this, &NetworkApi::ping, {post, "/api/v2/network/ping", "pingPeer", BodyKind::json});
  router.add(this, &NetworkApi::measure,
             {post, "/api/v2/network/perf", "measurePeer", BodyKind::json});
}

Co<Outcome<Response>> NetworkApi::identity(Call) {
  VIVIM_CO_TRY(const auto identity, co_await network_.identity());
  co_return json_response(to_json(identity));
}

Co<Outcome<Response>> NetworkApi::peers(Call) {
  VIVIM_CO_TRY(const auto peers, co_await network_.peers());
  co_return json_response(to_json(peers));
}

Co<Outcome<Response>> NetworkApi::connect(Call call) {
  VIVIM_CO_TRY(const auto body, JsonBody::parse(std::move(call.body)));
  VIVIM_CO_TRY(auto multiaddr, body.text("multiaddr", k_multiaddr_bytes_max));
  VIVIM_CO_TRY(const auto peer, co_await network_.connect(std::move(multiaddr)));
  co_return json_response(to_json_object("peer_id", peer));
}

Co<Outcome<Response>> NetworkApi::disconnect(Call call) {
  VIVIM_CO_TRY(const auto body, JsonBody::parse(std::move(call.body)));
  VIVIM_CO_TRY(auto peer, body.text("peer_id", k_multiaddr_bytes_max));
  VIVIM_CO_TRYV(co_await network_.disconnect(peer));
  co_return json_response(to_json_object("peer_id", peer));
}

Co<Outcome<Response>> NetworkApi::limits(Call) {
  VIVIM_CO_TRY(const auto limits, co_await network_.limits());
  co_return json_response(to_json(limits));
}

Co<Outcome<Response>> NetworkApi::addresses(Call) {
  VIVIM_CO_TRY(const auto addresses, co_await reachability_.addresses());
  co_return json_response(to_json(addresses));
}

Co<Outcome<Response>> NetworkApi::reachability(Call) {
  VIVIM_CO_TRY(const auto reachability, co_await reachability_.reachability());
  co_return json_response(to_json(reachability));
}

Co<Outcome<Response>> NetworkApi::ping(Call call) {
  VIVIM_CO_TRY(const auto body, JsonBody::parse(std::move(call.body)));
  VIVIM_CO_TRY(auto peer, body.text("peer", k_multiaddr_bytes_max));
  VIVIM_CO_TRY(const auto pinged, co_await network_.ping(std::move(peer)));
  co_return json_response(to_json(pinged));
}

Co<Outcome<Response>> NetworkApi::measure(Call call) {
  VIVIM_CO_TRY(const auto body, JsonBody::parse(std::move(call.body)));
  VIVIM_CO_TRY(auto peer, body.text("peer", k_multiaddr_bytes_max));
  VIVIM_CO_TRY(const auto upload, body.optional_whole("upload_bytes", k_measured_bytes_max));
  VIVIM_CO_TRY(const auto download, body.optional_whole("download_bytes", k_measured_bytes_max));
  VIVIM_CO_TRY(const auto measured,
               co_await network_.measure(std::move(peer), upload.value_or(k_measured_bytes_default),
                                         download.value_or(k_measured_bytes_default)));
  co_return json_response(to_json(measured));
}

}  // namespace vivim::gateway
