#pragma once

#include <cstdint>
#include <string>

#include "vivim/base/problem.hpp"
#include "vivim/gateway/http.hpp"
#include "vivim/rt/disk.hpp"
#include "vivim/rt/loop.hpp"

namespace vivim::gateway {

struct UploadLimits {
  std::uint64_t bytes_max = std::uint64_t{16} << 30;  ///< one upload
  std::size_t files_max = 8;                          ///< received or still being imported
};

/// Bodies that are too large for memory, received into temporary files.
class Uploads {
 public:
  /// `disk` is a directory for nothing else; `root` is its path for those who read the files.
  /// Blocking work runs on `worker`.
  Uploads(rt::Disk& disk, std::string root, rt::Worker& worker, UploadLimits limits = {})
      : disk_(disk), root_(std::move(root)), worker_(worker), limits_(limits) {}

  /// A file that remove() must be called for.
  struct File {
    std::string name;  ///< in the directory
    std::string path;  ///< for an importer
  };

  /// Writes a request's body to a new file. Problems: too many uploads (unavailable),
  /// body_too_large, a disk that fails.
  Co<Outcome<File>> receive(Request& request);
  Co<void> remove(std::string name);
  /// Removes what an earlier run left; before the first upload.
  Co<void> clean();

  std::size_t files() const { return files_; }

 private:
  Co<Outcome<void>> write_body(BodySource& source, std::string name);
  Co<Result<void>> write(rt::File& file, std::uint64_t at, Bytes piece);

  rt::Disk& disk_;
  std::string root_;
  rt::Worker& worker_;
  UploadLimits limits_;
  std::uint64_t next_ = 1;
  std::size_t files_ = 0;
};

}  // namespace vivim::gateway
