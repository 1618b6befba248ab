#include "interop/peer/resp.hpp"

#include <charconv>
#include <utility>

#include "vivim/rt/error.hpp"

namespace vivim::interop {

namespace {

constexpr auto k_dial_max = std::chrono::seconds(10);
constexpr std::string_view k_end = "\r\n";

Result<std::int64_t> number_of(std::string_view text) {
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) {
    return fail(RespError::malformed);
  }
  return value;
}

rt::Co<Result<rt::IpAddress>> resolve(rt::Resolver& resolver, std::string host) {
  if (const auto ip = rt::IpAddress::parse(host)) {
    co_return *ip;
  }
  VIVIM_CO_TRY(const auto found,
               co_await resolver.addresses(host, rt::AddressFamily::v4, k_dial_max));
  if (found.empty()) {
    co_return fail(rt::RtError::bad_address);
  }
  co_return found.front();
}

}  // namespace

const ErrorDomain& error_domain(RespError) {
  static constexpr ErrorDomain k_domain{
      "resp", [](int code) -> ErrorInfo {
        switch (static_cast<RespError>(code)) {
          case RespError::malformed:
            return {"malformed", "the server's answer is not RESP", Blame::peer};
          case RespError::refused:
            return {"refused", "the server answered with an error", Blame::peer};
        }
        return {"unknown", "unknown error", Blame::local};
      }};
  return k_domain;
}

rt::Co<Result<std::unique_ptr<RespClient>>> RespClient::connect(rt::Network& network,
                                                                rt::Resolver& resolver,
                                                                std::string address) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) {
    co_return fail(rt::RtError::bad_address);
  }
  VIVIM_CO_TRY(const auto ip, co_await resolve(resolver, address.substr(0, colon)));
  VIVIM_CO_TRY(const auto port, number_of(std::string_view(address).substr(colon + 1)));
  VIVIM_CO_TRY(
      auto connection,
      co_await network.dial({.ip = ip, .port = static_cast<std::uint16_t>(port)}, k_dial_max));
  co_return std::unique_ptr<RespClient>(new RespClient(std::move(connection.stream)));
}

rt::Co<Result<RespAnswer>> RespClient::ask(std::vector<std::string> words) {
  std::string request = "*" + std::to_string(words.size()) + "\r\n";
  for (const auto& word : words) {
    request += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  }
  VIVIM_CO_TRYV(co_await stream_->write(as_bytes(request)));
  VIVIM_CO_TRY(const auto line, co_await read_line());
  if (!line.starts_with('*')) {
    VIVIM_CO_TRY(auto item, co_await read_item(line));
    co_return item ? RespAnswer({std::move(*item)}) : RespAnswer();
  }
  VIVIM_CO_TRY(const auto count, number_of(std::string_view(line).substr(1)));
  if (count < 0) {
    co_return RespAnswer();
  }
  if (count > k_resp_items_max) {
    co_return fail(RespError::malformed);
  }
  std::vector<std::string> items;
  for (std::int64_t left = count; left > 0; --left) {
    VIVIM_CO_TRY(auto head, co_await read_line());
    VIVIM_CO_TRY(auto item, co_await read_item(std::move(head)));
    items.push_back(std::move(item).value_or(""));
  }
  co_return RespAnswer(std::move(items));
}

rt::Co<Result<void>> RespClient::fill() {
  if (pending_.size() > k_resp_bytes_max) {
    co_return fail(RespError::malformed);
  }
  Bytes buffer(4096);
  VIVIM_CO_TRY(const auto count, co_await stream_->read_some(buffer));
  if (count == 0) {
    co_return fail(rt::RtError::end_of_stream);
  }
  pending_ += as_text(BytesView(buffer).first(count));
  co_return Result<void>{};
}

rt::Co<Result<std::string>> RespClient::read_line() {
  while (pending_.find(k_end) == std::string::npos) {
    VIVIM_CO_TRYV(co_await fill());
  }
  const auto end = pending_.find(k_end);
  auto line = pending_.substr(0, end);
  pending_.erase(0, end + k_end.size());
  co_return line;
}

rt::Co<Result<std::optional<std::string>>> RespClient::read_item(std::string line) {
  if (line.starts_with('-')) {
    co_return fail(RespError::refused);
  }
  if (line.starts_with('+') || line.starts_with(':')) {
    co_return std::optional(line.substr(1));
  }
  if (!line.starts_with('$')) {
    co_return fail(RespError::malformed);
  }
  VIVIM_CO_TRY(const auto size, number_of(std::string_view(line).substr(1)));
  if (size < 0) {
    co_return std::optional<std::string>();
  }
  if (static_cast<std::size_t>(size) > k_resp_bytes_max) {
    co_return fail(RespError::malformed);
  }
  const auto bytes = static_cast<std::size_t>(size);
  while (pending_.size() < bytes + k_end.size()) {
    VIVIM_CO_TRYV(co_await fill());
  }
  auto item = pending_.substr(0, bytes);
  pending_.erase(0, bytes + k_end.size());
  co_return std::optional(std::move(item));
}

}  // namespace vivim::interop
