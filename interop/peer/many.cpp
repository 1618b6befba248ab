// Requests that make many streams or connections.

#include <utility>

#include "interop/peer/commands.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::interop {

namespace {

namespace json = boost::json;
using libp2p::Multiaddr;
using libp2p::PeerId;

constexpr int k_open_tries_max = 2000;
constexpr auto k_open_pause = std::chrono::milliseconds(1);
constexpr std::uint64_t k_dials_at_once = 8;

// Several tasks, and the first error among them.
struct Round {
  Round(rt::Loop& loop, std::size_t tasks) : ended(loop), running(tasks) {}

  rt::Event ended;
  std::size_t running;
  std::optional<Error> error;
};

rt::Co<void> count_down(Round& round, rt::Co<Result<void>> work) {
  if (const auto result = co_await std::move(work); !result && !round.error) {
    round.error = result.error();
  }
  if (--round.running == 0) {
    round.ended.set();
  }
}

rt::Co<Result<double>> run_all(rt::Loop& loop, std::vector<rt::Co<Result<void>>> works) {
  rt::TaskGroup tasks(loop);
  Round round(loop, works.size());
  const auto begin = loop.clock().now();
  for (auto& work : works) {
    tasks.spawn("interop", count_down(round, std::move(work)));
  }
  co_await round.ended.wait();
  const std::chrono::duration<double> took = loop.clock().now() - begin;
  co_await tasks.stop();
  if (round.error) {
    co_return std::unexpected(*round.error);
  }
  co_return took.count();
}

rt::Co<Result<void>> bulk_stream(Node& node, PeerId peer, BulkSizes sizes) {
  const std::vector<std::string> protocols{std::string(k_bulk_protocol)};
  VIVIM_CO_TRY(auto opened, co_await node.host().open_stream(
                                peer, protocols, {.allow_limited = true, .assume_spoken = true}));
  co_return co_await run_bulk(node.loop(), *opened.stream, sizes);
}

rt::Co<Result<void>> connect_once(libp2p::Host& host, Multiaddr address) {
  VIVIM_CO_TRY([[maybe_unused]] const auto peer, co_await host.connect(std::move(address)));
  co_return Result<void>{};
}

rt::Co<Result<void>> connect_often(libp2p::Host& host, Multiaddr address, std::uint64_t count) {
  for (; count > 0; --count) {
    VIVIM_CO_TRY(const auto peer, co_await host.connect(address));
    VIVIM_CO_TRYV(co_await host.ping(peer));
    host.disconnect(peer);
  }
  co_return Result<void>{};
}

// A muxer refuses when too many streams wait for the other side: then it waits a little.
rt::Co<Result<std::unique_ptr<rt::Stream>>> open_paced(Node& node, PeerId peer,
                                                       const std::vector<std::string>& protocols) {
  for (auto left = k_open_tries_max;; --left) {
    auto opened = co_await node.host().open_stream(peer, protocols);
    if (opened) {
      co_return std::move(opened->stream);
    }
    if (left == 0) {
      co_return std::unexpected(opened.error());
    }
    co_await rt::sleep_for(node.loop(), k_open_pause);
  }
}

}  // namespace

rt::Co<Result<json::object>> run_bulk_command(Node& node, json::object asked) {
  VIVIM_CO_TRY(const auto peer, peer_of(asked));
  const auto bytes = number_of(asked, "bytes", 0);
  std::vector<rt::Co<Result<void>>> works;
  for (auto left = number_of(asked, "streams", 1); left > 0; --left) {
    works.push_back(bulk_stream(node, peer, {.upload = bytes, .download = bytes}));
  }
  VIVIM_CO_TRY(const auto seconds, co_await run_all(node.loop(), std::move(works)));
  co_return json::object{{"seconds", seconds}};
}

rt::Co<Result<json::object>> run_connect_rate(Node& node, json::object asked) {
  VIVIM_CO_TRY(const auto address, address_of(asked));
  const auto count = number_of(asked, "count", 1);
  std::vector<std::unique_ptr<libp2p::Host>> hosts;
  std::vector<rt::Co<Result<void>>> works;
  for (auto left = number_of(asked, "parallel", 1); left > 0; --left) {
    hosts.push_back(node.make_host());
    works.push_back(connect_often(*hosts.back(), address, count));
  }
  const auto seconds = co_await run_all(node.loop(), std::move(works));
  for (auto& host : hosts) {
    co_await host->stop();
  }
  VIVIM_CO_TRYV(seconds);
  co_return json::object{{"seconds", *seconds}, {"connections", hosts.size() * count}};
}

rt::Co<Result<json::object>> run_dial_many(Node& node, Held& held, json::object asked) {
  VIVIM_CO_TRY(const auto address, address_of(asked));
  for (auto left = number_of(asked, "count", 1); left > 0;) {
    std::vector<rt::Co<Result<void>>> works;
    for (; left > 0 && works.size() < k_dials_at_once; --left) {
      works.push_back(connect_once(*held.hosts.emplace_back(node.make_host()), address));
    }
    VIVIM_CO_TRYV(co_await run_all(node.loop(), std::move(works)));
  }
  co_return json::object{};
}

rt::Co<Result<json::object>> run_open_streams(Node& node, Held& held, json::object asked) {
  VIVIM_CO_TRY(const auto peer, peer_of(asked));
  const std::vector<std::string> protocols{std::string(k_bulk_protocol)};
  for (auto left = number_of(asked, "count", 1); left > 0; --left) {
    VIVIM_CO_TRY(auto stream, co_await open_paced(node, peer, protocols));
    const std::array<std::uint8_t, 1> first{};
    VIVIM_CO_TRYV(co_await stream->write(first));
    held.streams.push_back(std::move(stream));
  }
  co_return json::object{};
}

}  // namespace vivim::interop
