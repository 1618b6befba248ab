#include "apps/vivim/http_client.hpp"

#include <charconv>
#include <cstring>

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace vivim::cli {

namespace {

constexpr std::size_t k_read_bytes = std::size_t{64} << 10;

/// A connected socket; closes itself.
class Socket {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (descriptor_ >= 0) {
      ::close(descriptor_);
    }
  }
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

Problem no_answer(const HttpAddress& address, const std::string& why) {
  return {.kind = ProblemKind::unavailable,
          .code = "node_unreachable",
          .message = "The node at " + address.to_string() + " does not answer: " + why + ".",
          .hint = "It may be starting or stopping: try again. Or see what it logs: vivim run"};
}

std::string last_error() {
  return std::error_code(errno, std::generic_category()).message();
}

int connect_to(const HttpAddress& address) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const auto port = std::to_string(address.port);
  if (::getaddrinfo(address.host.c_str(), port.c_str(), &hints, &found) != 0) {
    errno = EINVAL;
    return -1;
  }
  const int descriptor = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor >= 0 && ::connect(descriptor, found->ai_addr, found->ai_addrlen) != 0) {
    const int error = errno;
    ::close(descriptor);
    errno = error;
    ::freeaddrinfo(found);
    return -1;
  }
  ::freeaddrinfo(found);
  return descriptor;
}

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) {
      continue;
    }
    if (sent < 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void set_patience(int socket, std::chrono::seconds patience) {
  const timeval time{.tv_sec = patience.count(), .tv_usec = 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

std::string write_request(const ApiRequest& request, const HttpAddress& address,
                          const std::string& token) {
  std::string out =
      request.method + " " + request.path + " HTTP/1.1\r\nHost: " +
      (address.host.find(':') == std::string::npos ? address.host : "[" + address.host + "]") +
      ":" + std::to_string(address.port) + "\r\nAuthorization: Bearer " + token +
      "\r\nAccept: application/json\r\nConnection: close\r\n";
  if (!request.json.empty()) {
    out += "Content-Type: application/json\r\n";
  }
  if (request.method != "GET") {
    out += "Content-Length: " + std::to_string(request.json.size()) + "\r\n";
  }
  return out + "\r\n" + request.json;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view trim(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == text.npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

bool parse_size(std::string_view text, int base, std::size_t& value) {
  const auto* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value, base);
  return result.ec == std::errc() && result.ptr == end && value <= k_answer_bytes_max;
}

}  // namespace

std::optional<HttpAddress> HttpAddress::parse(std::string_view url) {
  constexpr std::string_view k_scheme = "http://";
  if (!url.starts_with(k_scheme)) {
    return std::nullopt;
  }
  url.remove_prefix(k_scheme.size());
  url = url.substr(0, url.find('/'));
  const auto colon = url.rfind(':');
  if (colon == url.npos) {
    return std::nullopt;
  }
  std::string_view host = url.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  }
  std::size_t port = 0;
  if (host.empty() || !parse_size(url.substr(colon + 1), 10, port) || port == 0 || port > 65535) {
    return std::nullopt;
  }
  return HttpAddress{.host = std::string(host), .port = static_cast<std::uint16_t>(port)};
}

std::string HttpAddress::to_string() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  return "http://" + (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port) + "/";
}

Outcome<ApiResponse> RemoteApi::call(const ApiRequest& request) {
  const Socket socket(connect_to(address_));
  if (socket.get() < 0) {
    return std::unexpected(no_answer(address_, last_error()));
  }
  set_patience(socket.get(), request.patience);
  if (!send_all(socket.get(), write_request(request, address_, token_))) {
    return std::unexpected(no_answer(address_, last_error()));
  }
  ResponseReader reader;
  std::string buffer(k_read_bytes, '\0');
  auto state = ResponseReader::State::more;
  while (state == ResponseReader::State::more) {
    const auto got = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return std::unexpected(
          no_answer(address_, errno == EAGAIN ? "no answer in time" : last_error()));
    }
    state =
        got == 0 ? reader.finish() : reader.feed({buffer.data(), static_cast<std::size_t>(got)});
  }
  if (state == ResponseReader::State::broken) {
    return std::unexpected(no_answer(address_, "the answer is cut off or is not HTTP"));
  }
  return std::move(reader.response());
}

void RemoteApi::wait(std::chrono::milliseconds time) {
  ::poll(nullptr, 0, static_cast<int>(time.count()));
}

ResponseReader::State ResponseReader::feed(std::string_view bytes) {
  if (buffer_.size() + response_.body.size() + bytes.size() > k_answer_bytes_max) {
    return State::broken;
  }
  buffer_ += bytes;
  return advance();
}

ResponseReader::State ResponseReader::finish() {
  return body_ == Body::until_end ? State::done : State::broken;
}

ResponseReader::State ResponseReader::advance() {
  while (true) {
    switch (body_) {
      case Body::head: {
        const auto state = read_head();
        if (state != State::done) {
          return state;
        }
        break;
      }
      case Body::sized:
        return read_sized();
      case Body::chunked:
        return read_chunks();
      case Body::until_end:
        response_.body += buffer_;
        buffer_.clear();
        return State::more;
    }
  }
}

ResponseReader::State ResponseReader::read_head() {
  const auto end = buffer_.find("\r\n\r\n");
  if (end == std::string::npos) {
    return buffer_.size() > k_read_bytes ? State::broken : State::more;
  }
  const std::string head = buffer_.substr(0, end + 2);
  buffer_.erase(0, end + 4);
  std::size_t status = 0;
  if (!head.starts_with("HTTP/1.") || head.size() < 12 ||
      !parse_size(std::string_view(head).substr(9, 3), 10, status)) {
    return State::broken;
  }
  response_.status = static_cast<unsigned>(status);
  for (std::size_t at = head.find("\r\n") + 2; at < head.size();) {
    const auto line_end = head.find("\r\n", at);
    if (!read_field(std::string_view(head).substr(at, line_end - at))) {
      return State::broken;
    }
    at = line_end + 2;
  }
  if (status < 200) {
    return State::done;  // an interim answer: the real one follows
  }
  const bool empty = status == 204 || status == 304;
  body_ = is_chunked_ ? Body::chunked : (has_length_ || empty) ? Body::sized : Body::until_end;
  return State::done;
}

bool ResponseReader::read_field(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == line.npos) {
    return false;
  }
  const auto name = line.substr(0, colon);
  const auto value = trim(line.substr(colon + 1));
  if (equals_ignoring_case(name, "Content-Length")) {
    has_length_ = true;
    return parse_size(value, 10, length_);
  }
  if (equals_ignoring_case(name, "Transfer-Encoding")) {
    is_chunked_ = equals_ignoring_case(value, "chunked");
    return is_chunked_;
  }
  if (equals_ignoring_case(name, "Content-Type")) {
    response_.content_type = value;
  }
  return true;
}

ResponseReader::State ResponseReader::read_sized() {
  if (buffer_.size() < length_) {
    return State::more;
  }
  response_.body = buffer_.substr(0, length_);
  return State::done;
}

ResponseReader::State ResponseReader::read_chunks() {
  std::size_t at = 0;
  auto state = State::more;
  while (state == State::more) {
    const auto line_end = buffer_.find("\r\n", at);
    if (line_end == std::string::npos) {
      break;
    }
    std::string_view digits = std::string_view(buffer_).substr(at, line_end - at);
    digits = trim(digits.substr(0, digits.find(';')));
    std::size_t size = 0;
    if (!parse_size(digits, 16, size)) {
      state = State::broken;
      break;
    }
    const std::size_t data = line_end + 2;
    if (buffer_.size() < data + size + 2) {
      break;
    }
    response_.body.append(buffer_, data, size);
    at = data + size + 2;
    if (size == 0) {
      state = State::done;  // what follows the last chunk says nothing to us
    }
  }
  buffer_.erase(0, at);
  return state;
}

}  // namespace vivim::cli
