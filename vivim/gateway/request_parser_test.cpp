#include "vivim/gateway/request_parser.hpp"

#include <doctest/doctest.h>

namespace vivim::gateway {

namespace {

struct Parsed {
  std::optional<Error> error;
  std::optional<RequestHead> head;
  std::string body;
  std::size_t left = 0;
  bool done = false;
};

/// Feeds `text` in pieces of `step` bytes, the way a network would.
Parsed parse(std::string_view text, std::size_t step, const ServerLimits& limits) {
  Parsed parsed;
  RequestParser parser(limits);
  Bytes buffer;
  Bytes body;
  while ((!text.empty() || !buffer.empty()) && !parsed.done) {
    const bool was_last = text.empty();
    append(buffer, as_bytes(text.substr(0, step)));
    text.remove_prefix(std::min(step, text.size()));
    auto used = parser.head_done() ? parser.feed_body(buffer, body) : parser.feed_head(buffer);
    if (!used) {
      parsed.error = used.error();
      return parsed;
    }
    buffer.erase(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*used));
    if (parser.head_done() && !parsed.head) {
      parsed.head = parser.take_head();
    }
    parsed.done = parser.done();
    if (was_last && *used == 0) {
      break;
    }
  }
  parsed.body = as_text(body);
  parsed.left = buffer.size() + text.size();
  return parsed;
}

Parsed parse(std::string_view text, std::size_t step = 4096) {
  static const ServerLimits k_limits;
  return parse(text, step, k_limits);
}

bool fails_with(std::string_view text, GatewayError code) {
  const auto parsed = parse(text);
  return parsed.error && parsed.error->is(code);
}

}  // namespace

TEST_CASE("request parser: head, body and what follows, in pieces of every size") {
  constexpr std::string_view k_text =
      "POST /api/v2/join?x=1 HTTP/1.1\r\nHost: localhost:1\r\nX-Empty:\r\n"
      "content-length: 5\r\n\r\nhelloGET / HTTP/1.1\r\n";
  for (std::size_t step = 1; step < k_text.size(); ++step) {
    const auto parsed = parse(k_text, step);
    REQUIRE(parsed.head);
    CHECK(parsed.head->method == Method::post);
    CHECK(parsed.head->target == "/api/v2/join?x=1");
    CHECK(parsed.head->headers.get("HOST") == "localhost:1");
    CHECK(parsed.head->headers.find("x-empty") == "");
    CHECK(parsed.head->body_length == 5u);
    CHECK(parsed.head->after == AfterResponse::keep_alive);
    CHECK(parsed.body == "hello");
    CHECK(parsed.done);
    CHECK(parsed.left == 16);
  }
}

TEST_CASE("request parser: chunked bodies, in pieces of every size, trailers ignored") {
  constexpr std::string_view k_text =
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: t\r\n\r\nNEXT";
  for (std::size_t step = 1; step < k_text.size(); ++step) {
    const auto parsed = parse(k_text, step);
    REQUIRE(parsed.head);
    CHECK_FALSE(parsed.head->body_length);
    CHECK(parsed.body == "hello world");
    CHECK(parsed.done);
    CHECK(parsed.left == 4);
    CHECK_FALSE(parsed.head->headers.find("X-Trailer"));
  }
}

TEST_CASE("request parser: a chunked body without chunks, in pieces of every size, asked twice") {
  constexpr std::string_view k_head =
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string_view last : {"0\r\n\r\n", "00\r\n\r\n"}) {
    for (std::size_t step = 1; step < 8; ++step) {
      const auto parsed = parse(std::string(k_head) + std::string(last), step);
      CHECK_FALSE(parsed.error);
      CHECK(parsed.done);
    }
    // The same unfinished bytes again, as after a wake-up without news.
    static const ServerLimits k_limits;
    RequestParser parser(k_limits);
    REQUIRE(parser.feed_head(as_bytes(k_head)) == k_head.size());
    Bytes body;
    for (std::size_t size = 1; size < last.size(); ++size) {
      for (int again = 0; again < 3; ++again) {
        CHECK(parser.feed_body(as_bytes(last.substr(0, size)), body) == std::size_t{0});
      }
    }
    CHECK(parser.feed_body(as_bytes(last), body) == last.size());
    CHECK(parser.done());
  }
}

TEST_CASE("request parser: connection persistence by version and field") {
  CHECK(parse("GET / HTTP/1.0\r\n\r\n").head->after == AfterResponse::close);
  CHECK(parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").head->after ==
        AfterResponse::keep_alive);
  CHECK(parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").head->after ==
        AfterResponse::close);
}

TEST_CASE("request parser: refusals") {
  CHECK(fails_with("\x16\x03\x01\x02 not http\r\n\r\n", GatewayError::bad_request));
  CHECK(fails_with("GET / HTTP/1.1\r\n\r\n", GatewayError::bad_request));  // no Host
  CHECK(fails_with("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", GatewayError::bad_request));
  CHECK(fails_with("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", GatewayError::bad_request));
  CHECK(fails_with("GET / HTTP/2.0\r\nHost: a\r\n\r\n", GatewayError::bad_version));
  CHECK(fails_with("GET / HTTP/1.1\r\nHost : a\r\n\r\n", GatewayError::bad_request));
  CHECK(fails_with("GET / HTTP/1.1\r\nHost: a\x01\r\n\r\n", GatewayError::bad_request));
}

TEST_CASE("request parser: what smuggles requests is refused") {
  const std::string start = "POST / HTTP/1.1\r\nHost: a\r\n";
  const auto refuses = [&](std::string_view fields, GatewayError code) {
    return fails_with(start + std::string(fields) + "\r\n0\r\n\r\n", code);
  };
  CHECK(refuses("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", GatewayError::bad_request));
  CHECK(refuses("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", GatewayError::bad_request));
  CHECK(refuses("Content-Length: 5\r\nContent-Length: 6\r\n", GatewayError::bad_request));
  CHECK(refuses("Content-Length: 5\r\nContent-Length: 5\r\n", GatewayError::bad_request));
  CHECK(refuses("Content-Length: -5\r\n", GatewayError::bad_request));
  CHECK(refuses("Content-Length: 99999999999999999999999\r\n", GatewayError::bad_request));
  CHECK(refuses("Transfer-Encoding: gzip\r\n", GatewayError::unsupported_coding));
  CHECK(refuses("Transfer-Encoding: gzip, chunked\r\n", GatewayError::unsupported_coding));
  CHECK(refuses("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
                GatewayError::bad_request));
  CHECK(fails_with("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                   GatewayError::bad_request));
}

TEST_CASE("request parser: limits") {
  const ServerLimits limits{
      .header_bytes_max = 1024, .header_fields_max = 4, .target_bytes_max = 100};
  const auto error = [&](const std::string& text, std::size_t step) {
    return parse(text, step, limits).error;
  };
  const std::string long_value = "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(2000, 'x');
  const std::string endless_line = "GET /" + std::string(2000, 'x');
  for (const std::size_t step : {1u, 100u, 4096u}) {
    CHECK(error(long_value + "\r\n\r\n", step)->is(GatewayError::header_too_large));
    CHECK(error(long_value, step)->is(GatewayError::header_too_large));
    CHECK(error(endless_line, step)->is(GatewayError::header_too_large));
  }
  CHECK(error("GET /" + std::string(100, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n", 50)
            ->is(GatewayError::target_too_long));
  std::string fields;
  for (int i = 0; i < 4; ++i) {
    fields += "X: y\r\n";
  }
  CHECK(error("GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n", 50)
            ->is(GatewayError::too_many_fields));
  const std::string chunk_start =
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  CHECK(error(chunk_start + "5;" + std::string(2000, 'x'), 50)->is(GatewayError::bad_chunk));
  CHECK(error(chunk_start + "0\r\nX: " + std::string(2000, 'x'), 50)->is(GatewayError::bad_chunk));
}

TEST_CASE("request parser: malformed chunks") {
  const std::string start = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const char* chunk : {"x\r\n", "-1\r\n", "5\r\nhelloX\r\n0\r\n\r\n", "\r\n\r\n",
                            "fffffffffffffffffffff\r\n", "5 \x01\r\nhello"}) {
    CAPTURE(chunk);
    CHECK(fails_with(start + chunk, GatewayError::bad_chunk));
  }
}

TEST_CASE("request parser: WebSocket upgrades") {
  const std::string start = "GET /sync/x HTTP/1.1\r\nHost: a\r\n";
  const std::string key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  const std::string upgrade = "Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n";
  const std::string version = "Sec-WebSocket-Version: 13\r\n";
  CHECK(parse(start + key + upgrade + version + "\r\n").head->websocket_key ==
        "dGhlIHNhbXBsZSBub25jZQ==");
  CHECK(parse(start + upgrade + version + "\r\n").head->websocket_key.empty());
  CHECK(parse(start + key + upgrade + "\r\n").head->websocket_key.empty());
  CHECK(parse(start + key + version + "\r\n").head->websocket_key.empty());
  CHECK(parse(start + "Sec-WebSocket-Key: short\r\n" + upgrade + version + "\r\n")
            .head->websocket_key.empty());
}

}  // namespace vivim::gateway
