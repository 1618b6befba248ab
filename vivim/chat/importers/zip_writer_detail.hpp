#pragma once

#include <optional>
#include <string>
#include <vector>

#include <zlib.h>

#include "vivim/base/bytes.hpp"

// A writer of zip archives for tests, which can also lie.
namespace vivim::chat {

struct ZipEntry {
  std::string name;
  std::string bytes;
  bool stored = false;
  bool encrypted = false;
  bool zip64 = false;
  std::optional<std::uint32_t> claimed_size;
};

struct ZipOptions {
  bool zip64 = false;
};

inline void put_le(Bytes& out, std::uint64_t value, int size) {
  for (int i = 0; i < size; ++i) {
    out.push_back(i < 8 ? static_cast<std::uint8_t>(value >> (8 * i)) : std::uint8_t{0});
  }
}

inline Bytes deflate_raw(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  Bytes out(deflateBound(&stream, text.size()) + 16);
  Bytes in = to_bytes(text);
  stream.next_in = in.data();
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

inline Bytes make_zip(const std::vector<ZipEntry>& entries, ZipOptions options = {}) {
  Bytes out;
  Bytes directory;
  for (const auto& entry : entries) {
    const auto offset = out.size();
    const Bytes data = entry.stored ? to_bytes(entry.bytes) : deflate_raw(entry.bytes);
    const auto size = entry.claimed_size.value_or(static_cast<std::uint32_t>(entry.bytes.size()));
    const auto common = [&](Bytes& to, bool extra) {
      put_le(to, 20, 2);
      put_le(to, entry.encrypted ? 1 : 0, 2);
      put_le(to, entry.stored ? 0 : 8, 2);
      put_le(to, 0, 4);
      put_le(to, crc32_z(0, as_bytes(entry.bytes).data(), entry.bytes.size()), 4);
      put_le(to, extra ? 0xffffffff : data.size(), 4);
      put_le(to, extra ? 0xffffffff : size, 4);
      put_le(to, entry.name.size(), 2);
      put_le(to, extra ? 28 : 0, 2);  // the extra field: a head of 4 and three sizes
    };
    put_le(out, 0x04034b50, 4);
    common(out, false);
    append(out, as_bytes(entry.name));
    append(out, data);
    put_le(directory, 0x02014b50, 4);
    put_le(directory, 20, 2);
    common(directory, entry.zip64);
    put_le(directory, 0, 2 + 2 + 2 + 4);
    put_le(directory, entry.zip64 ? 0xffffffff : offset, 4);
    append(directory, as_bytes(entry.name));
    if (entry.zip64) {
      put_le(directory, 1, 2);
      put_le(directory, 24, 2);
      put_le(directory, size, 8);
      put_le(directory, data.size(), 8);
      put_le(directory, offset, 8);
    }
  }
  const auto at = out.size();
  append(out, directory);
  if (options.zip64) {
    const auto end64 = out.size();
    put_le(out, 0x06064b50, 4);
    put_le(out, 44, 8);
    put_le(out, 0, 2 + 2 + 4 + 4);
    put_le(out, entries.size(), 8);
    put_le(out, entries.size(), 8);
    put_le(out, directory.size(), 8);
    put_le(out, at, 8);
    put_le(out, 0x07064b50, 4);
    put_le(out, 0, 4);
    put_le(out, end64, 8);
    put_le(out, 1, 4);
  }
  put_le(out, 0x06054b50, 4);
  put_le(out, 0, 4);
  put_le(out, options.zip64 ? 0xffff : entries.size(), 2);
  put_le(out, options.zip64 ? 0xffff : entries.size(), 2);
  put_le(out, options.zip64 ? 0xffffffff : directory.size(), 4);
  put_le(out, options.zip64 ? 0xffffffff : at, 4);
  put_le(out, 0, 2);
  return out;
}

}  // namespace vivim::chat
