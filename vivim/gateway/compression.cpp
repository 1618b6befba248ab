#include "vivim/gateway/compression.hpp"

#include <brotli/encode.h>
#include <zlib.h>

#include "vivim/gateway/http.hpp"

namespace vivim::gateway {

namespace {

constexpr int k_brotli_quality = 6;
constexpr int k_gzip_level = 6;
constexpr int k_gzip_window = 15 + 16;  // zlib: 16 more means a gzip header

/// Whether one element of the list is "coding" or "*" and not refused by ";q=0".
enum class Wish { unsaid, wanted, refused };

Wish wish_for(std::string_view list, std::string_view coding) {
  Wish any = Wish::unsaid;
  while (!list.empty()) {
    const auto comma = list.find(',');
    const auto element = trim(list.substr(0, comma));
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
    const auto semicolon = element.find(';');
    const auto name = trim(element.substr(0, semicolon));
    auto weight = semicolon == std::string_view::npos ? std::string_view("q=1")
                                                      : trim(element.substr(semicolon + 1));
    // "q=0", "q=0.", "q=0.000" refuse; every other weight is a wish.
    const bool zero = weight.starts_with("q=0") &&
                      weight.substr(3).find_first_not_of(".0") == std::string_view::npos;
    const Wish wish = zero ? Wish::refused : Wish::wanted;
    if (iequals(name, coding)) {
      return wish;
    }
    if (name == "*") {
      any = wish;
    }
  }
  return any;
}

Bytes brotli(BytesView content) {
  std::size_t size = BrotliEncoderMaxCompressedSize(content.size());
  Bytes out(size);
  if (size == 0 ||
      BrotliEncoderCompress(k_brotli_quality, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_TEXT,
                            content.size(), content.data(), &size, out.data()) != BROTLI_TRUE) {
    return {};
  }
  out.resize(size);
  return out;
}

Bytes gzip(BytesView content) {
  z_stream stream{};
  if (deflateInit2(&stream, k_gzip_level, Z_DEFLATED, k_gzip_window, 8, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    return {};
  }
  Bytes out(deflateBound(&stream, content.size()));
  stream.next_in = const_cast<Bytef*>(content.data());
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  const bool done = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  out.resize(done ? stream.total_out : 0);
  deflateEnd(&stream);
  return out;
}

}  // namespace

std::string_view coding_name(Coding coding) {
  switch (coding) {
    case Coding::brotli:
      return "br";
    case Coding::gzip:
      return "gzip";
    case Coding::identity:
      return "";
  }
  return "";
}

Coding choose_coding(std::string_view accept_encoding) {
  for (const Coding coding : {Coding::brotli, Coding::gzip}) {
    if (wish_for(accept_encoding, coding_name(coding)) == Wish::wanted) {
      return coding;
    }
  }
  return Coding::identity;
}

Bytes compress(Coding coding, BytesView content) {
  switch (coding) {
    case Coding::brotli:
      return brotli(content);
    case Coding::gzip:
      return gzip(content);
    case Coding::identity:
      return to_bytes(content);
  }
  return {};
}

}  // namespace vivim::gateway
