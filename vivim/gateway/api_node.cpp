#include "vivim/gateway/api.hpp"
#include "vivim/gateway/api_json.hpp"

namespace vivim::gateway {

namespace {

constexpr std::size_t k_multiaddr_bytes_max = 512;

}  // namespace

NodeApi::NodeApi(Router& router, NodeService& node, NetworkService& network,
                 LibraryService& library)
    : node_(node), network_(network), library_(library) {
  using enum Method;
  router.add(this, &NodeApi::status, {get, "/api/v2/status", "status"});
  router.add(this, &NodeApi::identity, {get, "/api/v2/id", "identity"});
  router.add(this, &NodeApi::stop, {post, "/api/v2/stop", "stop"});
  router.add(this, &NodeApi::doctor, {get, "/api/v2/doctor", "doctor"});
  router.add(this, &NodeApi::openapi, {get, "/api/v2/openapi.json", "openapi"});
  router.add(this, &NodeApi::peers, {get, "/api/v2/network/peers", "listPeers"});
  router.add(this, &NodeApi::connect,
             {post, "/api/v2/network/connect", "connectPeer", BodyKind::json});
}

Co<Outcome<Response>> NodeApi::status(Call) {
  VIVIM_CO_TRY(const auto status, co_await node_.status());
  co_return json_response(to_json(status));
}

Co<Outcome<Response>> NodeApi::identity(Call) {
  VIVIM_CO_TRY(const auto identity, co_await network_.identity());
  co_return json_response(to_json(identity));
}

Co<Outcome<Response>> NodeApi::stop(Call) {
  VIVIM_CO_TRYV(co_await node_.stop());
  co_return json_response(to_json_object("state", "stopping"), 202);
}

Co<Outcome<Response>> NodeApi::doctor(Call) {
  VIVIM_CO_TRY(const auto checks, co_await library_.doctor());
  co_return json_response(to_json(checks));
}

Co<Outcome<Response>> NodeApi::openapi(Call) {
  co_return json_response(std::string(openapi_json()));
}

Co<Outcome<Response>> NodeApi::peers(Call) {
  VIVIM_CO_TRY(const auto peers, co_await network_.peers());
  co_return json_response(to_json(peers));
}

Co<Outcome<Response>> NodeApi::connect(Call call) {
  VIVIM_CO_TRY(const auto body, JsonBody::parse(std::move(call.body)));
  VIVIM_CO_TRY(auto multiaddr, body.text("multiaddr", k_multiaddr_bytes_max));
  VIVIM_CO_TRY(const auto peer, co_await network_.connect(std::move(multiaddr)));
  co_return json_response(to_json_object("peer_id", peer));
}

}  // namespace vivim::gateway
