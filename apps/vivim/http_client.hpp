#pragma once

#include <optional>
#include <string>

#include "apps/vivim/api.hpp"

namespace vivim::cli {

/// "http://127.0.0.1:8470/" in pieces: a numeric address and a port.
struct HttpAddress {
  std::string host;
  std::uint16_t port = 0;

  static std::optional<HttpAddress> parse(std::string_view url);
  std::string to_string() const;
};

/// The API of a running node, over HTTP/1.1 on this machine: one connection per request, blocking.
class RemoteApi final : public Api {
 public:
  RemoteApi(HttpAddress address, std::string token)
      : address_(std::move(address)), token_(std::move(token)) {}

  Outcome<ApiResponse> call(const ApiRequest& request) override;
  void wait(std::chrono::milliseconds time) override;

 private:
  HttpAddress address_;
  std::string token_;
};

/// Cuts an HTTP/1.1 response out of the bytes as they come.
class ResponseReader {
 public:
  enum class State : unsigned char { more, done, broken };

  /// Adds bytes; `done` when the response is whole.
  State feed(std::string_view bytes);
  /// The connection ended.
  State finish();
  ApiResponse& response() { return response_; }

 private:
  State advance();
  State read_head();
  bool read_field(std::string_view line);
  State read_sized();
  State read_chunks();

  enum class Body : unsigned char { head, sized, chunked, until_end };

  std::string buffer_;
  ApiResponse response_;
  Body body_ = Body::head;
  std::size_t length_ = 0;
  bool has_length_ = false;
  bool is_chunked_ = false;
};

}  // namespace vivim::cli
