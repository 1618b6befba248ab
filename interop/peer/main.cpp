// VIVIM's side of the interop tests and benchmarks: one JSON object a line on standard input asks,
// one on standard output answers (interop/README.md). It ends when its standard input does.
//
// With IS_DIALER in its environment it speaks the contract of the libp2p project's own interop
// harness instead.
//
//   vivim_interop_peer [--describe] [--transport T] [--security S] [--muxer M] [--relay-serve] ...

#include <cstdio>
#include <iostream>
#include <string>

#include <boost/json.hpp>
#include <sys/resource.h>

#include "interop/peer/commands.hpp"
#include "interop/peer/harness.hpp"
#include "vivim/rt/asio/worker.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::interop {

namespace {

namespace json = boost::json;

void print(const json::object& line) {
  std::printf("%s\n", json::serialize(line).c_str());
  std::fflush(stdout);
}

json::object failed(const std::string& error) {
  return {{"ok", false}, {"error", error}};
}

rt::Co<void> answer(Node& node, Held& held, json::object asked) {
  const json::value id = asked.contains("id") ? asked["id"] : json::value();
  auto told = co_await run_command(node, held, std::move(asked));
  json::object line = told ? std::move(*told) : failed(told.error().message());
  if (told) {
    line["ok"] = true;
  }
  line["id"] = id;
  print(line);
}

rt::Co<void> serve(Node& node, rt::TaskGroup& requests, Held& held) {
  rt::asio_::ThreadWorker input(node.loop(), "input");
  for (;;) {
    std::string line;
    if (!co_await input.run([&line] { return bool(std::getline(std::cin, line)); })) {
      co_return;
    }
    boost::system::error_code bad;
    auto asked = json::parse(line, bad);
    if (bad || !asked.is_object()) {
      print(failed("not a JSON object"));
      continue;
    }
    requests.spawn("request", answer(node, held, std::move(asked).as_object()));
  }
}

rt::Co<void> run(Node& node) {
  rt::TaskGroup requests(node.loop());
  Held held;
  co_await serve(node, requests, held);
  held.streams.clear();
  co_await node.stop();
  co_await held.stop();
  co_await requests.stop();
}

/// As many descriptors as the system gives us: thousands of connections are measured.
void raise_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

int run_peer(const Choice& choice) {
  raise_descriptors();
  rt::asio_::Loop loop;
  Node node(choice, loop);
  auto ready = describe();
  ready["event"] = "ready";
  ready["peer"] = node.host().peer_id().to_string();
  print(ready);
  loop.run(run(node));
  return 0;
}

int main_of(const std::vector<std::string_view>& arguments) {
  if (const auto harness = HarnessRun::from_environment()) {
    if (!*harness) {
      std::fprintf(stderr, "%s\n", harness->error().message.c_str());
      return 2;
    }
    return run_harness(**harness);
  }
  const auto choice = Choice::parse(arguments);
  if (!choice) {
    std::fprintf(stderr, "%s %s\n", choice.error().message.c_str(), choice.error().hint.c_str());
    return 2;
  }
  if (choice->describe) {
    print(describe());
    return 0;
  }
  return run_peer(*choice);
}

}  // namespace

}  // namespace vivim::interop

int main(int count, char** values) {
  return vivim::interop::main_of({values + 1, values + count});
}
