#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "vivim/gateway/compression.hpp"
#include "vivim/gateway/http.hpp"
#include "vivim/gateway/target.hpp"
#include "vivim/rt/disk.hpp"
#include "vivim/rt/loop.hpp"

namespace vivim::gateway {

struct StaticLimits {
  std::size_t file_bytes_max = 16 * 1024 * 1024;   ///< larger files are not served
  std::size_t cache_bytes_max = 32 * 1024 * 1024;  ///< of all codings of all files kept in memory
};

/// The Content-Type for a file name, by its extension; application/octet-stream when unknown.
std::string_view mime_type(std::string_view path);

/// Serves the web app's files: `/` is index.html, `/assets/` holds files whose names contain their
/// hash (cached by browsers for ever); everything else is asked for again and answered with 304.
/// Compressed with the `.br` or `.gz` beside the file, or once in memory. No directory listing, no
/// hidden files, nothing outside the directory.
class StaticFiles {
 public:
  /// `disk` is the directory; blocking reads and compression run on `worker`.
  StaticFiles(rt::Disk& disk, rt::Worker& worker, StaticLimits limits = {})
      : disk_(disk), worker_(worker), limits_(limits) {}

  /// GET and HEAD; 404 when there is no such file.
  Co<Response> serve(const Request& request, const Target& target);

  std::size_t cache_bytes() const { return cache_bytes_; }

 private:
  using Content = std::shared_ptr<const Bytes>;
  /// A file's codings; null where it was not made or did not help.
  struct Entry {
    std::string hash;  ///< of the identity coding
    Content plain;
    Content brotli;
    Content gzip;
    std::uint64_t last_used = 0;

    std::size_t bytes() const;
    Coding best(Coding accepted) const;
    const Content& content(Coding coding) const;
  };

  Co<Entry> load(std::string path);
  Entry load_blocking(const std::string& path, std::string known_hash) const;
  Content read(const std::string& path) const;
  Content coded(const std::string& path, Coding coding, const Bytes& plain) const;
  void keep(const std::string& path, Entry entry);

  rt::Disk& disk_;
  rt::Worker& worker_;
  StaticLimits limits_;
  std::map<std::string, Entry, std::less<>> cache_;
  std::size_t cache_bytes_ = 0;
  std::uint64_t uses_ = 0;
};

}  // namespace vivim::gateway
