#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vivim/base/problem.hpp"
#include "vivim/gateway/http.hpp"
#include "vivim/gateway/limits.hpp"
#include "vivim/gateway/target.hpp"

namespace vivim::gateway {

/// What a route expects behind the header.
enum class BodyKind : std::uint8_t {
  none,    ///< a body is not read
  json,    ///< read whole into Call::body; Content-Type must be application/json
  stream,  ///< left in the request for the handler
};

enum class RouteProtocol : std::uint8_t { http, websocket };

/// A route as data: what docs/api/openapi.json is held against.
struct Route {
  Method method = Method::get;
  std::string_view path;       ///< "/api/v2/conversations/{id}"
  std::string_view operation;  ///< the OpenAPI operationId
  BodyKind body = BodyKind::none;
  std::uint64_t body_bytes_max = k_json_body_bytes_max;
  RouteProtocol protocol = RouteProtocol::http;
};

/// A request that matched a route.
struct Call {
  Request request;
  Target target;
  std::vector<std::pair<std::string_view, std::string>> parameters;  ///< of the path
  std::string body;                                                  ///< of BodyKind::json

  /// A path parameter of the template; asking for one it lacks is a programmer's error.
  const std::string& parameter(std::string_view name) const;
  /// A query parameter, or "".
  std::string_view query(std::string_view name) const { return target.find(name).value_or(""); }
  /// A number from the query, at most `max`; a Problem if it is something else.
  Outcome<std::uint64_t> query_number(std::string_view name, std::uint64_t otherwise,
                                      std::uint64_t max) const;
  /// One of `allowed`, the first if it is absent.
  Outcome<std::string> query_choice(std::string_view name,
                                    std::span<const std::string_view> allowed) const;
};

/// What a route does; a Problem becomes application/problem+json.
using RouteHandler = std::function<Co<Outcome<Response>>(Call)>;

/// A table of routes. dispatch() needs no socket: the command line uses it in process when no node
/// runs.
class Router {
 public:
  /// Adding two routes of one method and path is a programmer's error.
  void add(Route route, RouteHandler handler);

  /// `router.add(this, &Api::list, {...})`: a member coroutine as handler; `object` must outlive
  /// the router.
  template <class T>
  void add(T* object, Co<Outcome<Response>> (T::*member)(Call), Route route) {
    add(route, [object, member](Call call) { return (object->*member)(std::move(call)); });
  }

  /// Finds the route, reads the body as it says, and answers. 400 for a malformed target, 404, 405
  /// with Allow, 413, 415, 426 for a WebSocket route without an upgrade. HEAD is answered by GET's
  /// handler.
  Co<Response> dispatch(Request request);

  std::vector<Route> routes() const;

 private:
  struct Entry {
    Route route;
    std::vector<std::string_view> segments;
    RouteHandler handler;
  };
  struct Match {
    const Entry* entry = nullptr;
    std::string allow;  ///< methods of the path when none fits
  };

  Match find(const Target& target, Method method) const;
  Co<Outcome<Response>> call(const Entry& entry, Request request, Target target);

  std::vector<Entry> entries_;
};

}  // namespace vivim::gateway
