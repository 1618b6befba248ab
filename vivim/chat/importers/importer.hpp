#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "vivim/base/problem.hpp"
#include "vivim/chat/importers/mapping.hpp"
#include "vivim/chat/importers/report.hpp"
#include "vivim/chat/importers/sink.hpp"
#include "vivim/chat/importers/source.hpp"
#include "vivim/chat/importers/splitter.hpp"

namespace vivim::chat {

/// How an import goes.
struct ImportOptions {
  /// Called now and then with bytes read so far and bytes in all, of the files on the disk.
  std::function<void(std::uint64_t bytes, std::uint64_t total)> progress;
  /// Asked now and then; true stops the import, what the sink has stays.
  std::function<bool()> cancelled;
  /// Milliseconds since 1970, for the provenance.
  Time now = 0;
  SplitterOptions splitter;
  JsonLimits json;
  ArchiveLimits archive;
  /// Larger attachments are counted and left out.
  std::uint64_t attachment_bytes_max = 64ULL << 20;
};

/// Reads an export of ChatGPT or Claude: a zip archive, a folder, or a file of conversations;
/// which, is found out. Each conversation goes to `sink` as soon as it is read; only one is in
/// memory. One that cannot be read becomes a failure of the report and the others go on; a file
/// that ends or breaks in the middle becomes a failure with its position, and what came before it
/// is kept. A Problem only if nothing at all could be read, the sink failed, or it was cancelled.
/// Blocking: for a worker.
Outcome<ImportReport> import_export(const std::string& path, Sink& sink,
                                    const ImportOptions& options = {});

/// What to tell the person when open_export failed.
Problem cannot_open(const std::string& path, const Error& error);

/// The same for files that are open already; `name` is what a person calls them.
Outcome<ImportReport> import_files(ExportFiles& files, const std::string& name, Sink& sink,
                                   const ImportOptions& options = {});

/// An import step by step, for who has other work between the steps. All arguments must outlive it.
class Importer {
 public:
  Importer(ExportFiles& files, std::string name, Sink& sink, const ImportOptions& options);
  ~Importer();
  Importer(const Importer&) = delete;
  Importer& operator=(const Importer&) = delete;

  /// Reads the next piece of the export (at most 256 KiB of conversations, or one other file), and
  /// gives what was complete to the sink. False when there is nothing more. Errors: the sink's;
  /// cancelled.
  Result<bool> step();

  /// After the last step: the report, or the Problem if nothing could be read.
  Outcome<ImportReport> finish();

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace vivim::chat
