#include "vivim/gateway/http.hpp"

#include "vivim/gateway/error.hpp"

namespace vivim::gateway {

namespace {

constexpr std::array<std::pair<Method, std::string_view>, 7> k_methods{{
    {Method::get, "GET"},
    {Method::head, "HEAD"},
    {Method::post, "POST"},
    {Method::put, "PUT"},
    {Method::patch, "PATCH"},
    {Method::del, "DELETE"},
    {Method::options, "OPTIONS"},
}};

constexpr std::array<std::pair<unsigned, std::string_view>, 31> k_reasons{{
    {100, "Continue"},
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {303, "See Other"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
}};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

class MemorySource final : public BodySource {
 public:
  explicit MemorySource(Bytes bytes) : bytes_(std::move(bytes)) {}
  Co<Result<Bytes>> next() override { co_return std::exchange(bytes_, {}); }

 private:
  Bytes bytes_;
};

Co<Result<std::string>> read_all(BodySource& source, std::uint64_t bytes_max) {
  std::string whole;
  for (;;) {
    VIVIM_CO_TRY(const Bytes piece, co_await source.next());
    if (piece.empty()) {
      co_return std::move(whole);
    }
    if (piece.size() > bytes_max - whole.size()) {
      co_return fail(GatewayError::body_too_large, bytes_max);
    }
    whole += as_text(piece);
  }
}

}  // namespace

std::unique_ptr<BodySource> in_memory(Bytes bytes) {
  return std::make_unique<MemorySource>(std::move(bytes));
}

std::string_view method_name(Method method) {
  for (const auto& [known, name] : k_methods) {
    if (known == method) {
      return name;
    }
  }
  return "";
}

Method parse_method(std::string_view name) {
  for (const auto& [known, text] : k_methods) {
    if (text == name) {
      return known;
    }
  }
  return Method::other;
}

bool changes_state(Method method) {
  return method != Method::get && method != Method::head && method != Method::options;
}

bool iequals(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool has_token(std::string_view value, std::string_view token) {
  while (!value.empty()) {
    const auto comma = value.find(',');
    if (iequals(trim(value.substr(0, comma)), token)) {
      return true;
    }
    value = comma == std::string_view::npos ? std::string_view{} : value.substr(comma + 1);
  }
  return false;
}

void Headers::add(std::string name, std::string value) {
  fields_.push_back({.name = std::move(name), .value = std::move(value)});
}

void Headers::set(std::string_view name, std::string value) {
  remove(name);
  add(std::string(name), std::move(value));
}

void Headers::remove(std::string_view name) {
  std::erase_if(fields_, [name](const Field& field) { return iequals(field.name, name); });
}

std::optional<std::string_view> Headers::find(std::string_view name) const {
  for (const auto& field : fields_) {
    if (iequals(field.name, name)) {
      return field.value;
    }
  }
  return std::nullopt;
}

std::size_t Headers::count(std::string_view name) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      fields_, [name](const Field& field) { return iequals(field.name, name); }));
}

std::string_view Response::memory_body() const {
  if (const auto* owned = std::get_if<std::string>(&body)) {
    return *owned;
  }
  if (const auto* shared = std::get_if<std::shared_ptr<const Bytes>>(&body); shared && *shared) {
    return as_text(**shared);
  }
  return {};
}

std::size_t Response::memory_body_size() const {
  return memory_body().size();
}

Response Response::text(unsigned status, std::string type, std::string body) {
  Response response;
  response.status = status;
  response.headers.add("Content-Type", std::move(type));
  response.body = std::move(body);
  return response;
}

Response Response::no_content() {
  Response response;
  response.status = 204;
  return response;
}

Response Response::redirect(std::string location) {
  Response response;
  response.status = 303;
  response.headers.add("Location", std::move(location));
  return response;
}

Response Response::upgrade(WebSocketSession session) {
  Response response;
  response.status = 101;
  response.websocket = std::move(session);
  return response;
}

Co<Result<std::string>> read_body(Request& request, std::uint64_t bytes_max) {
  if (request.body_source == nullptr) {
    if (request.body.size() > bytes_max) {
      co_return fail(GatewayError::body_too_large, bytes_max);
    }
    co_return std::move(request.body);
  }
  if (request.body_length.value_or(0) > bytes_max) {
    co_return fail(GatewayError::body_too_large, bytes_max);
  }
  const auto source = std::move(request.body_source);
  co_return co_await read_all(*source, bytes_max);
}

Co<Result<std::string>> read_body(Response& response, std::uint64_t bytes_max) {
  if (auto* source = std::get_if<std::unique_ptr<BodySource>>(&response.body)) {
    if (*source == nullptr) {
      co_return std::string();
    }
    co_return co_await read_all(**source, bytes_max);
  }
  co_return std::string(response.memory_body());
}

std::string_view reason_phrase(unsigned status) {
  for (const auto& [code, phrase] : k_reasons) {
    if (code == status) {
      return phrase;
    }
  }
  return "Unknown";
}

}  // namespace vivim::gateway
