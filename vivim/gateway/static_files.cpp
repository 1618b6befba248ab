#include "vivim/gateway/static_files.hpp"

#include "vivim/crypto/hash.hpp"
#include "vivim/gateway/problem_response.hpp"

namespace vivim::gateway {

namespace {

constexpr std::size_t k_compress_bytes_min = 512;

constexpr std::array<std::pair<std::string_view, std::string_view>, 22> k_types{{
    {"html", "text/html; charset=utf-8"},
    {"js", "text/javascript; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"css", "text/css; charset=utf-8"},
    {"json", "application/json"},
    {"map", "application/json"},
    {"webmanifest", "application/manifest+json"},
    {"svg", "image/svg+xml"},
    {"png", "image/png"},
    {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"gif", "image/gif"},
    {"webp", "image/webp"},
    {"avif", "image/avif"},
    {"ico", "image/x-icon"},
    {"woff2", "font/woff2"},
    {"woff", "font/woff"},
    {"ttf", "font/ttf"},
    {"wasm", "application/wasm"},
    {"txt", "text/plain; charset=utf-8"},
    {"xml", "application/xml"},
    {"md", "text/markdown; charset=utf-8"},
}};

bool compressible(std::string_view type) {
  return type.starts_with("text/") || type.starts_with("application/") || type == "image/svg+xml" ||
         type == "font/ttf";
}

/// The file that a path names; empty for what is never served.
std::string file_of(const Target& target) {
  if (target.segments.empty()) {
    return "index.html";
  }
  std::string path;
  for (const auto& segment : target.segments) {
    if (segment.starts_with('.')) {
      return {};
    }
    path += (path.empty() ? "" : "/") + segment;
  }
  const bool sidecar = path.ends_with(".br") || path.ends_with(".gz");
  return target.trailing_slash || sidecar ? std::string() : path;
}

bool is_immutable(const Target& target) {
  return target.segments.size() > 1 && target.segments.front() == "assets";
}

std::string etag_of(std::string_view hash, Coding coding) {
  const auto name = coding_name(coding);
  return "\"" + std::string(hash) + (name.empty() ? "" : "-") + std::string(name) + "\"";
}

/// If-None-Match, compared weakly (RFC 9110 section 13.1.2).
bool matches(std::string_view if_none_match, std::string_view etag) {
  while (!if_none_match.empty()) {
    const auto comma = if_none_match.find(',');
    auto candidate = trim(if_none_match.substr(0, comma));
    if (candidate.starts_with("W/")) {
      candidate.remove_prefix(2);
    }
    if (candidate == etag || candidate == "*") {
      return true;
    }
    if_none_match =
        comma == std::string_view::npos ? std::string_view{} : if_none_match.substr(comma + 1);
  }
  return false;
}

Response no_such_file() {
  return problem_response(Problem{.kind = ProblemKind::not_found,
                                  .code = "no_such_file",
                                  .message = "There is no such page.",
                                  .hint = "The app is at /."});
}

}  // namespace

std::string_view mime_type(std::string_view path) {
  const auto dot = path.rfind('.');
  const auto extension = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
  for (const auto& [known, type] : k_types) {
    if (iequals(known, extension)) {
      return type;
    }
  }
  return "application/octet-stream";
}

std::size_t StaticFiles::Entry::bytes() const {
  std::size_t sum = 0;
  for (const auto* part : {&plain, &brotli, &gzip}) {
    sum += *part ? (*part)->size() : 0;
  }
  return sum;
}

Coding StaticFiles::Entry::best(Coding accepted) const {
  return content(accepted) != nullptr ? accepted : Coding::identity;
}

const StaticFiles::Content& StaticFiles::Entry::content(Coding coding) const {
  return coding == Coding::brotli ? brotli : coding == Coding::gzip ? gzip : plain;
}

Co<Response> StaticFiles::serve(const Request& request, const Target& target) {
  if (request.method != Method::get && request.method != Method::head) {
    auto response = problem_response(Problem{.kind = ProblemKind::bad_input,
                                             .code = "method_not_allowed",
                                             .message = "Pages can only be read.",
                                             .hint = ""},
                                     405);
    response.headers.add("Allow", "GET, HEAD");
    co_return std::move(response);
  }
  const std::string path = file_of(target);
  const bool immutable = is_immutable(target);
  const Coding accepted = choose_coding(request.headers.get("Accept-Encoding"));
  const std::string if_none_match(request.headers.get("If-None-Match"));
  if (path.empty()) {
    co_return no_such_file();
  }
  const Entry entry = co_await load(path);
  if (!entry.plain) {
    co_return no_such_file();
  }
  const Coding coding = entry.best(accepted);
  Response response;
  response.headers.add("ETag", etag_of(entry.hash, coding));
  response.headers.add("Vary", "Accept-Encoding");
  response.headers.add("Cache-Control",
                       immutable ? "public, max-age=31536000, immutable" : "no-cache");
  if (matches(if_none_match, response.headers.get("ETag"))) {
    response.status = 304;
    co_return std::move(response);
  }
  response.headers.add("Content-Type", std::string(mime_type(path)));
  if (coding != Coding::identity) {
    response.headers.add("Content-Encoding", std::string(coding_name(coding)));
  }
  response.body = entry.content(coding);
  co_return std::move(response);
}

Co<StaticFiles::Entry> StaticFiles::load(std::string path) {
  std::string known_hash;
  if (const auto cached = cache_.find(path); cached != cache_.end()) {
    cached->second.last_used = ++uses_;
    if (path.starts_with("assets/")) {
      co_return cached->second;  // its name is its content
    }
    known_hash = cached->second.hash;
  }
  Entry entry =
      co_await worker_.run([this, &path, &known_hash] { return load_blocking(path, known_hash); });
  if (entry.plain && entry.hash == known_hash) {
    if (const auto cached = cache_.find(path);
        cached != cache_.end() && cached->second.hash == known_hash) {
      co_return cached->second;
    }
  }
  if (entry.plain) {
    keep(path, entry);
  }
  co_return std::move(entry);
}

StaticFiles::Entry StaticFiles::load_blocking(const std::string& path,
                                              std::string known_hash) const {
  Entry entry;
  entry.plain = read(path);
  if (!entry.plain) {
    return entry;
  }
  const auto digest = crypto::sha256(*entry.plain);
  entry.hash = to_hex(BytesView(digest).first(12));
  const bool worth_it =
      compressible(mime_type(path)) && entry.plain->size() >= k_compress_bytes_min;
  if (worth_it && entry.hash != known_hash) {
    entry.brotli = coded(path, Coding::brotli, *entry.plain);
    entry.gzip = coded(path, Coding::gzip, *entry.plain);
  }
  return entry;
}

StaticFiles::Content StaticFiles::read(const std::string& path) const {
  const auto file = disk_.open(path, rt::OpenMode::read);
  if (!file) {
    return nullptr;
  }
  const auto size = (*file)->size();
  if (!size || *size > limits_.file_bytes_max) {
    return nullptr;
  }
  auto content = std::make_shared<Bytes>(static_cast<std::size_t>(*size));
  for (std::size_t at = 0; at < content->size();) {
    const auto n = (*file)->read_at(at, MutableBytes(*content).subspan(at));
    if (!n || *n == 0) {
      return nullptr;  // it changes while it is read
    }
    at += *n;
  }
  return content;
}

StaticFiles::Content StaticFiles::coded(const std::string& path, Coding coding,
                                        const Bytes& plain) const {
  auto beside = read(path + (coding == Coding::brotli ? ".br" : ".gz"));
  if (!beside) {
    beside = std::make_shared<const Bytes>(compress(coding, plain));
  }
  return beside->empty() || beside->size() >= plain.size() ? nullptr : beside;
}

void StaticFiles::keep(const std::string& path, Entry entry) {
  if (const auto old = cache_.find(path); old != cache_.end()) {
    cache_bytes_ -= old->second.bytes();
    cache_.erase(old);
  }
  const std::size_t bytes = entry.bytes();
  if (bytes > limits_.cache_bytes_max) {
    return;
  }
  while (cache_bytes_ + bytes > limits_.cache_bytes_max) {
    const auto oldest = std::ranges::min_element(
        cache_, {}, [](const auto& named) { return named.second.last_used; });
    cache_bytes_ -= oldest->second.bytes();
    cache_.erase(oldest);
  }
  entry.last_used = ++uses_;
  cache_bytes_ += bytes;
  cache_.emplace(path, std::move(entry));
}

}  // namespace vivim::gateway
