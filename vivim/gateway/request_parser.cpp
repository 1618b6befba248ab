// The one file of this module that includes Beast: its HTTP parser.
#include "vivim/gateway/request_parser.hpp"

#include <boost/beast/http/basic_parser.hpp>

#include "vivim/base/assert.hpp"
#include "vivim/websocket/handshake.hpp"

namespace vivim::gateway {

namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using beast::error_code;
using beast::string_view;

/// "0\r\n\r\n"
constexpr std::size_t k_last_chunk_bytes_min = 5;

std::string to_string(string_view text) {
  return {text.data(), text.size()};
}

GatewayError from_beast(const error_code& ec) {
  if (ec == http::error::header_limit) {
    return GatewayError::header_too_large;
  }
  if (ec == http::error::bad_version) {
    return GatewayError::bad_version;
  }
  if (ec == http::error::bad_chunk || ec == http::error::bad_chunk_extension) {
    return GatewayError::bad_chunk;
  }
  return GatewayError::bad_request;
}

}  // namespace

/// Collects what Beast's parser reports. Errors of ours are kept beside Beast's error code.
class RequestParser::Parser final : public http::basic_parser<true> {
 public:
  explicit Parser(const ServerLimits& limits) : limits_(limits) {
    header_limit(static_cast<std::uint32_t>(limits.header_bytes_max));
    body_limit(boost::none);  // the route's limit is applied where the body is read
  }

  Result<std::size_t> put_once(BytesView in) {
    error_code ec;
    const std::size_t used = put(boost::asio::const_buffer(in.data(), in.size()), ec);
    need_more_ = ec == http::error::need_more;
    if (ec && !need_more_) {
      return fail(own_error_.value_or(from_beast(ec)));
    }
    return used;
  }

  /// The checks that Beast leaves to us, once the header is whole.
  Result<void> check_head() {
    const auto& headers = head.headers;
    if (const auto coding = headers.find("Transfer-Encoding")) {
      if (head.version == HttpVersion::http10 || headers.count("Transfer-Encoding") != 1 ||
          headers.find("Content-Length")) {
        return fail(GatewayError::bad_request);
      }
      if (!iequals(trim(*coding), "chunked")) {
        return fail(GatewayError::unsupported_coding);
      }
    }
    const auto hosts = headers.count("Host");
    if (headers.count("Content-Length") > 1 || hosts > 1 ||
        (hosts == 0 && head.version == HttpVersion::http11) || !head.target.starts_with('/')) {
      return fail(GatewayError::bad_request);
    }
    return {};
  }

  void finish_head() {
    head.after = keep_alive() ? AfterResponse::keep_alive : AfterResponse::close;
    if (const auto length = content_length()) {
      head.body_length = *length;
    }
    const auto key = head.headers.get("Sec-WebSocket-Key");
    if (head.method == Method::get && head.version == HttpVersion::http11 && is_done() &&
        has_token(head.headers.get("Upgrade"), "websocket") &&
        has_token(head.headers.get("Connection"), "upgrade") &&
        head.headers.get("Sec-WebSocket-Version") == "13" && websocket::is_valid_key(key)) {
      head.websocket_key = key;
    }
  }

  bool needs_more() const { return need_more_; }

  RequestHead head;
  Bytes* body_out = nullptr;
  std::size_t head_bytes = 0;
  const ServerLimits& limits() const { return limits_; }

 private:
  void on_request_impl(http::verb, string_view method, string_view target, int version,
                       error_code& ec) override {
    if (target.size() > limits_.target_bytes_max) {
      refuse(GatewayError::target_too_long, ec);
      return;
    }
    head.method = gateway::parse_method({method.data(), method.size()});
    head.target = to_string(target);
    head.version = version == 10 ? HttpVersion::http10 : HttpVersion::http11;
  }

  void on_field_impl(http::field, string_view name, string_view value, error_code& ec) override {
    if (is_header_done()) {
      return;  // trailers are read and ignored
    }
    if (head.headers.size() >= limits_.header_fields_max) {
      refuse(GatewayError::too_many_fields, ec);
      return;
    }
    head.headers.add(to_string(name), to_string(value));
  }

  std::size_t on_body_impl(string_view body, error_code&) override { return take(body); }
  std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code&) override {
    return take(body);
  }

  void on_response_impl(int, string_view, int, error_code&) override {}
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  void on_finish_impl(error_code&) override {}

  std::size_t take(string_view body) {
    append(*body_out, as_bytes({body.data(), body.size()}));
    return body.size();
  }

  void refuse(GatewayError error, error_code& ec) {
    own_error_ = error;
    ec = http::error::bad_field;
  }

  const ServerLimits& limits_;
  std::optional<GatewayError> own_error_;
  bool need_more_ = false;
};

RequestParser::RequestParser(const ServerLimits& limits)
    : parser_(std::make_unique<Parser>(limits)) {}

RequestParser::~RequestParser() = default;

Result<std::size_t> RequestParser::feed_head(BytesView in) {
  VIVIM_ASSERT(!head_done());
  std::size_t used = 0;
  do {
    VIVIM_TRY(const std::size_t n, parser_->put_once(in.subspan(used)));
    used += n;
  } while (!head_done() && !parser_->needs_more());
  parser_->head_bytes += used;
  const std::size_t waiting = head_done() ? 0 : in.size() - used;
  if (parser_->head_bytes + waiting > parser_->limits().header_bytes_max) {
    return fail(GatewayError::header_too_large, parser_->limits().header_bytes_max);
  }
  if (head_done()) {
    VIVIM_TRYV(parser_->check_head());
    parser_->finish_head();
  }
  return used;
}

bool RequestParser::head_done() const {
  return parser_->is_header_done();
}

RequestHead RequestParser::take_head() {
  return std::move(parser_->head);
}

Result<std::size_t> RequestParser::feed_body(BytesView in, Bytes& out) {
  VIVIM_ASSERT(head_done());
  parser_->body_out = &out;
  std::size_t used = 0;
  while (used < in.size() && !parser_->is_done()) {
    // Beast asserts, when it looks again at a last chunk, that all five bytes of the shortest one
    // have come; every unfinished chunk header is followed by at least as many.
    if (parser_->needs_more() && in.size() - used < k_last_chunk_bytes_min) {
      break;
    }
    auto step = parser_->put_once(in.subspan(used));
    if (!step) {
      return fail(GatewayError::bad_chunk);
    }
    used += *step;
    if (parser_->needs_more()) {
      break;
    }
  }
  // What is left is an unfinished chunk header or trailer: those are bounded like a request header.
  if (!parser_->is_done() && in.size() - used > parser_->limits().header_bytes_max) {
    return fail(GatewayError::bad_chunk);
  }
  return used;
}

bool RequestParser::done() const {
  return parser_->is_done();
}

}  // namespace vivim::gateway
