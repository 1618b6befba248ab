#include "vivim/gateway/gateway.hpp"

#include <doctest/doctest.h>

#include "vivim/gateway/server_test_detail.hpp"

namespace vivim::gateway::test {

namespace {

class Things {
 public:
  Things(Router& router, EventHub& hub) : hub_(hub) {
    router.add(this, &Things::list, {Method::get, "/api/v2/things", "listThings"});
    router.add(this, &Things::make, {Method::post, "/api/v2/things", "makeThing", BodyKind::json});
    router.add(this, &Things::events,
               {.method = Method::get,
                .path = "/api/v2/events",
                .operation = "events",
                .protocol = RouteProtocol::websocket});
  }

 private:
  Co<Outcome<Response>> list(Call) { co_return Response::text(200, "application/json", "[]"); }
  Co<Outcome<Response>> make(Call) {
    hub_.publish(R"({"type":"made"})");
    co_return Response::text(201, "application/json", "{}");
  }
  Co<Outcome<Response>> events(Call) {
    co_return Response::upgrade([this](WebSocket& socket) { return hub_.listen(socket); });
  }

  EventHub& hub_;
};

/// A gateway in process, with a web app on a simulated disk.
struct GatewayRig {
  GatewayRig() {
    write("index.html", "<!doctype html>" + std::string(2000, ' '));
    write("assets/app-1234.js", "let x = 1;" + std::string(5000, ' '));
    write("assets/tiny-1.css", "a{}");
    write("favicon.ico", "icon");
    write(".secret", "no");
    gateway.allow_port(8470);
  }

  void write(std::string path, std::string content) {
    auto file = node.disk().open(path, rt::OpenMode::create);
    REQUIRE(file);
    REQUIRE((*file)->truncate(0));
    REQUIRE((*file)->write_at(0, as_bytes(content)));
  }

  Response ask(Request request) { return world.run(gateway.handle(std::move(request))); }
  Response ask(std::string target, Headers headers = {}, Method method = Method::get) {
    Request request;
    request.method = method;
    request.target = std::move(target);
    request.headers = std::move(headers);
    if (!request.headers.find("Host")) {
      request.headers.add("Host", "127.0.0.1:8470");
    }
    return ask(std::move(request));
  }
  Response api(Headers headers, Method method = Method::get) {
    return ask("/api/v2/things", std::move(headers), method);
  }

  rt::sim::World world{1};
  rt::sim::Node& node = world.add_node("node");
  std::unique_ptr<rt::Worker> worker = node.make_worker();
  StaticFiles files{node.disk(), *worker, {.cache_bytes_max = 20'000}};
  Router router;
  EventHub hub;
  Things things{router, hub};
  Gateway gateway{{.token = k_token, .names = {"vivim.lan"}}, router, &files};
};

Headers with_session(Headers headers = {}) {
  headers.add("Cookie", "other=1; vivim_session_8470=" + k_token);
  return headers;
}

}  // namespace

TEST_CASE("gateway: only our own names are answered (DNS rebinding)") {
  GatewayRig rig;
  for (const char* host : {"127.0.0.1:8470", "localhost:8470", "LOCALHOST:8470", "[::1]:8470",
                           "vivim.lan", "vivim.lan:8470"}) {
    CAPTURE(host);
    CHECK(rig.ask("/", {{"Host", host}}).status == 200);
  }
  for (const char* host : {"evil.example:8470", "127.0.0.1", "127.0.0.1:8471", "localhost", "",
                           "localhost:8470.evil.example", "127.0.0.1:8470:8470"}) {
    CAPTURE(host);
    const auto page = rig.ask("/", {{"Host", host}});
    CHECK(page.status == 421);
    CHECK(rig.api(with_session({{"Host", host}})).status == 421);
  }
}

TEST_CASE("gateway: the API needs the session") {
  GatewayRig rig;
  const auto stranger = rig.api({});
  CHECK(stranger.status == 401);
  CHECK(stranger.headers.get("WWW-Authenticate") == "Bearer");
  CHECK(stranger.memory_body().find("vivim status") != std::string_view::npos);
  CHECK(rig.api(with_session()).status == 200);
  CHECK(rig.api({{"Cookie", "vivim_session=" + k_token}}).status == 200);
  CHECK(rig.api({{"Authorization", "Bearer " + k_token}}).status == 200);
  CHECK(rig.api({{"authorization", "bearer " + k_token}}).status == 200);
  CHECK(rig.api({{"Cookie", "vivim_session_8471=" + k_token}}).status == 401);
  CHECK(rig.api({{"Cookie", "vivim_session_8470=" + std::string(64, 'b')}}).status == 401);
  CHECK(rig.api({{"Cookie", "vivim_session_8470=" + k_token.substr(1)}}).status == 401);
  CHECK(rig.api({{"Cookie", "vivim_session_8470="}}).status == 401);
  CHECK(rig.api({{"Authorization", "Basic " + k_token}}).status == 401);
  CHECK(rig.ask("/api/v2/things?token=" + k_token).status == 401);
  CHECK(rig.ask("/api/nothing").status == 401);
  CHECK(rig.ask("/sync/x").status == 401);
  CHECK(rig.ask("/api").status == 401);
}

TEST_CASE("gateway: pages of other origins cannot use the session") {
  GatewayRig rig;
  const auto status = [&](Headers headers, Method method) {
    return rig.api(with_session(std::move(headers)), method).status;
  };
  CHECK(status({{"Origin", "http://127.0.0.1:8470"}}, Method::post) == 201);
  CHECK(status({{"Origin", "http://127.0.0.1:8470"}, {"Sec-Fetch-Site", "same-origin"}},
               Method::post) == 201);
  CHECK(status({}, Method::post) == 201);  // not a browser
  for (const char* origin :
       {"http://evil.example", "http://127.0.0.1:8471", "null", "http://localhost:8470",
        "http://127.0.0.1:8470.evil.example", "file://", "http://127.0.0.1:8470/"}) {
    CAPTURE(origin);
    CHECK(status({{"Origin", origin}}, Method::post) == 403);
  }
  for (const char* site : {"cross-site", "same-site"}) {
    CHECK(status({{"Sec-Fetch-Site", site}}, Method::get) == 403);
    CHECK(status({{"Sec-Fetch-Site", site}}, Method::post) == 403);
  }
  CHECK(status({{"Sec-Fetch-Site", "none"}}, Method::get) == 200);
}

TEST_CASE("gateway: WebSockets of strangers and of other origins") {
  GatewayRig rig;
  const auto upgrade = [&](std::string target, Headers headers) {
    Request request;
    request.target = std::move(target);
    request.wants_websocket = true;
    request.headers = std::move(headers);
    request.headers.add("Host", "127.0.0.1:8470");
    return rig.ask(std::move(request));
  };
  CHECK(upgrade("/api/v2/events", with_session({{"Origin", "http://evil.example"}})).status == 403);
  CHECK(upgrade("/sync/x", with_session({{"Origin", "http://evil.example"}})).status == 403);
  CHECK(upgrade("/api/v2/events", with_session({{"Origin", "http://127.0.0.1:8470"}})).status ==
        101);
  CHECK(upgrade("/api/v2/events?token=" + k_token, {}).status == 101);
}

TEST_CASE("gateway: the link with the token logs in, a wrong one explains itself") {
  GatewayRig rig;
  const auto right = rig.ask("/?token=" + k_token);
  CHECK(right.status == 303);
  CHECK(right.headers.get("Location") == "/");
  const auto cookie = right.headers.get("Set-Cookie");
  CHECK(cookie.starts_with("vivim_session_8470=" + k_token + ";"));
  for (const char* attribute : {"HttpOnly", "SameSite=Strict", "Path=/"}) {
    CHECK(cookie.find(attribute) != std::string_view::npos);
  }
  CHECK(rig.api({{"Cookie", std::string(cookie.substr(0, cookie.find(';')))}}).status == 200);
  const auto wrong = rig.ask("/?token=" + std::string(64, 'b'));
  CHECK(wrong.status == 403);
  CHECK_FALSE(wrong.headers.find("Set-Cookie"));
  CHECK(wrong.memory_body().find("vivim status") != std::string_view::npos);
  CHECK(rig.ask("/?token=").status == 403);
}

TEST_CASE("gateway: security headers are on every answer") {
  GatewayRig rig;
  std::vector<Response> responses;
  responses.push_back(rig.ask("/"));
  responses.push_back(rig.ask("/nothing"));
  responses.push_back(rig.api({}));
  responses.push_back(rig.api(with_session()));
  for (const auto& response : responses) {
    CHECK(response.headers.get("X-Content-Type-Options") == "nosniff");
    CHECK(response.headers.get("Referrer-Policy") == "no-referrer");
    CHECK(response.headers.get("Cross-Origin-Opener-Policy") == "same-origin");
    const auto policy = response.headers.get("Content-Security-Policy");
    CHECK(policy.find("frame-ancestors 'none'") != std::string_view::npos);
    CHECK(policy.find("script-src 'self';") != std::string_view::npos);
  }
}

TEST_CASE("static files: types, caching, validators") {
  GatewayRig rig;
  const auto page = rig.ask("/");
  CHECK(page.status == 200);
  CHECK(page.headers.get("Content-Type") == "text/html; charset=utf-8");
  CHECK(page.headers.get("Cache-Control") == "no-cache");
  CHECK(page.headers.get("Vary") == "Accept-Encoding");
  const std::string etag(page.headers.get("ETag"));
  CHECK(rig.ask("/", {{"If-None-Match", etag}}).status == 304);
  CHECK(rig.ask("/", {{"If-None-Match", "\"x\", W/" + etag}}).status == 304);
  CHECK(rig.ask("/", {{"If-None-Match", "\"x\""}}).status == 200);
  CHECK(rig.ask("/index.html").headers.get("ETag") == etag);
  rig.write("index.html", "<!doctype html>new");
  CHECK(rig.ask("/", {{"If-None-Match", etag}}).memory_body() == "<!doctype html>new");
  const auto script = rig.ask("/assets/app-1234.js");
  CHECK(script.headers.get("Content-Type") == "text/javascript; charset=utf-8");
  CHECK(script.headers.get("Cache-Control") == "public, max-age=31536000, immutable");
  CHECK(rig.ask("/", {}, Method::head).status == 200);
  const auto post = rig.ask("/", {}, Method::post);
  CHECK(post.status == 405);
  CHECK(post.headers.get("Allow") == "GET, HEAD");
}

TEST_CASE("static files: compression is negotiated") {
  GatewayRig rig;
  const auto coding = [&](std::string accept) {
    return std::string(rig.ask("/assets/app-1234.js", {{"Accept-Encoding", accept}})
                           .headers.get("Content-Encoding"));
  };
  CHECK(coding("gzip, deflate, br, zstd") == "br");
  CHECK(coding("gzip;q=1.0, br;q=0") == "gzip");
  CHECK(coding("*") == "br");
  CHECK(coding("*;q=0.000, gzip") == "gzip");
  CHECK(coding("deflate").empty());
  CHECK(coding("").empty());
  CHECK(rig.ask("/assets/tiny-1.css", {{"Accept-Encoding", "br"}}).memory_body() == "a{}");
  const auto br = rig.ask("/assets/app-1234.js", {{"Accept-Encoding", "br"}});
  CHECK(br.memory_body_size() < 200);
  CHECK(br.headers.get("ETag").ends_with("-br\""));
  rig.write("assets/made-1.js.br", "precompressed");
  rig.write("assets/made-1.js", std::string(1000, 'x'));
  CHECK(rig.ask("/assets/made-1.js", {{"Accept-Encoding", "br"}}).memory_body() == "precompressed");
}

TEST_CASE("static files: nothing outside, nothing hidden, no sidecars, no directories") {
  GatewayRig rig;
  rig.write("assets/made-1.js.br", "precompressed");
  for (const char* path : {"/.secret", "/assets", "/assets/", "/assets/none.js", "/index.html/",
                           "/assets/made-1.js.br", "/nothing"}) {
    CAPTURE(path);
    CHECK(rig.ask(path).status == 404);
  }
  for (const char* path : {"/../etc/passwd", "/%2e%2e/etc/passwd", "/assets/..%2f..%2fetc/passwd",
                           "/assets//app-1234.js", "/a%00b"}) {
    CAPTURE(path);
    CHECK(rig.ask(path).status == 400);
  }
}

TEST_CASE("static files: the cache is bounded, large files are not served") {
  GatewayRig rig;
  for (int i = 0; i < 20; ++i) {
    const std::string path = "assets/f" + std::to_string(i) + ".js";
    rig.write(path, std::string(3000, static_cast<char>('a' + i)));
    CHECK(rig.ask("/" + path).status == 200);
    CHECK(rig.files.cache_bytes() <= 20'000);
  }
  CHECK(rig.files.cache_bytes() > 10'000);
  rig.write("assets/large.js", std::string(30'000, 'x'));
  CHECK(rig.ask("/assets/large.js").status == 200);
  CHECK(rig.files.cache_bytes() <= 20'000);
  StaticFiles small(rig.node.disk(), *rig.worker, {.file_bytes_max = 100});
  CHECK(rig.world.run(small.serve(Request{}, *parse_target("/"))).status == 404);
}

TEST_CASE("static files: a disk that fails is a missing page, not the end") {
  GatewayRig rig;
  rig.node.disk().fail_always(rt::RtError::io);
  CHECK(rig.ask("/").status == 404);
  rig.node.disk().clear_faults();
  CHECK(rig.ask("/").status == 200);
}

}  // namespace vivim::gateway::test
