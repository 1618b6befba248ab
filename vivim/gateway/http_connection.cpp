#include <charconv>

#include "vivim/base/log.hpp"
#include "vivim/gateway/error.hpp"
#include "vivim/gateway/http_connection_detail.hpp"
#include "vivim/gateway/problem_response.hpp"
#include "vivim/gateway/response_head_detail.hpp"
#include "vivim/rt/error.hpp"
#include "vivim/websocket/handshake.hpp"

namespace vivim::gateway {

namespace {

constexpr std::size_t k_read_bytes = 64 * 1024;
constexpr std::size_t k_write_bytes = 64 * 1024;
/// A body may take body_timeout, and a second more for each of these.
constexpr std::uint64_t k_body_bytes_per_second_min = 4 * 1024;

}  // namespace

/// The body of the request being served, as its handler reads it.
class HttpConnection::Body final : public BodySource {
 public:
  explicit Body(HttpConnection& connection) : connection_(connection) {}
  Co<Result<Bytes>> next() override { return connection_.next_body_piece(); }

 private:
  HttpConnection& connection_;
};

HttpConnection::HttpConnection(Context context, rt::Connection connection)
    : loop_(context.loop),
      limits_(context.limits),
      handler_(context.handler),
      counters_(context.counters),
      stream_(std::move(connection.stream)),
      tasks_(context.loop),
      watchdog_(context.loop, *stream_) {}

Co<void> HttpConnection::run() {
  tasks_.spawn("http watchdog", watchdog_.run());
  co_await serve_requests();
  if (watchdog_.expired()) {
    ++counters_.timeouts;
  }
  watchdog_.stop();
  stream_->reset();
  co_await tasks_.stop();
}

void HttpConnection::shut_down() {
  shutting_down_ = true;
  if (state_ == State::idle) {
    stream_->reset();
  } else if (websocket_) {
    websocket_->close(CloseCode::going_away, "the node stops");
  }
}

void HttpConnection::kill() {
  if (websocket_) {
    websocket_->kill();
  }
  stream_->reset();
}

Co<void> HttpConnection::serve_requests() {
  while (!shutting_down_) {
    state_ = State::idle;
    parser_ = std::make_unique<RequestParser>(limits_);
    if (const auto head = co_await read_head(); !head) {
      if (co_await answer_head_error(head.error())) {
        co_await linger();
      }
      co_return;
    }
    state_ = State::busy;
    ++counters_.requests;
    Response response = co_await call_handler(make_request(parser_->take_head()));
    if (response.websocket && !websocket_key_.empty()) {
      if (co_await send_upgrade(response)) {
        co_await run_websocket(std::move(response.websocket));
      }
      co_return;
    }
    if (shutting_down_) {
      after_ = AfterResponse::close;
    }
    if (!co_await send_response(std::move(response))) {
      co_return;
    }
    if (after_ == AfterResponse::close || !co_await drain_request()) {
      co_await linger();
      co_return;
    }
  }
}

Co<Result<void>> HttpConnection::fill() {
  const std::size_t had = buffer_.size();
  buffer_.resize(had + k_read_bytes);
  const auto n = co_await stream_->read_some(MutableBytes(buffer_).subspan(had));
  buffer_.resize(had + n.value_or(0));
  if (!n) {
    co_return fail(n.error());
  }
  co_return *n == 0 ? fail(rt::RtError::end_of_stream) : Result<void>{};
}

Co<Result<void>> HttpConnection::read_head() {
  watchdog_.arm(buffer_.empty() ? limits_.idle_timeout : limits_.header_timeout);
  bool header_began = !buffer_.empty();
  for (;;) {
    // RFC 9112 section 2.2: empty lines before a request line are skipped.
    while (buffer_.size() >= 2 && buffer_[0] == '\r' && buffer_[1] == '\n') {
      buffer_.erase(buffer_.begin(), buffer_.begin() + 2);
    }
    if (!buffer_.empty()) {
      VIVIM_CO_TRY(const std::size_t used, parser_->feed_head(buffer_));
      buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(used));
      if (parser_->head_done()) {
        watchdog_.disarm();
        co_return Result<void>{};
      }
    }
    VIVIM_CO_TRYV(co_await fill());
    if (!header_began) {
      header_began = true;
      state_ = State::busy;
      watchdog_.arm(limits_.header_timeout);
    }
  }
}

Co<bool> HttpConnection::answer_head_error(Error error) {
  if (error.domain().name != error_domain(GatewayError{}).name) {
    co_return false;  // the connection ended: nobody to tell
  }
  ++counters_.malformed;
  after_ = AfterResponse::close;
  head_only_ = false;
  co_return (co_await send_response(problem_response(error))).has_value();
}

Request HttpConnection::make_request(RequestHead head) {
  version_ = head.version;
  after_ = head.after;
  head_only_ = head.method == Method::head;
  expects_continue_ =
      version_ == HttpVersion::http11 && iequals(trim(head.headers.get("Expect")), "100-continue");
  websocket_key_ = head.websocket_key;
  body_began_ = loop_.clock().now();
  body_bytes_ = 0;

  Request request;
  request.method = head.method;
  request.target = std::move(head.target);
  request.headers = std::move(head.headers);
  request.transport = Transport::network;
  request.wants_websocket = !head.websocket_key.empty();
  if (!parser_->done()) {
    request.body_length = head.body_length;
    request.body_source = std::make_unique<Body>(*this);
  }
  return request;
}

Co<Response> HttpConnection::call_handler(Request request) {
  try {
    co_return co_await handler_.handle(std::move(request));
  } catch (const std::exception& exception) {
    log::write(log::Level::error, "gateway", "a handler threw",
               {{"what", std::string_view(exception.what())}});
  }
  co_return problem_response(Problem{.kind = ProblemKind::internal,
                                     .code = "internal",
                                     .message = "The node could not answer this request.",
                                     .hint = "See the node's log."});
}

Co<Result<Bytes>> HttpConnection::next_body_piece() {
  if (std::exchange(expects_continue_, false)) {
    VIVIM_CO_TRYV(co_await write(as_bytes("HTTP/1.1 100 Continue\r\n\r\n")));
  }
  Bytes piece;
  while (piece.empty() && !parser_->done()) {
    if (!buffer_.empty()) {
      VIVIM_CO_TRY(const std::size_t used, parser_->feed_body(buffer_, piece));
      buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(used));
      if (used > 0) {
        continue;
      }
    }
    watchdog_.arm_at(body_began_ + limits_.body_timeout +
                     std::chrono::seconds(body_bytes_ / k_body_bytes_per_second_min));
    const auto filled = co_await fill();
    watchdog_.disarm();
    if (!filled) {
      co_return fail(GatewayError::body_truncated);
    }
  }
  body_bytes_ += piece.size();
  co_return std::move(piece);
}

Co<bool> HttpConnection::drain_request() {
  if (expects_continue_ && !parser_->done()) {
    co_return false;  // the client still waits for our word: it must not send what nobody reads
  }
  std::uint64_t drained = 0;
  while (!parser_->done()) {
    const auto piece = co_await next_body_piece();
    if (!piece) {
      co_return false;
    }
    drained += piece->size();
    if (drained > limits_.body_drain_bytes_max) {
      co_return false;
    }
  }
  co_return true;
}

Co<Result<void>> HttpConnection::write(BytesView bytes) {
  do {
    const auto part = bytes.first(std::min(bytes.size(), k_write_bytes));
    bytes = bytes.subspan(part.size());
    watchdog_.arm(limits_.write_timeout);
    const auto written = co_await stream_->write(part);
    watchdog_.disarm();
    if (!written) {
      co_return written;
    }
  } while (!bytes.empty());
  co_return Result<void>{};
}

Co<Result<void>> HttpConnection::send_response(Response response) {
  const Framing framing = choose_framing(response, version_);
  if (framing == Framing::close) {
    after_ = AfterResponse::close;
  }
  std::string head = encode_response_head(
      response, {.version = version_, .after = after_, .now_ms = loop_.clock().wall_now_ms()});
  const bool sends_body = !head_only_ && framing != Framing::none;
  const auto body = response.memory_body();
  if (sends_body && body.size() <= k_write_bytes) {
    head += body;  // one segment for small answers
    VIVIM_CO_TRYV(co_await write(as_bytes(head)));
    if (!std::holds_alternative<std::unique_ptr<BodySource>>(response.body)) {
      co_return Result<void>{};
    }
  } else {
    VIVIM_CO_TRYV(co_await write(as_bytes(head)));
  }
  if (!sends_body) {
    co_return Result<void>{};
  }
  co_return co_await send_body(response, framing);
}

Co<Result<void>> HttpConnection::send_body(Response& response, Framing framing) {
  if (auto* source = std::get_if<std::unique_ptr<BodySource>>(&response.body)) {
    co_return *source ? co_await send_stream(**source, framing) : Result<void>{};
  }
  co_return co_await write(as_bytes(response.memory_body()));
}

Co<Result<void>> HttpConnection::send_stream(BodySource& source, Framing framing) {
  for (;;) {
    // An error here can only be told by ending the connection before the announced end.
    VIVIM_CO_TRY(const Bytes piece, co_await source.next());
    if (framing != Framing::chunked) {
      if (piece.empty()) {
        co_return Result<void>{};
      }
      VIVIM_CO_TRYV(co_await write(piece));
      continue;
    }
    std::array<char, 18> size{};
    const auto end = std::to_chars(size.data(), size.data() + 16, piece.size(), 16).ptr;
    Bytes chunk = to_bytes(std::string_view(size.data(), end));
    append(chunk, as_bytes("\r\n"));
    append(chunk, piece);
    append(chunk, as_bytes("\r\n"));
    VIVIM_CO_TRYV(co_await write(chunk));
    if (piece.empty()) {
      co_return Result<void>{};
    }
  }
}

Co<Result<void>> HttpConnection::send_upgrade(const Response& response) {
  Response upgrade;
  upgrade.status = 101;
  upgrade.headers = response.headers;
  upgrade.headers.set("Upgrade", "websocket");
  upgrade.headers.set("Sec-WebSocket-Accept", websocket::accept_of(websocket_key_));
  const auto head = encode_response_head(upgrade, {.version = version_,
                                                   .after = AfterResponse::keep_alive,
                                                   .now_ms = loop_.clock().wall_now_ms()});
  co_return co_await write(as_bytes(head));
}

Co<void> HttpConnection::run_websocket(WebSocketSession session) {
  watchdog_.disarm();
  websocket_ = std::make_unique<StreamWebSocket>(loop_, *stream_, limits_);
  websocket_->feed_early(std::exchange(buffer_, {}));
  state_ = State::websocket;
  if (shutting_down_) {
    websocket_->close(CloseCode::going_away, "the node stops");
  }
  co_await websocket_->run(std::move(session));
  websocket_.reset();
}

Co<void> HttpConnection::linger() {
  // RFC 9112 section 9.6: close the writing side, then read until the client has closed too; else
  // what it has not read yet of the last response may be lost to a reset.
  watchdog_.arm(limits_.linger_timeout);
  if (!co_await stream_->close_write()) {
    co_return;
  }
  buffer_.resize(k_read_bytes);
  for (;;) {
    const auto n = co_await stream_->read_some(buffer_);
    if (!n || *n == 0) {
      break;
    }
  }
  watchdog_.disarm();
}

}  // namespace vivim::gateway
