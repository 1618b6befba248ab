#include "vivim/gateway/router.hpp"

#include <doctest/doctest.h>

#include "vivim/gateway/server_test_detail.hpp"

namespace vivim::gateway::test {

namespace {

/// Handlers that tell what they got.
class EchoApi {
 public:
  explicit EchoApi(Router& router) {
    router.add(this, &EchoApi::show, {Method::get, "/api/things/{id}", "showThing"});
    router.add(this, &EchoApi::make,
               {Method::post, "/api/things", "makeThing", BodyKind::json, 100});
    router.add(this, &EchoApi::show, {Method::del, "/api/things/{id}", "removeThing"});
    router.add(this, &EchoApi::upload, {Method::post, "/api/upload", "upload", BodyKind::stream});
    router.add(this, &EchoApi::talk,
               {.method = Method::get,
                .path = "/api/talk",
                .operation = "talk",
                .protocol = RouteProtocol::websocket});
    router.add(this, &EchoApi::parts, {Method::get, "/api/{a}/parts/{b}", "parts"});
  }

 private:
  Co<Outcome<Response>> show(Call call) {
    if (call.parameter("id") == "missing") {
      co_return std::unexpected(Problem{.kind = ProblemKind::not_found,
                                        .code = "thing_not_found",
                                        .message = "No \"thing\".",
                                        .hint = "Try another."});
    }
    VIVIM_CO_TRY(const auto limit, call.query_number("limit", 10, 100));
    constexpr std::array<std::string_view, 2> k_sorts{"newest", "oldest"};
    VIVIM_CO_TRY(const auto sort, call.query_choice("sort", k_sorts));
    co_return Response::text(200, "text/plain",
                             call.parameter("id") + " " + std::to_string(limit) + " " + sort);
  }
  Co<Outcome<Response>> make(Call call) { co_return Response::text(201, "text/plain", call.body); }
  Co<Outcome<Response>> parts(Call call) {
    co_return Response::text(200, "text/plain", call.parameter("a") + "|" + call.parameter("b"));
  }
  Co<Outcome<Response>> upload(Call call) {
    auto body = co_await read_body(call.request, 1'000'000);
    co_return Response::text(200, "text/plain", std::to_string(body->size()));
  }
  Co<Outcome<Response>> talk(Call) {
    co_return Response::upgrade([](WebSocket&) -> Co<void> { co_return; });
  }
};

struct RouterRig {
  Response ask(Request request) { return world.run(router.dispatch(std::move(request))); }
  Response ask(Method method, std::string target, std::string body = "",
               std::string type = "application/json") {
    Request request;
    request.method = method;
    request.target = std::move(target);
    request.body = std::move(body);
    request.headers.add("Content-Type", std::move(type));
    return ask(std::move(request));
  }

  rt::sim::World world{1};
  Router router;
  EchoApi api{router};
};

}  // namespace

TEST_CASE("target: paths and queries are decoded") {
  const auto target = parse_target("/api/a%20b/c+d?q=x+y%26z&empty=&flag&q=second#fragment");
  REQUIRE(target);
  CHECK(target->path == "/api/a%20b/c+d");
  CHECK(target->segments == std::vector<std::string>{"api", "a b", "c+d"});
  CHECK(target->find("q") == "x y&z");
  CHECK(target->find("empty") == "");
  CHECK(target->find("flag") == "");
  CHECK_FALSE(target->find("absent"));
  CHECK_FALSE(target->trailing_slash);
  CHECK(parse_target("/")->segments.empty());
  CHECK(parse_target("/a/")->trailing_slash);
  CHECK(percent_decode(percent_encode("a/b c\xc3\xa4?"), Plus::literal) == "a/b c\xc3\xa4?");
}

TEST_CASE("target: what could mean two things is refused") {
  for (const char* bad :
       {"",        "*",         "a",      "//",     "/a//b", "/.",     "/..",
        "/a/../b", "/%2e%2e/x", "/a%2fb", "/a%5cb", "/a\\b", "/%",     "/%4",
        "/%zz",    "/%00",      "/%0a",   "/\xff",  "/%ff",  "/x?%zz", "/x?a=%ff"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_target(bad));
  }
  std::string deep;
  std::string query = "/x?";
  for (std::size_t i = 0; i < k_segments_max; ++i) {
    deep += "/s";
  }
  for (std::size_t i = 0; i < k_query_parameters_max; ++i) {
    query += "a=b&";
  }
  CHECK(parse_target(deep));
  CHECK_FALSE(parse_target(deep + "/s"));
  CHECK(parse_target(query));
  CHECK_FALSE(parse_target(query + "a=b"));
}

TEST_CASE("router: paths, parameters, methods") {
  RouterRig rig;
  CHECK(rig.ask(Method::get, "/api/things/a%20b").memory_body() == "a b 10 newest");
  CHECK(rig.ask(Method::head, "/api/things/x").status == 200);
  CHECK(rig.ask(Method::get, "/api/x/parts/y").memory_body() == "x|y");
  CHECK(rig.ask(Method::get, "/api/things/x?limit=100&sort=oldest").memory_body() ==
        "x 100 oldest");
  CHECK(rig.ask(Method::get, "/api/things").status == 405);
  CHECK(rig.ask(Method::get, "/api/things/x/").status == 404);
  CHECK(rig.ask(Method::get, "/api/things/x/y").status == 404);
  CHECK(rig.ask(Method::get, "/api/../things").status == 400);
  const auto wrong = rig.ask(Method::put, "/api/things/x");
  CHECK(wrong.status == 405);
  CHECK(wrong.headers.get("Allow") == "GET, HEAD, DELETE");
  CHECK(rig.ask(Method::other, "/api/things/x").status == 405);
}

TEST_CASE("router: problems are told as problem+json") {
  RouterRig rig;
  const auto missing = rig.ask(Method::get, "/api/things/missing");
  CHECK(missing.status == 404);
  CHECK(missing.headers.get("Content-Type") == "application/problem+json");
  CHECK(missing.memory_body() ==
        R"({"type":"about:blank","title":"Not Found","status":404,"code":"thing_not_found",)"
        R"("detail":"No \"thing\".","hint":"Try another."})");
  for (const char* query : {"?limit=101", "?limit=-1", "?limit=x", "?limit=", "?limit=1e3",
                            "?limit=99999999999999999999", "?sort=best"}) {
    CAPTURE(query);
    CHECK(rig.ask(Method::get, std::string("/api/things/x") + query).status == 400);
  }
}

TEST_CASE("router: bodies") {
  RouterRig rig;
  CHECK(rig.ask(Method::post, "/api/things", "{}").memory_body() == "{}");
  CHECK(rig.ask(Method::post, "/api/things", "{}", "Application/JSON; charset=utf-8").status ==
        201);
  CHECK(rig.ask(Method::post, "/api/things", "{}", "text/plain").status == 415);
  CHECK(rig.ask(Method::post, "/api/things", "", "").status == 201);
  CHECK(rig.ask(Method::post, "/api/things", std::string(100, ' ')).status == 201);
  CHECK(rig.ask(Method::post, "/api/things", std::string(101, ' ')).status == 413);
  Request streamed;
  streamed.method = Method::post;
  streamed.target = "/api/upload";
  streamed.body_source = std::make_unique<Pieces>(10, 1000);
  CHECK(rig.ask(std::move(streamed)).memory_body() == "10000");
  Request large;
  large.method = Method::post;
  large.target = "/api/things";
  large.headers.add("Content-Type", "application/json");
  large.body_source = std::make_unique<Pieces>(10, 50);
  CHECK(rig.ask(std::move(large)).status == 413);
}

TEST_CASE("router: a WebSocket route needs an upgrade") {
  RouterRig rig;
  const auto refused = rig.ask(Method::get, "/api/talk");
  CHECK(refused.status == 426);
  CHECK(refused.headers.get("Sec-WebSocket-Version") == "13");
  Request request;
  request.target = "/api/talk";
  request.wants_websocket = true;
  CHECK(rig.ask(std::move(request)).websocket);
}

}  // namespace vivim::gateway::test
