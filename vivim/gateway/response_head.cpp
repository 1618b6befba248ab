#include <ctime>

#include "vivim/gateway/response_head_detail.hpp"

namespace vivim::gateway {

namespace {

void append_field(std::string& out, std::string_view name, std::string_view value) {
  const auto clean = [&out](std::string_view text) {
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back(byte < 0x20 || byte == 0x7f ? ' ' : c);
    }
  };
  clean(name);
  out += ": ";
  clean(value);
  out += "\r\n";
}

bool is_ours(std::string_view name) {
  return iequals(name, "Content-Length") || iequals(name, "Transfer-Encoding") ||
         iequals(name, "Connection") || iequals(name, "Date");
}

std::optional<std::uint64_t> known_length(const Response& response) {
  if (std::holds_alternative<std::unique_ptr<BodySource>>(response.body)) {
    return response.body_length;
  }
  return response.memory_body_size();
}

}  // namespace

Framing choose_framing(const Response& response, HttpVersion version) {
  if (response.status < 200 || response.status == 204 || response.status == 304) {
    return Framing::none;
  }
  if (known_length(response)) {
    return Framing::length;
  }
  return version == HttpVersion::http11 ? Framing::chunked : Framing::close;
}

std::string encode_response_head(const Response& response, ResponseHeadOptions options) {
  std::string out = "HTTP/1.1 " + std::to_string(response.status) + " ";
  out += reason_phrase(response.status);
  out += "\r\n";
  append_field(out, "Date", http_date(options.now_ms));
  for (const auto& [name, value] : response.headers) {
    if (!is_ours(name)) {
      append_field(out, name, value);
    }
  }
  switch (choose_framing(response, options.version)) {
    case Framing::length:
      append_field(out, "Content-Length", std::to_string(known_length(response).value_or(0)));
      break;
    case Framing::chunked:
      append_field(out, "Transfer-Encoding", "chunked");
      break;
    case Framing::none:
    case Framing::close:
      break;
  }
  if (response.status == 101) {
    append_field(out, "Connection", "Upgrade");
  } else if (options.after == AfterResponse::close) {
    append_field(out, "Connection", "close");
  } else if (options.version == HttpVersion::http10) {
    append_field(out, "Connection", "keep-alive");
  }
  return out + "\r\n";
}

std::string http_date(rt::WallMs wall_ms) {
  const auto seconds = static_cast<std::time_t>(wall_ms / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 40> text{};
  // The C locale is never changed, so names are English.
  const auto size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text.data(), size};
}

}  // namespace vivim::gateway
