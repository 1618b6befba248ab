#include "vivim/libp2p/perf/perf.hpp"

#include <doctest/doctest.h>

using namespace vivim;
using namespace vivim::libp2p::perf;
using namespace std::chrono_literals;

namespace {

/// Everything a client writes.
Bytes written(Request request, std::size_t write_bytes) {
  Client client(request, 0s, write_bytes);
  Bytes all;
  for (auto bytes = client.next_write(); !bytes.empty(); bytes = client.next_write()) {
    CHECK(bytes.size() <= write_bytes);
    append(all, bytes);
  }
  return all;
}

}  // namespace

TEST_CASE("perf: the download size comes first, big-endian, then the upload") {
  for (const std::uint64_t upload : {0u, 1u, 7u, 8u, 9u, 16u, 100u, 1000u}) {
    for (const std::size_t write_bytes : {9u, 16u, 64u, 4096u}) {
      Bytes expected{0, 0, 0, 0, 0, 1, 2, 3};
      expected.resize(k_header_bytes + upload);
      CHECK(written({.upload_bytes = upload, .download_bytes = 0x010203}, write_bytes) == expected);
    }
  }
}

TEST_CASE("perf: the responder sends exactly what was asked for, in pieces of any size") {
  const Bytes in = written({.upload_bytes = 50, .download_bytes = 1000}, 64);
  for (std::size_t step = 1; step <= in.size(); ++step) {
    Responder responder({});
    for (std::size_t at = 0; at < in.size(); at += step) {
      REQUIRE(responder.feed(BytesView(in).subspan(at, std::min(step, in.size() - at))));
    }
    CHECK(responder.uploaded_bytes() == 50);
    auto payload = responder.finish(300);
    REQUIRE(payload);
    std::size_t sent = 0;
    for (auto bytes = payload->next(); !bytes.empty(); bytes = payload->next()) {
      sent += bytes.size();
    }
    CHECK(sent == 1000);
  }
}

TEST_CASE("perf: times of both directions") {
  Client client({.upload_bytes = 1000, .download_bytes = 2000}, 10s);
  REQUIRE(client.feed(500, 12s));
  REQUIRE(client.feed(1500, 13s));
  const auto measured = client.finish(14s);
  REQUIRE(measured);
  CHECK(measured->upload == 2s);
  CHECK(measured->download == 2s);
  CHECK(measured->upload_rate() == 4000);
  CHECK(measured->download_rate() == 8000);
  Client only_up({.upload_bytes = 10}, 1s);
  const auto up = only_up.finish(3s);
  REQUIRE(up);
  CHECK(up->upload == 2s);
  CHECK(up->download == 0s);
  CHECK(up->download_rate() == 0);
}

TEST_CASE("perf: errors and limits") {
  Client more({.download_bytes = 5}, 0s);
  CHECK(more.feed(6, 0s).error().is(PerfError::too_much));
  Client less({.download_bytes = 5}, 0s);
  REQUIRE(less.feed(4, 0s));
  CHECK(less.finish(0s).error().is(PerfError::truncated));

  const ServerLimits limits{.upload_bytes_max = 100, .download_bytes_max = 1000};
  Responder asked_too_much(limits);
  const Bytes big = written({.download_bytes = 1001}, 64);
  CHECK(asked_too_much.feed(big).error().is(PerfError::download_too_large));
  Responder sent_too_much(limits);
  const Bytes fits = written({.upload_bytes = 100, .download_bytes = 1000}, 256);
  REQUIRE(sent_too_much.feed(fits));
  CHECK(sent_too_much.feed(Bytes(1)).error().is(PerfError::upload_too_large));
  Responder short_header(limits);
  REQUIRE(short_header.feed(Bytes(7)));
  CHECK(short_header.finish().error().is(PerfError::truncated));
}
