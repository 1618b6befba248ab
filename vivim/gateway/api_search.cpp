#include "vivim/gateway/api.hpp"
#include "vivim/gateway/api_json.hpp"

namespace vivim::gateway {

namespace {

constexpr std::size_t k_query_bytes_max = 1024;
constexpr std::size_t k_hits_default = 20;

/// What a browser may show inside a page; everything else is a download.
constexpr std::array<std::string_view, 14> k_shown{
    "image/png",     "image/jpeg", "image/gif",       "image/webp", "image/avif",
    "image/svg+xml", "audio/mpeg", "audio/mp4",       "audio/wav",  "audio/ogg",
    "video/mp4",     "video/webm", "application/pdf", "text/plain",
};

/// Formats that say what they are: these bytes at this offset.
struct Signature {
  std::size_t offset = 0;
  std::string_view bytes;
  std::string_view type;
};

constexpr std::array<Signature, 13> k_signatures{{
    {0, "\x89PNG\r\n\x1a\n", "image/png"},
    {0, "\xff\xd8\xff", "image/jpeg"},
    {0, "GIF87a", "image/gif"},
    {0, "GIF89a", "image/gif"},
    {8, "WEBP", "image/webp"},
    {4, "ftypavif", "image/avif"},
    {4, "ftypM4A", "audio/mp4"},
    {4, "ftyp", "video/mp4"},
    {0, "\x1a\x45\xdf\xa3", "video/webm"},
    {0, "ID3", "audio/mpeg"},
    {8, "WAVE", "audio/wav"},
    {0, "OggS", "audio/ogg"},
    {0, "%PDF-", "application/pdf"},
}};

std::string_view sniff(BytesView bytes) {
  const auto start = as_text(bytes.first(std::min<std::size_t>(bytes.size(), 16)));
  for (const auto& signature : k_signatures) {
    if (start.size() >= signature.offset &&
        start.substr(signature.offset).starts_with(signature.bytes)) {
      return signature.type;
    }
  }
  return "";
}

Response blob_response(Blob blob, std::string_view cid) {
  std::string type = blob.mime.empty() ? std::string(sniff(blob.bytes)) : blob.mime;
  const bool shown = std::ranges::find(k_shown, type) != k_shown.end();
  if (!shown) {
    type = "application/octet-stream";
  }
  Response response;
  response.headers.add("Content-Type", std::move(type));
  if (!shown) {
    response.headers.add("Content-Disposition",
                         "attachment; filename=\"" + std::string(cid) + "\"");
  }
  response.body = std::make_shared<const Bytes>(std::move(blob.bytes));
  return response;
}

}  // namespace

SearchApi::SearchApi(Router& router, LibraryService& library) : library_(library) {
  router.add(this, &SearchApi::search, {Method::get, "/api/v2/search", "search"});
  router.add(this, &SearchApi::blob, {Method::get, "/api/v2/blobs/{cid}", "getBlob"});
}

Co<Outcome<Response>> SearchApi::search(Call call) {
  constexpr std::array<std::string_view, 2> k_sorts{"newest", "best"};
  store::SearchRequest request;
  request.text = call.query("q").substr(0, k_query_bytes_max);
  VIVIM_CO_TRY(const auto sort, call.query_choice("sort", k_sorts));
  request.sort = sort == "best" ? store::SearchSort::best : store::SearchSort::newest;
  VIVIM_CO_TRY(request.limit, call.query_number("limit", k_hits_default, store::k_search_hits_max));
  VIVIM_CO_TRY(request.offset, call.query_number("offset", 0, store::k_search_offset_max));
  VIVIM_CO_TRY(const auto result, co_await library_.search(std::move(request)));
  co_return json_response(to_json(result));
}

Co<Outcome<Response>> SearchApi::blob(Call call) {
  const std::string& cid = call.parameter("cid");
  const auto id = store::BlobId::parse(cid);
  if (!id) {
    co_return std::unexpected(Problem{.kind = ProblemKind::bad_input,
                                      .code = "bad_cid",
                                      .message = "This is not the address of a block.",
                                      .hint = "Addresses look like bafkrei..."});
  }
  const std::string etag = "\"" + cid + "\"";
  Response response;
  if (call.request.headers.get("If-None-Match") == etag) {
    response.status = 304;
  } else {
    VIVIM_CO_TRY(auto blob, co_await library_.blob(*id));
    response = blob_response(std::move(blob), cid);
  }
  response.headers.add("ETag", etag);
  response.headers.add("Cache-Control", "private, max-age=31536000, immutable");
  response.headers.add("Content-Security-Policy",
                       "sandbox; default-src 'none'; style-src 'unsafe-inline'");
  co_return std::move(response);
}

}  // namespace vivim::gateway
