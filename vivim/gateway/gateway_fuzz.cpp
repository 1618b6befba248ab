// A request made from the input meets the whole gateway over services in memory: guard, router,
// JSON bodies, handlers, and the resolution of static paths. The first bytes choose the method and
// whether the session is shown; then lines.
#include <cstdint>
#include <cstdlib>

#include "vivim/gateway/api.hpp"
#include "vivim/gateway/fake_services_test_detail.hpp"
#include "vivim/gateway/gateway.hpp"
#include "vivim/rt/sim/world.hpp"

namespace vivim::gateway {

namespace {

const std::string k_token(64, 'a');

struct Rig {
  Rig() {
    const auto id = fake.add("title");
    (void)fake.conversations[id].turns.emplace_back();
    write("index.html");
    write("assets/a.js");
    gateway.allow_port(1);
  }
  ~Rig() { world.run(tasks.stop()); }

  void write(std::string_view path) {
    auto file = node.disk().open(path, rt::OpenMode::create);
    (void)(*file)->write_at(0, as_bytes("content"));
  }

  rt::sim::World world{1};
  rt::sim::Node& node = world.add_node("node");
  std::unique_ptr<rt::Worker> worker = node.make_worker();
  rt::TaskGroup tasks{node.loop()};
  test::FakeServices fake;
  EventHub events;
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
           .events = events},
          tasks};
  StaticFiles files{node.disk(), *worker};
  Gateway gateway{{.token = k_token, .names = {}}, router, &files};
};

std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  const auto line = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  return line;
}

Request make_request(std::uint8_t flags, std::string_view text) {
  Request request;
  request.method = static_cast<Method>(flags & 7);
  request.wants_websocket = (flags & 0x10) != 0;
  request.target = take_line(text);
  if ((flags & 0x20) == 0) {
    request.headers.add("Host", "127.0.0.1:1");
    request.headers.add("Authorization", "Bearer " + k_token);
    request.headers.add("Content-Type", "application/json");
  }
  for (auto line = take_line(text); !line.empty(); line = take_line(text)) {
    const auto colon = line.find(':');
    request.headers.add(
        std::string(line.substr(0, colon)),
        colon == std::string_view::npos ? "" : std::string(trim(line.substr(colon + 1))));
  }
  request.body = text;
  return request;
}

}  // namespace

}  // namespace vivim::gateway

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vivim;
  using namespace vivim::gateway;
  if (size == 0 || size > 100'000) {
    return 0;
  }
  Rig rig;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  auto response = rig.world.run(rig.gateway.handle(make_request(data[0], text)));
  const auto body = rig.world.run(read_body(response, 1 << 24));
  const bool known = reason_phrase(response.status) != "Unknown";
  if (!known || !body || response.status == 500) {
    std::abort();
  }
  return 0;
}
