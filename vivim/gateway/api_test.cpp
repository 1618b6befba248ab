#include "vivim/gateway/api.hpp"

#include <set>

#include <doctest/doctest.h>

#include "vivim/chat/json.hpp"
#include "vivim/gateway/error.hpp"
#include "vivim/gateway/fake_services_test_detail.hpp"
#include "vivim/rt/sim/world.hpp"

namespace vivim::gateway::test {

namespace {

struct Answer {
  unsigned status = 0;
  Headers headers;
  std::string body;
};

/// The whole API over services in memory, without sockets.
struct ApiRig {
  ~ApiRig() { world.run(tasks.stop()); }

  Answer ask(Request request) {
    auto response = world.run(router.dispatch(std::move(request)));
    Answer answer{.status = response.status, .headers = response.headers};
    answer.body = world.run(read_body(response, 1 << 20)).value();
    return answer;
  }
  Answer ask(Method method, std::string path, std::string body = "") {
    Request request;
    request.method = method;
    request.target = "/api/v2" + path;
    request.body = std::move(body);
    request.headers.add("Content-Type", "application/json");
    return ask(std::move(request));
  }
  Answer get(std::string path) { return ask(Method::get, std::move(path)); }

  rt::sim::World world{1};
  rt::sim::Node& node = world.add_node("node");
  std::unique_ptr<rt::Worker> worker = node.make_worker();
  rt::TaskGroup tasks{node.loop()};
  FakeServices fake;
  EventHub events;
  Uploads uploads{node.disk(), "/tmp/uploads", *worker, {.bytes_max = 100, .files_max = 2}};
  Router router;
  Api api{router,
          {.library = fake,
           .imports = fake,
           .shares = fake,
           .node = fake,
           .network = fake,
           .reachability = fake,
           .dht = fake,
           .messages = fake,
           .documents = fake,
           .topics = fake,
           .events = events,
           .uploads = &uploads},
          tasks};
};

/// The value at a path of members: member(json, "/a/b").
std::string member(const std::string& json, std::string_view path) {
  chat::JsonIndex index;
  REQUIRE(index.parse(json));
  auto value = index.root();
  path.remove_prefix(1);
  while (!path.empty()) {
    const auto slash = path.find('/');
    const auto name = path.substr(0, slash);
    if (value.is_array()) {
      std::size_t wanted = static_cast<std::size_t>(name.front() - '0');
      chat::JsonValue element;
      value.for_each_element([&](chat::JsonValue each) {
        if (wanted-- == 0) {
          element = each;
        }
      });
      value = element;
    } else {
      value = value[name];
    }
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
  }
  return value.is_string() ? value.string() : std::string(value.raw());
}

}  // namespace

TEST_CASE("api: the OpenAPI file and the routes are the same") {
  ApiRig rig;
  chat::JsonIndex index;
  const std::string text(openapi_json());
  REQUIRE(index.parse(text));
  CHECK(index.root()["openapi"].string() == "3.1.0");
  std::set<std::string> described;
  index.root()["paths"].for_each_member([&](chat::JsonValue path, chat::JsonValue methods) {
    methods.for_each_member([&](chat::JsonValue name, chat::JsonValue operation) {
      if (name.string() == "parameters") {
        return;
      }
      const bool has_body = !operation["requestBody"].is_absent();
      described.insert(name.string() + " " + path.string() + " " +
                       operation["operationId"].string() + (has_body ? " body" : "") +
                       (operation["responses"]["101"].is_absent() ? "" : " websocket"));
    });
  });
  std::set<std::string> routed;
  for (const auto& route : rig.router.routes()) {
    std::string method(method_name(route.method));
    std::ranges::transform(method, method.begin(),
                           [](char c) { return static_cast<char>(c - 'A' + 'a'); });
    routed.insert(method + " " + std::string(route.path) + " " + std::string(route.operation) +
                  (route.body == BodyKind::none ? "" : " body") +
                  (route.protocol == RouteProtocol::websocket ? " websocket" : ""));
  }
  CHECK(described == routed);
  CHECK(routed.size() == rig.router.routes().size());
}

TEST_CASE(
    "api: every reference of the OpenAPI file leads somewhere, every path parameter is described") {
  chat::JsonIndex index;
  const std::string text(openapi_json());
  REQUIRE(index.parse(text));
  constexpr std::string_view k_reference = "\"$ref\": \"#/";
  std::size_t references = 0;
  for (auto at = text.find(k_reference); at != std::string::npos;
       at = text.find(k_reference, at + 1)) {
    const auto begin = at + k_reference.size() - 1;
    const auto path = text.substr(begin, text.find('"', begin) - begin);
    CAPTURE(path);
    CHECK_FALSE(member(text, path).empty());
    ++references;
  }
  CHECK(references > 100);
  index.root()["paths"].for_each_member([&](chat::JsonValue path, chat::JsonValue methods) {
    const std::string name = path.string();
    if (name.find('{') != std::string::npos) {
      CAPTURE(name);
      CHECK((!methods["parameters"].is_absent() || !methods["get"]["parameters"].is_absent()));
    }
  });
}

TEST_CASE("api: a conversation's life") {
  ApiRig rig;
  const auto made = rig.ask(Method::post, "/conversations", R"({"title": "First \"one\""})");
  CHECK(made.status == 201);
  const auto id = member(made.body, "/id");
  CHECK(made.headers.get("Location") == "/api/v2/conversations/" + id);
  CHECK(rig.ask(Method::post, "/conversations").status == 201);

  const auto root = rig.ask(Method::post, "/conversations/" + id + "/turns",
                            R"({"parent": null, "role": "user", "text": "Hello"})");
  CHECK(root.status == 201);
  for (const char* text : {"left", "right"}) {
    CHECK(
        rig.ask(Method::post, "/conversations/" + id + "/turns",
                R"({"parent": "turn1", "role": "assistant", "text": ")" + std::string(text) + "\"}")
            .status == 201);
  }
  CHECK(rig.ask(Method::patch, "/conversations/" + id + "/turns/turn2", R"({"text": "LEFT"})")
            .status == 204);
  CHECK(rig.ask(Method::del, "/conversations/" + id + "/turns/turn3").status == 204);
  CHECK(rig.ask(Method::del, "/conversations/" + id + "/turns/none").status == 404);
  CHECK(rig.ask(Method::patch, "/conversations/" + id, R"({"title": "Renamed"})").status == 204);

  const auto all = rig.get("/conversations/" + id);
  CHECK(member(all.body, "/title") == "Renamed");
  CHECK(member(all.body, "/turns/0/parent") == "null");
  CHECK(member(all.body, "/turns/1/text") == "LEFT");
  CHECK(member(all.body, "/turns/1/parts") == R"([{"type":"text"}])");
  CHECK(member(all.body, "/turns/2/deleted") == "true");
  const auto branch = rig.get("/conversations/" + id + "?branch=turn2");
  CHECK(member(branch.body, "/turns/1/id") == "turn2");
  CHECK(member(branch.body, "/turns/2").empty());
  CHECK(rig.get("/conversations/" + id + "?branch").status == 200);
  CHECK(rig.get("/conversations/" + id + "?branch=none").status == 404);
  CHECK(rig.get("/conversations/" + id.substr(0, 5)).status == 200);

  const auto list = rig.get("/conversations?limit=1");
  CHECK(member(list.body, "/conversations/0/title") == "Renamed");
  const auto next = rig.get("/conversations?limit=1&after=" + member(list.body, "/next"));
  CHECK(member(next.body, "/conversations/0/id") != id);
  CHECK(member(next.body, "/next").empty());
  CHECK(rig.ask(Method::del, "/conversations/" + id).status == 204);
  CHECK(rig.get("/conversations/" + id).status == 404);
}

TEST_CASE("api: bodies that are not what a path takes") {
  ApiRig rig;
  const auto id = rig.fake.add("x").to_text();
  const std::string turns = "/conversations/" + id + "/turns";
  for (const char* body : {"", "{", "[]", "null", "1", "{\"title\": 1}", "{\"title\": null}"}) {
    CAPTURE(body);
    const auto answer = rig.ask(Method::patch, "/conversations/" + id, body);
    CHECK(answer.status == 400);
    CHECK(answer.headers.get("Content-Type") == "application/problem+json");
  }
  CHECK(rig.ask(Method::post, turns, R"({"role": "none", "text": "x"})").status == 400);
  CHECK(rig.ask(Method::post, turns, R"({"role": "user"})").status == 400);
  CHECK(rig.ask(Method::post, turns, R"({"role": "user", "text": "x", "parent": 5})").status ==
        400);
  std::string deep(40, '[');
  CHECK(rig.ask(Method::post, "/join", R"({"x":)" + deep + std::string(40, ']') + "}").status ==
        400);
  std::string many = R"({"x":[0)";
  for (int i = 0; i < 10'000; ++i) {
    many += ",0";
  }
  CHECK(rig.ask(Method::post, "/join", many + "]}").status == 400);
  CHECK(rig.ask(Method::post, "/network/connect",
                R"({"multiaddr": ")" + std::string(513, '/') + "\"}")
            .status == 400);
  CHECK(rig.ask(Method::patch, "/conversations/" + id,
                R"({"title": ")" + std::string(1 << 20, 'x') + "\"}")
            .status == 413);
}

TEST_CASE("api: search and blocks") {
  ApiRig rig;
  const auto found = rig.get("/search?q=two+words&sort=best&limit=5&offset=10");
  CHECK(rig.fake.searched->text == "two words");
  CHECK(rig.fake.searched->sort == store::SearchSort::best);
  CHECK(rig.fake.searched->limit == 5);
  CHECK(rig.fake.searched->offset == 10);
  CHECK(member(found.body, "/hits/0/snippet/1/text") == "<word>");
  CHECK(member(found.body, "/hits/0/snippet/1/match") == "true");
  CHECK(member(found.body, "/indexing/pending") == "3");
  CHECK(rig.get("/search?q=x&limit=1000").status == 400);

  const std::string cid = store::BlobId::of(as_bytes("x")).to_text();
  const auto image = rig.get("/blobs/" + cid);
  CHECK(image.headers.get("Content-Type") == "image/png");
  CHECK(image.headers.get("Cache-Control").find("immutable") != std::string_view::npos);
  CHECK(image.headers.get("Content-Security-Policy").starts_with("sandbox;"));
  Request again;
  again.target = "/api/v2/blobs/" + cid;
  again.headers.add("If-None-Match", "\"" + cid + "\"");
  CHECK(rig.ask(std::move(again)).status == 304);
  rig.fake.the_blob = {.bytes = to_bytes(as_bytes("<script>")), .mime = "text/html"};
  const auto page = rig.get("/blobs/" + cid);
  CHECK(page.headers.get("Content-Type") == "application/octet-stream");
  CHECK(page.headers.get("Content-Disposition").starts_with("attachment"));
  CHECK(rig.get("/blobs/nonsense").status == 400);
}

TEST_CASE("api: imports and uploads") {
  ApiRig rig;
  const auto started = rig.ask(Method::post, "/import", R"({"path": "/data/export.zip"})");
  CHECK(started.status == 202);
  CHECK(member(started.body, "/job") == "j1");
  CHECK(rig.fake.imported.back() == "/data/export.zip");
  CHECK(rig.ask(Method::post, "/import", R"({"path": "/missing"})").status == 404);
  const auto running = rig.get("/jobs/j1");
  CHECK(member(running.body, "/state") == "running");
  CHECK(member(running.body, "/bytes_total") == "20");
  rig.fake.jobs["j1"] = {.id = "j1",
                         .state = JobStatus::State::failed,
                         .report = R"({"added":1})",
                         .problem = no_such("file")};
  const auto failed = rig.get("/jobs/j1");
  CHECK(member(failed.body, "/report/added") == "1");
  CHECK(member(failed.body, "/problem/code") == "file_not_found");
  CHECK(rig.get("/jobs/none").status == 404);

  const auto upload = [&](std::size_t bytes) {
    Request request;
    request.method = Method::post;
    request.target = "/api/v2/import/upload?name=a.zip";
    request.body_source = in_memory(Bytes(bytes, 'z'));
    return rig.ask(std::move(request)).status;
  };
  CHECK(upload(100) == 202);
  CHECK(rig.fake.imported.back() == "/tmp/uploads/upload-1");
  CHECK(rig.node.disk().exists("upload-1"));
  CHECK(upload(101) == 413);
  CHECK(rig.uploads.files() == 1);
  CHECK(upload(0) == 202);
  CHECK(upload(1) == 503);  // two are being imported
  rig.fake.when_done[1]();
  rig.world.run_for(std::chrono::seconds(1));
  CHECK_FALSE(rig.node.disk().exists("upload-1"));
  CHECK(rig.uploads.files() == 1);
  rig.node.disk().fail_always(rt::RtError::no_space);
  CHECK(upload(1) == 500);
  rig.node.disk().clear_faults();
  rig.world.run(rig.uploads.clean());
  CHECK(rig.node.disk().list()->empty());
}

TEST_CASE("api: sharing") {
  ApiRig rig;
  const auto id = rig.fake.add("Shared").to_text();
  const auto ticket = rig.ask(Method::post, "/conversations/" + id + "/share", "{}");
  CHECK(member(ticket.body, "/url") == "vivim://join/vivim1abc");
  CHECK(member(ticket.body, "/link") == "http://127.0.0.1:8470/#/join/vivim1abc");
  CHECK(member(rig.get("/conversations/" + id + "/shares").body, "/grants/0/made_by_us") == "true");
  CHECK(member(rig.get("/conversations").body, "/conversations/0/shared") == "true");
  CHECK(member(rig.get("/conversations/" + id + "/shares").body, "/grants/0/access") == "write");
  CHECK(rig.ask(Method::post, "/conversations/" + id + "/share?access=read", "{}").status == 200);
  CHECK(member(rig.get("/conversations/" + id + "/shares").body, "/grants/0/access") == "read");
  CHECK(rig.ask(Method::post, "/conversations/" + id + "/share?access=all", "{}").status == 400);
  CHECK(rig.ask(Method::del, "/conversations/" + id + "/shares").status == 204);
  CHECK(member(rig.get("/conversations/" + id + "/shares").body, "/grants") == "[]");
  CHECK(member(rig.ask(Method::post, "/join", R"({"ticket": "vivim1x"})").body, "/title") ==
        "Joined");
  CHECK(rig.ask(Method::post, "/join", R"({"ticket": "nonsense"})").status == 400);
}

TEST_CASE("api: messages are sent, listed and removed") {
  ApiRig rig;
  const auto sent = rig.ask(Method::post, "/messages",
                            R"({"to":"12D3","text":"hi","priority":"high","lifetime_s":60})");
  CHECK(sent.status == 201);
  CHECK(member(sent.body, "/id") == "00ff");
  REQUIRE(rig.fake.sent.size() == 1);
  CHECK(rig.fake.sent[0].text == "hi");
  CHECK(rig.fake.sent[0].priority == "high");
  CHECK(rig.fake.sent[0].delivery == "at-least-once");
  CHECK(rig.fake.sent[0].lifetime_s == 60);
  CHECK(rig.ask(Method::post, "/messages", R"({"to":"x","text":"hi"})").status == 404);
  CHECK(rig.ask(Method::post, "/messages", R"({"to":"12D3"})").status == 400);
  CHECK(rig.ask(Method::post, "/messages",
                R"({"to":"12D3","text":")" + std::string((64 << 10) + 1, 'x') + "\"}")
            .status == 400);

  rig.fake.message_list = {
      .received = {{.number = 7, .id = "aa", .from = "12D3", .payload = to_bytes("hello")},
                   {.number = 6, .id = "bb", .from = "12D3", .topic = "/x", .payload = {0xff}}},
      .sending = {{.id = "cc", .to = "12D4", .stored = true}}};
  const auto list = rig.get("/messages").body;
  CHECK(member(list, "/received/0/text") == "hello");
  CHECK(member(list, "/received/0/number") == "7");
  CHECK(member(list, "/received/1/hex") == "ff");
  CHECK(member(list, "/received/1/topic") == "/x");
  CHECK(member(list, "/sending/0/state") == "stored");
  CHECK(rig.get("/messages?limit=1").body.find("bb") == std::string::npos);
  CHECK(rig.get("/messages?limit=x").status == 400);
  CHECK(rig.ask(Method::del, "/messages/7").status == 204);
  CHECK(rig.ask(Method::del, "/messages/7").status == 404);
  CHECK(rig.ask(Method::del, "/messages/x").status == 400);
  CHECK(member(rig.ask(Method::del, "/messages?from=12D3").body, "/removed") == "1");
  CHECK(member(rig.ask(Method::del, "/messages?from=12D3").body, "/removed") == "0");
  CHECK(rig.ask(Method::del, "/messages").status == 400);
}

TEST_CASE("api: circles are joined, spoken to and left") {
  ApiRig rig;
  const auto made = rig.ask(Method::post, "/circles", R"({"name":"family"})");
  CHECK(made.status == 201);
  CHECK(member(made.body, "/secret") == "new");
  CHECK(member(rig.ask(Method::post, "/circles", R"({"secret":"ab"})").body, "/secret") == "ab");
  CHECK(rig.ask(Method::post, "/circles", R"({"secret":")" + std::string(65, 'a') + "\"}").status ==
        400);
  CHECK(member(rig.get("/circles").body, "/circles/0/name") == "family");
  const auto said =
      rig.ask(Method::post, "/circles/c1/messages", R"({"text":"hi","subtopic":"plans"})");
  CHECK(said.status == 201);
  CHECK(member(said.body, "/id") == "c1/plans/hi");
  CHECK(rig.ask(Method::post, "/circles/c9/messages", R"({"text":"hi"})").status == 404);
  CHECK(rig.ask(Method::post, "/circles/c1/messages", "{}").status == 400);
  CHECK(rig.ask(Method::del, "/circles/c1").status == 204);
  CHECK(rig.ask(Method::del, "/circles/c1").status == 404);
}

TEST_CASE("api: the node and its network") {
  ApiRig rig;
  CHECK(member(rig.get("/status").body, "/listen/0") == "/ip4/127.0.0.1");
  CHECK(member(rig.get("/id").body, "/public_key") == "00ff");
  const auto doctor = rig.get("/doctor");
  CHECK(member(doctor.body, "/ok") == "false");
  CHECK(member(doctor.body, "/checks/1/detail") == "1 is bad");
  CHECK(member(rig.get("/network/peers").body, "/peers/0/rtt_ms") == "1.5");
  CHECK(member(rig.ask(Method::post, "/network/connect", R"({"multiaddr": "/ip4/1.2.3.4"})").body,
               "/peer_id") == "12D3");
  CHECK(rig.ask(Method::post, "/network/connect", R"({"multiaddr": "x"})").status == 400);
  CHECK(rig.ask(Method::post, "/network/disconnect", R"({"peer_id": "12D3"})").status == 200);
  CHECK(rig.ask(Method::post, "/network/disconnect", R"({"peer_id": "x"})").status == 404);
  CHECK(member(rig.get("/network/limits").body, "/limits/0/used") == "3");
  CHECK(member(rig.get("/network/limits").body, "/layers/0/limit") == "256");
  CHECK(member(rig.get("/network/limits").body, "/layers/0/follows_from") ==
        "limits.peer.streams_inbound");
  const auto peers = rig.get("/network/peers").body;
  CHECK(member(peers, "/ended/0/cause") == "lost");
  CHECK(member(peers, "/ended/0/reason") == "lost: it went away");
  CHECK(member(peers, "/ended/0/ended_ms") == "5000");
  const std::string cid = "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq";
  const auto providers = rig.get("/network/content/" + cid + "/providers").body;
  CHECK(member(providers, "/content") == cid);
  CHECK(member(providers, "/providers/0/signed") == "true");
  CHECK(member(providers, "/lookup/end") == "complete");
  CHECK(member(rig.get("/network/content/" + cid + "/providers?enough=1").body, "/lookup/end") ==
        "stopped");
  CHECK(rig.get("/network/content/" + cid + "/providers?enough=x").status == 400);
  CHECK(rig.get("/network/content/nothing/providers").status == 404);
  CHECK(member(rig.ask(Method::post, "/network/content/" + cid + "/providers").body, "/stored") ==
        "15");
  CHECK(member(rig.get("/network/value?key=%2Fpk%2Fx").body, "/text") == "hello");
  CHECK(rig.get("/network/value?key=nobody").status == 404);
  CHECK(member(rig.ask(Method::post, "/network/value", R"({"name": "n", "text": "t"})").body,
               "/stored") == "20");
  CHECK(rig.ask(Method::post, "/network/value", R"({"name": "n"})").status == 400);
  CHECK(member(rig.get("/network/peers/12D3").body, "/addresses/0") == "/ip4/1.2.3.4/tcp/1");
  CHECK(rig.get("/network/peers/nobody").status == 404);
  const auto addresses = rig.get("/network/addresses").body;
  CHECK(member(addresses, "/reachability") == "public");
  CHECK(member(addresses, "/addresses/0/source") == "listen");
  CHECK(member(addresses, "/addresses/0/confidence") == "3");
  const auto reachability = rig.get("/network/reachability").body;
  CHECK(member(reachability, "/relays/0/reserved") == "true");
  CHECK(member(reachability, "/router_error") == "no router");
  CHECK(member(reachability, "/rendezvous/0/found") == "2");
  CHECK(member(rig.ask(Method::post, "/network/ping", R"({"peer": "12D3"})").body, "/rtt_ms") ==
        "2.5");
  const auto perf = [&](std::string body) {
    return rig.ask(Method::post, "/network/perf", R"({"peer": "12D3")" + body + "}");
  };
  CHECK(member(perf(R"(, "upload_bytes": 0, "download_bytes": 5)").body, "/download_bytes") == "5");
  CHECK(member(perf("").body, "/upload_bytes") == "104857600");
  CHECK(perf(R"(, "upload_bytes": -1)").status == 400);
  CHECK(perf(R"(, "upload_bytes": 1.5)").status == 400);
  CHECK(perf(R"(, "upload_bytes": 1e18)").status == 400);
  CHECK(rig.ask(Method::post, "/stop").status == 202);
  CHECK(rig.fake.stopped);
  CHECK(rig.get("/openapi.json").body == openapi_json());
}

TEST_CASE("api: topics") {
  ApiRig rig;
  const auto post = [&rig](const std::string& what, const std::string& rest) {
    return rig.ask(Method::post, "/topics/" + what, R"({"topic": "t")" + rest + "}");
  };
  CHECK(rig.get("/topics/messages?topic=t").status == 404);
  CHECK(post("unsubscribe", "").status == 404);
  CHECK(member(post("subscribe", "").body, "/new") == "true");
  CHECK(member(post("subscribe", "").body, "/new") == "false");
  CHECK(member(rig.get("/topics").body, "/topics/0/mesh_peers") == "2");
  CHECK(member(post("publish", R"(, "text": "hello")").body, "/peers") == "3");
  CHECK(post("publish", R"(, "data": "_w")").status == 200);
  const auto messages = rig.get("/topics/messages?topic=t").body;
  CHECK(member(messages, "/messages/0/text") == "hello");
  CHECK(member(messages, "/messages/0/author") == "12D3");
  CHECK(member(messages, "/messages/1/data") == "_w");
  CHECK(member(messages, "/last") == "2");
  CHECK(member(rig.get("/topics/messages?topic=t&after=1").body, "/messages/0/number") == "2");
  CHECK(post("publish", "").status == 400);
  CHECK(post("publish", R"(, "text": "a", "data": "_w")").status == 400);
  CHECK(post("publish", R"(, "data": "=")").status == 400);
  CHECK(post("publish", R"(, "text": ")" + std::string(k_topic_message_bytes_max + 1, 'x') + "\"")
            .status == 400);
  CHECK(rig.ask(Method::post, "/topics/subscribe", "{}").status == 400);
  CHECK(post("unsubscribe", "").status == 200);
  CHECK(topic_message_event({.number = 1, .topic = "t", .id = "0a", .data = to_bytes("x")}) ==
        R"({"type":"topic:message","number":1,"topic":"t","id":"0a","received":0,"text":"x"})");
}

TEST_CASE("api: exports are downloads that run nothing") {
  ApiRig rig;
  const auto id = rig.fake.add("Caf\xc3\xa9 \"x\"\r\n").to_text();
  const auto file = rig.get("/conversations/" + id + "/export?format=md");
  CHECK(file.headers.get("Content-Disposition") ==
        "attachment; filename*=UTF-8''Caf%C3%A9%20%22x%22%0D%0A.md");
  CHECK(file.headers.get("Content-Security-Policy").starts_with("sandbox;"));
  CHECK(rig.get("/conversations/" + id + "/export").body == "{}");
  CHECK(rig.get("/conversations/" + id + "/export?format=pdf").status == 400);
}

TEST_CASE("api: events are JSON with a type") {
  const auto id = FakeServices::id_of(7);
  CHECK(member(to_event(ConversationEvent::added, id), "/type") == "conversation:added");
  CHECK(member(to_event(ConversationEvent::removed, id), "/id") == id.to_text());
  const JobStatus job{.id = "j1", .bytes = 5};
  CHECK(member(to_event(job), "/type") == "job:progress");
  CHECK(member(to_event(job), "/job") == "j1");
  CHECK(member(to_event(job), "/bytes") == "5");
  CHECK(member(peer_connected_event("12D3", "/ip4/1.2.3.4", "inbound"), "/direction") == "inbound");
  const auto ended = peer_disconnected_event("12D3", "lost", "lost: \"gone\"");
  CHECK(member(ended, "/peer") == "12D3");
  CHECK(member(ended, "/cause") == "lost");
  CHECK(member(ended, "/reason") == "lost: \"gone\"");
  CHECK(member(peer_discovered_event("12D3", "mdns"), "/source") == "mdns");
  CHECK(to_event(SyncEvent{
            .document = id, .peer = "12D3", .state = "opened", .updates = 3, .bytes = 70}) ==
        R"({"type":"sync:progress","document":")" + id.to_text() +
            R"(","peer":"12D3","state":"opened","updates":3,"bytes":70})");
  CHECK(message_event("received", "12D3", "0a") ==
        R"({"type":"message:received","peer":"12D3","id":"0a"})");
  CHECK(member(message_event("received", "12D3", "0a", "/vivim/circles/c"), "/topic") ==
        "/vivim/circles/c");
  CHECK(member(indexing_event(4), "/pending") == "4");
}

}  // namespace vivim::gateway::test
