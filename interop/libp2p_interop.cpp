// Proves vivim/libp2p against js-libp2p over loopback TCP: each side dials the other; identify and
// ping both ways; 100 MB over 32 streams, up, down and both at once, with equal hashes.
//
//   libp2p_interop [--markdown]     exit 0 when every check passed; the table goes to standard
//   output

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "interop/bulk.hpp"
#include "interop/js_peer.hpp"
#include "interop/matrix.hpp"
#include "vivim/base/assert.hpp"
#include "vivim/libp2p/host/host.hpp"
#include "vivim/rt/asio/loop.hpp"
#include "vivim/rt/asio/network.hpp"
#include "vivim/rt/asio/rng.hpp"

namespace vivim::interop {

namespace {

namespace json = boost::json;
using libp2p::Host;
using libp2p::Multiaddr;
using libp2p::PeerId;

constexpr std::string_view k_report_protocol = "/vivim/interop/report/1.0.0";
constexpr std::string_view k_agent = "vivim-interop";
constexpr std::size_t k_streams = 32;
constexpr std::uint64_t k_stream_bytes = 3'276'800;  // 104,857,600 on all streams
constexpr std::size_t k_report_bytes_max = 64 * 1024;
constexpr auto k_identify_patience = std::chrono::seconds(10);
constexpr auto k_js_patience = std::chrono::seconds(120);
constexpr auto k_poll_interval = std::chrono::milliseconds(20);

const std::string k_we_dial = "VIVIM dials js-libp2p";
const std::string k_js_dials = "js-libp2p dials VIVIM";

Finding failed(const Error& error) {
  return {.ok = false, .detail = error.message()};
}

Finding milliseconds(rt::Duration time) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f ms", static_cast<double>(time.count()) / 1e6);
  return {.ok = true, .detail = text};
}

Finding rate(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.0f MB/s",
                static_cast<double>(k_streams * k_stream_bytes) / seconds / 1e6);
  return {.ok = true, .detail = text};
}

// What js tells of us (see libp2p-peer.mjs), read to the end of its stream.
rt::Co<Result<json::object>> read_report(rt::Stream& stream) {
  Bytes text(k_report_bytes_max);
  std::size_t size = 0;
  for (;;) {
    VIVIM_CO_TRY(const auto count, co_await stream.read_some(MutableBytes(text).subspan(size)));
    if (count == 0) {
      break;
    }
    size += count;
  }
  boost::system::error_code bad;
  auto value = json::parse(as_text(BytesView(text).first(size)), bad);
  if (bad || !value.is_object()) {
    co_return fail(BulkError::trailing_bytes, size);
  }
  co_return std::move(value).as_object();
}

std::string text_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

double number_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_number() ? value->to_number<double>() : 0;
}

bool lists(const json::object& object, std::string_view key, std::string_view wanted) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_array() &&
         std::ranges::any_of(value->get_array(), [wanted](const json::value& entry) {
           return entry.is_string() && entry.get_string() == wanted;
         });
}

// One host, and what peers that open streams to it brought.
struct Side {
  Side(rt::asio_::Loop& used_loop, Matrix& found, std::string name)
      : loop(used_loop),
        network(loop),
        key(crypto::KeyPair::generate([this](MutableBytes out) { rng.fill(out); })),
        host({.key = key, .agent = std::string(k_agent)}, loop, network, rng),
        matrix(found),
        title(std::move(name)) {}

  void set(const std::string& check, Finding finding) {
    matrix.set(title, check, std::move(finding));
  }

  rt::asio_::Loop& loop;
  rt::asio_::TcpNetwork network;
  rt::asio_::SystemRng rng;
  crypto::KeyPair key;
  Host host;
  Matrix& matrix;
  std::string title;
  std::optional<Result<json::object>> report;
  std::optional<Error> bulk_error;
};

rt::Co<void> on_bulk(Side& side, libp2p::InboundStream inbound) {
  if (const auto result = co_await serve_bulk(side.loop, *inbound.stream); !result) {
    side.bulk_error = result.error();
  }
}

rt::Co<void> on_report(Side& side, libp2p::InboundStream inbound) {
  side.report = co_await read_report(*inbound.stream);
  (void)co_await inbound.stream->close_write();
}

Result<void> serve(Side& side) {
  VIVIM_TRYV(side.host.handle(std::string(k_bulk_protocol), [&side](libp2p::InboundStream inbound) {
    return on_bulk(side, std::move(inbound));
  }));
  return side.host.handle(std::string(k_report_protocol), [&side](libp2p::InboundStream inbound) {
    return on_report(side, std::move(inbound));
  });
}

std::optional<libp2p::PeerInfo> identified_peer(const Host& host) {
  for (const auto& peer : host.peers()) {
    if (!peer.agent.empty()) {
      return peer;
    }
  }
  return std::nullopt;
}

void check_identify(Side& side, const std::optional<libp2p::PeerInfo>& peer) {
  const bool ok = peer &&
                  std::ranges::find(peer->protocols, k_bulk_protocol) != peer->protocols.end() &&
                  !peer->listen_addresses.empty();
  side.set("identify of js-libp2p, by VIVIM",
           {.ok = ok, .detail = peer ? peer->agent : "nothing came"});
}

// The peer's view of us: who we are by our key, what we speak, where we listen, and its ping.
void check_report(Side& side, const json::object& report) {
  const bool ok =
      text_of(report, "peer") == side.host.peer_id().to_string() &&
      text_of(report, "agent") == k_agent && lists(report, "protocols", k_bulk_protocol) &&
      lists(report, "protocols", "/ipfs/ping/1.0.0") && report.contains("keyMatches") &&
      report.at("keyMatches").is_bool() && report.at("keyMatches").get_bool() &&
      report.contains("listenAddrs") && report.at("listenAddrs").is_array() &&
      !report.at("listenAddrs").get_array().empty() && !text_of(report, "observedAddr").empty();
  side.set("identify of VIVIM, by js-libp2p",
           {.ok = ok, .detail = ok ? text_of(report, "agent") : json::serialize(report)});
  side.set("security and muxer",
           {.ok = true, .detail = text_of(report, "security") + " " + text_of(report, "muxer")});
  const auto ping_ms = number_of(report, "pingMs");
  side.set("ping of VIVIM, by js-libp2p",
           milliseconds(std::chrono::microseconds(static_cast<std::int64_t>(ping_ms * 1000))));
}

rt::Co<void> check_ping(Side& side, PeerId peer) {
  const auto rtt = co_await side.host.ping(peer);
  side.set("ping of js-libp2p, by VIVIM", rtt ? milliseconds(*rtt) : failed(rtt.error()));
}

rt::Co<Result<void>> bulk_stream(Side& side, PeerId peer, BulkSizes sizes) {
  const std::vector<std::string> protocols{std::string(k_bulk_protocol)};
  VIVIM_CO_TRY(auto opened, co_await side.host.open_stream(peer, protocols));
  co_return co_await run_bulk(side.loop, *opened.stream, sizes);
}

// Many streams at once, and the first error among them.
struct Round {
  explicit Round(rt::Loop& loop) : ended(loop) {}

  rt::Event ended;
  std::size_t running = k_streams;
  std::optional<Error> error;
};

rt::Co<void> round_stream(Side& side, PeerId peer, BulkSizes sizes, Round& round) {
  if (const auto result = co_await bulk_stream(side, peer, sizes); !result && !round.error) {
    round.error = result.error();
  }
  if (--round.running == 0) {
    round.ended.set();
  }
}

rt::Co<void> check_bulk(Side& side, PeerId peer, std::string check, BulkSizes sizes) {
  rt::TaskGroup tasks(side.loop);
  Round round(side.loop);
  const auto start = side.loop.clock().now();
  for (std::size_t i = 0; i < k_streams; ++i) {
    tasks.spawn("bulk stream", round_stream(side, peer, sizes, round));
  }
  co_await round.ended.wait();
  co_await tasks.stop();
  const rt::Duration time = side.loop.clock().now() - start;
  side.set(check,
           round.error ? failed(*round.error) : rate(static_cast<double>(time.count()) / 1e9));
}

constexpr const char* k_check_from_us = "100 MB, VIVIM to js-libp2p";
constexpr const char* k_check_from_js = "100 MB, js-libp2p to VIVIM";
constexpr const char* k_check_both = "100 MB each way at once";

rt::Co<Result<void>> ask_report(Side& side, PeerId peer) {
  const std::vector<std::string> protocols{std::string(k_report_protocol)};
  VIVIM_CO_TRY(auto opened, co_await side.host.open_stream(peer, protocols));
  VIVIM_CO_TRYV(co_await opened.stream->close_write());
  side.report = co_await read_report(*opened.stream);
  if (*side.report) {
    check_report(side, **side.report);
  }
  co_return Result<void>{};
}

rt::Co<void> we_dial(Side& side, Multiaddr address) {
  const auto start = side.loop.clock().now();
  const auto peer = co_await side.host.connect(address);
  side.set("connect, Noise and yamux agreed",
           peer ? milliseconds(side.loop.clock().now() - start) : failed(peer.error()));
  if (!peer) {
    co_return;
  }
  for (rt::Duration waited{}; !identified_peer(side.host) && waited < k_identify_patience;
       waited += k_poll_interval) {
    co_await rt::sleep_for(side.loop, k_poll_interval);
  }
  check_identify(side, identified_peer(side.host));
  if (const auto asked = co_await ask_report(side, *peer); !asked) {
    side.set("identify of VIVIM, by js-libp2p", failed(asked.error()));
  }
  co_await check_ping(side, *peer);
  co_await check_bulk(side, *peer, k_check_from_us, {.upload = k_stream_bytes});
  co_await check_bulk(side, *peer, k_check_from_js, {.download = k_stream_bytes});
  co_await check_bulk(side, *peer, k_check_both,
                      {.upload = k_stream_bytes, .download = k_stream_bytes});
}

// js runs its own checks and ends by reporting; meanwhile we look at it.
rt::Co<void> js_dials(Side& side, JsPeer& js) {
  std::optional<libp2p::PeerInfo> peer;
  for (rt::Duration waited{}; !side.report && !js.exit_code() && waited < k_js_patience;
       waited += k_poll_interval) {
    co_await rt::sleep_for(side.loop, k_poll_interval);
    if (!peer && (peer = identified_peer(side.host))) {
      side.set("connect, Noise and yamux agreed", {.ok = true, .detail = ""});
      check_identify(side, peer);
      co_await check_ping(side, peer->id);
    }
  }
  if (!side.report || !*side.report) {
    side.set("identify of VIVIM, by js-libp2p",
             {.ok = false, .detail = "js-libp2p did not come to its end"});
    co_return;
  }
  const auto& report = **side.report;
  check_report(side, report);
  const auto bulk = [&](const char* key) {
    return side.bulk_error ? failed(*side.bulk_error) : rate(number_of(report, key));
  };
  side.set(k_check_from_us, bulk("downloadSeconds"));
  side.set(k_check_from_js, bulk("uploadSeconds"));
  side.set(k_check_both, bulk("bothSeconds"));
}

rt::Co<void> stop(Side& side) {
  co_await side.host.stop();
}

Outcome<json::object> run_we_dial(rt::asio_::Loop& loop, Matrix& matrix) {
  auto js = JsPeer::start({"listen"});
  if (!js) {
    return std::unexpected(js.error());
  }
  const auto line = (*js)->read_line(std::chrono::seconds(30));
  boost::system::error_code bad;
  const auto started = json::parse(line.value_or(""), bad);
  if (bad || !started.is_object()) {
    return std::unexpected(Problem{.kind = ProblemKind::unavailable,
                                   .code = "interop_peer_failed",
                                   .message = "js-libp2p did not start; see what it wrote above.",
                                   .hint = ""});
  }
  const auto address = Multiaddr::parse(text_of(started.get_object(), "address"));
  if (!address) {
    return std::unexpected(Problem::from(address.error(), "Could not read js-libp2p's address"));
  }
  Side side(loop, matrix, k_we_dial);
  VIVIM_ASSERT(serve(side));
  VIVIM_ASSERT(side.host.listen(*Multiaddr::from_tcp("127.0.0.1", 0)));
  loop.run(we_dial(side, *address));
  loop.run(stop(side));
  return side.report && *side.report ? **side.report : json::object{};
}

Outcome<void> run_js_dials(rt::asio_::Loop& loop, Matrix& matrix) {
  Side side(loop, matrix, k_js_dials);
  VIVIM_ASSERT(serve(side));
  VIVIM_ASSERT(side.host.listen(*Multiaddr::from_tcp("127.0.0.1", 0)));
  auto js = JsPeer::start({"dial", side.host.listen_addresses().front().to_string(),
                           std::to_string(k_streams), std::to_string(k_stream_bytes)});
  if (!js) {
    loop.run(stop(side));
    return std::unexpected(js.error());
  }
  loop.run(js_dials(side, **js));
  loop.run(stop(side));
  return {};
}

void print_markdown(const Matrix& matrix, const json::object& report) {
  std::printf(
      "# Interoperability\n\n"
      "Written by `build/bin/libp2p_interop --markdown`, which CTest runs as `ctest -L interop`. "
      "Loopback TCP, both\n"
      "peers on one machine, %zu streams at once; SHA-256 compared at both ends. Rates count one "
      "direction.\n\n",
      k_streams);
  std::printf("%s\nThe foreign side, from `interop/js/package.json`:\n\n",
              matrix.to_markdown().c_str());
  if (const auto* packages = report.if_contains("packages");
      packages != nullptr && packages->is_object()) {
    for (const auto& [name, version] : packages->get_object()) {
      if (name.find("libp2p") != std::string_view::npos) {
        std::printf("- %s %s\n", std::string(name).c_str(), version.as_string().c_str());
      }
    }
  }
}

int run(bool markdown) {
  rt::asio_::Loop loop;
  Matrix matrix({k_we_dial, k_js_dials});
  const auto report = run_we_dial(loop, matrix);
  const auto other =
      report ? run_js_dials(loop, matrix) : Outcome<void>(std::unexpected(report.error()));
  if (!other) {
    std::fprintf(stderr, "libp2p_interop: %s %s\n", other.error().message.c_str(),
                 other.error().hint.c_str());
    return 1;
  }
  if (markdown) {
    print_markdown(matrix, *report);
  } else {
    std::printf("%s", matrix.to_text().c_str());
  }
  return matrix.ok() ? 0 : 1;
}

}  // namespace

}  // namespace vivim::interop

int main(int argc, char** argv) {
  const bool markdown = argc == 2 && std::strcmp(argv[1], "--markdown") == 0;
  if (argc > 1 && !markdown) {
    std::fprintf(stderr, "usage: libp2p_interop [--markdown]\n");
    return 2;
  }
  return vivim::interop::run(markdown);
}
