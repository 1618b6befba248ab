#include "vivim/gateway/api.hpp"
#include "vivim/gateway/api_json.hpp"

namespace vivim::gateway {

NodeApi::NodeApi(Router& router, NodeService& node, LibraryService& library)
    : node_(node), library_(library) {
  using enum Method;
  router.add(this, &NodeApi::status, {get, "/api/v2/status", "status"});
  router.add(this, &NodeApi::stop, {post, "/api/v2/stop", "stop"});
  router.add(this, &NodeApi::doctor, {get, "/api/v2/doctor", "doctor"});
  router.add(this, &NodeApi::metrics, {get, "/metrics", "metrics"});
  router.add(this, &NodeApi::openapi, {get, "/api/v2/openapi.json", "openapi"});
}

Co<Outcome<Response>> NodeApi::status(Call) {
  VIVIM_CO_TRY(const auto status, co_await node_.status());
  co_return json_response(to_json(status));
}

Co<Outcome<Response>> NodeApi::stop(Call) {
  VIVIM_CO_TRYV(co_await node_.stop());
  co_return json_response(to_json_object("state", "stopping"), 202);
}

Co<Outcome<Response>> NodeApi::doctor(Call) {
  VIVIM_CO_TRY(const auto checks, co_await library_.doctor());
  co_return json_response(to_json(checks));
}

Co<Outcome<Response>> NodeApi::metrics(Call) {
  VIVIM_CO_TRY(auto text, co_await node_.metrics());
  co_return Response::text(200, "text/plain; version=0.0.4; charset=utf-8", std::move(text));
}

Co<Outcome<Response>> NodeApi::openapi(Call) {
  co_return json_response(std::string(openapi_json()));
}

}  // namespace vivim::gateway
