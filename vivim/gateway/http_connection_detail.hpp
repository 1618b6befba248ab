#pragma once

#include <memory>
#include <optional>

#include "vivim/gateway/http.hpp"
#include "vivim/gateway/limits.hpp"
#include "vivim/gateway/request_parser.hpp"
#include "vivim/gateway/response_head_detail.hpp"
#include "vivim/gateway/watchdog_detail.hpp"
#include "vivim/gateway/websocket_session_detail.hpp"
#include "vivim/rt/network.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::gateway {

/// What all connections of a server count together.
struct ServerCounters {
  std::uint64_t requests = 0;
  std::uint64_t timeouts = 0;
  std::uint64_t malformed = 0;
};

/// One HTTP/1.1 connection: requests one after the other, the next one's bytes waiting in the
/// buffer.
class HttpConnection {
 public:
  struct Context {
    rt::Loop& loop;
    const ServerLimits& limits;
    Handler& handler;
    ServerCounters& counters;
  };

  HttpConnection(Context context, rt::Connection connection);

  /// Until the connection ends, by either side.
  Co<void> run();
  /// No more requests: an idle connection ends at once, a busy one after its response, a WebSocket
  /// with 1001.
  void shut_down();
  /// Ends it now.
  void kill();

 private:
  class Body;
  enum class State : std::uint8_t { idle, busy, websocket };

  Co<void> serve_requests();
  Co<Result<void>> read_head();
  Co<Result<void>> fill();
  Co<Result<Bytes>> next_body_piece();
  Co<bool> answer_head_error(Error error);
  Co<Response> call_handler(Request request);
  Request make_request(RequestHead head);
  Co<Result<void>> send_response(Response response);
  Co<Result<void>> send_body(Response& response, Framing framing);
  Co<Result<void>> send_stream(BodySource& source, Framing framing);
  Co<Result<void>> write(BytesView bytes);
  Co<bool> drain_request();
  Co<void> run_websocket(WebSocketSession session);
  Co<Result<void>> send_upgrade(const Response& response);
  Co<void> linger();

  rt::Loop& loop_;
  const ServerLimits& limits_;
  Handler& handler_;
  ServerCounters& counters_;
  std::unique_ptr<rt::Stream> stream_;
  rt::TaskGroup tasks_;
  Watchdog watchdog_;
  std::unique_ptr<RequestParser> parser_;
  Bytes buffer_;  ///< received and not yet parsed
  std::unique_ptr<StreamWebSocket> websocket_;
  std::string websocket_key_;
  rt::TimePoint body_began_{};
  std::uint64_t body_bytes_ = 0;
  HttpVersion version_ = HttpVersion::http11;
  AfterResponse after_ = AfterResponse::keep_alive;
  State state_ = State::idle;
  bool head_only_ = false;
  bool expects_continue_ = false;
  bool shutting_down_ = false;
};

}  // namespace vivim::gateway
