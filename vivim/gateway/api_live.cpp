#include "vivim/gateway/api.hpp"

namespace vivim::gateway {

LiveApi::LiveApi(Router& router, EventHub& events, DocumentService& documents)
    : events_(events), documents_(documents) {
  router.add(this, &LiveApi::events,
             {.method = Method::get,
              .path = "/api/v2/events",
              .operation = "events",
              .protocol = RouteProtocol::websocket});
  router.add(this, &LiveApi::sync,
             {.method = Method::get,
              .path = "/sync/{document}",
              .operation = "syncDocument",
              .protocol = RouteProtocol::websocket});
}

Co<Outcome<Response>> LiveApi::events(Call) {
  co_return Response::upgrade([this](WebSocket& socket) { return events_.listen(socket); });
}

Co<Outcome<Response>> LiveApi::sync(Call call) {
  co_return Response::upgrade([this, document = call.parameter("document")](WebSocket& socket) {
    return documents_.serve(document, socket);
  });
}

}  // namespace vivim::gateway
