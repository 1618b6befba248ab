#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/gateway/websocket.hpp"

namespace vivim::gateway {

/// Methods that routes know; everything else is `other` and answered with 405 or 501.
enum class Method : std::uint8_t { get, head, post, put, patch, del, options, other };

/// "GET" for Method::get; "" for `other`.
std::string_view method_name(Method method);
/// Case-sensitive, as RFC 9110 section 9.1 says.
Method parse_method(std::string_view name);
/// False for GET, HEAD and OPTIONS.
bool changes_state(Method method);

/// Case-insensitive comparison of ASCII text.
bool iequals(std::string_view a, std::string_view b);
/// True when the comma-separated list `value` has the token, case-insensitively ("keep-alive,
/// Upgrade").
bool has_token(std::string_view value, std::string_view token);
/// Without spaces and tabs at both ends.
std::string_view trim(std::string_view text);

/// Header fields in order; names are compared without case.
class Headers {
 public:
  struct Field {
    std::string name;
    std::string value;
  };

  Headers() = default;
  Headers(std::initializer_list<Field> fields) : fields_(fields) {}

  void add(std::string name, std::string value);
  /// Replaces every field of that name.
  void set(std::string_view name, std::string value);
  void remove(std::string_view name);
  /// The first value of that name, or none.
  std::optional<std::string_view> find(std::string_view name) const;
  /// The first value of that name, or "".
  std::string_view get(std::string_view name) const { return find(name).value_or(""); }
  std::size_t count(std::string_view name) const;
  std::size_t size() const { return fields_.size(); }
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }

 private:
  std::vector<Field> fields_;
};

/// Bytes that come piece by piece: a request's body from the network, or a response's from a
/// handler.
class BodySource {
 public:
  virtual ~BodySource() = default;
  /// The next piece, at most a few hundred KiB; empty at the end. After an error no more calls.
  virtual Co<Result<Bytes>> next() = 0;
};

/// A source of bytes that are in memory, in one piece.
std::unique_ptr<BodySource> in_memory(Bytes bytes);

/// Who made a request, as the transport knows it.
enum class Transport : std::uint8_t { network, in_process };

/// A request whose header is read; its body is still to come unless it is in `body`.
struct Request {
  Method method = Method::get;
  std::string target = "/";  ///< origin form, as received: "/api/v2/search?q=x"
  Headers headers;
  std::string body;                          ///< whole body, when it was read or made in process
  std::unique_ptr<BodySource> body_source;   ///< else where to read it; null when there is none
  std::optional<std::uint64_t> body_length;  ///< announced length of body_source, if any
  Transport transport = Transport::in_process;
  bool wants_websocket =
      false;  ///< a well-formed RFC 6455 upgrade; answer with Response::websocket
};

/// Runs a WebSocket; when it returns, the socket is closed (1000 unless close() was called).
using WebSocketSession = std::move_only_function<Co<void>(WebSocket&)>;

/// An answer. Content-Length, Connection, Date and the security headers are added on the way out.
struct Response {
  /// Owned text, bytes shared with a cache, or a stream (sent chunked unless body_length says how
  /// long it is).
  using Body = std::variant<std::string, std::shared_ptr<const Bytes>, std::unique_ptr<BodySource>>;

  unsigned status = 200;
  Headers headers;
  Body body;
  std::optional<std::uint64_t> body_length;  ///< of a streamed body
  WebSocketSession websocket;                ///< set: switch protocols (status 101) and run it

  /// Bytes of a body in memory; 0 for a stream.
  std::size_t memory_body_size() const;
  /// The body in memory; empty for a stream.
  std::string_view memory_body() const;

  static Response text(unsigned status, std::string type, std::string body);
  static Response no_content();
  static Response redirect(std::string location);
  /// Answers an upgrade request; `session` must not outlive what it refers to.
  static Response upgrade(WebSocketSession session);
};

/// Reads all of a body, wherever it is; GatewayError::body_too_large above `bytes_max`.
Co<Result<std::string>> read_body(Request& request, std::uint64_t bytes_max);
/// The whole body of a response, streamed or not. For callers in process and tests.
Co<Result<std::string>> read_body(Response& response, std::uint64_t bytes_max);

/// "Not Found" for 404; "Unknown" for a number without a registered phrase.
std::string_view reason_phrase(unsigned status);

/// Answers requests. One implementation is the Gateway; tests have their own.
class Handler {
 public:
  virtual ~Handler() = default;
  /// Must not throw on anything that a request holds.
  virtual Co<Response> handle(Request request) = 0;
};

}  // namespace vivim::gateway
