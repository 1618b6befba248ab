#include "vivim/chat/importers/importer.hpp"

#include <algorithm>

#include "vivim/chat/importers/assets.hpp"

namespace vivim::chat {

namespace {

constexpr std::size_t k_chunk_bytes = 256 << 10;
constexpr std::uint64_t k_other_file_bytes_max = 16ULL << 20;

std::string_view base_name(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

/// `conversations.json`, `conversations-000.json`, `conversations/<id>.json`.
bool holds_conversations(std::string_view name) {
  const auto base = base_name(name);
  const auto folder = name.substr(0, name.size() - base.size());
  return base.ends_with(".json") &&
         (base == "conversations.json" || base.starts_with("conversations-") ||
          folder == "conversations/" || folder.ends_with("/conversations/"));
}

std::string describe(const Error& error) {
  return std::string(error.domain().describe(error.code()).message);
}

std::string place(std::string_view file, std::uint64_t byte, std::uint64_t line) {
  return std::string(file) + ", byte " + std::to_string(byte) + ", line " + std::to_string(line);
}

/// One import: walks the files and keeps the report.
class Import {
 public:
  Import(ExportFiles& files, Sink& sink, const ImportOptions& options)
      : files_(files),
        sink_(sink),
        options_(options),
        assets_(files, sink, report_, options.attachment_bytes_max) {}

  /// Errors: the sink's, or cancelled.
  Result<void> run() {
    const auto& members = files_.members();
    const bool single = members.size() == 1;
    for (const auto& member : members) {
      if (single || holds_conversations(member.name)) {
        VIVIM_TRYV(read(member));
      }
    }
    for (const auto& member : members) {
      if (!single && !holds_conversations(member.name)) {
        VIVIM_TRYV(keep_other(member));
      }
    }
    tell_progress();
    return {};
  }

  ImportReport take_report() { return std::move(report_); }

 private:
  void tell_progress() {
    if (options_.progress) {
      const auto total = files_.bytes_total();
      options_.progress(std::min(files_.bytes_read(), total), total);
    }
  }

  Result<void> read(const ExportMember& member) {
    Splitter splitter(options_.splitter);
    auto source = files_.open(member);
    if (!source) {
      report_.add_failure({.file = member.name, .message = describe(source.error())});
      return {};
    }
    ++report_.files;
    while (true) {
      const auto count = (*source)->read(chunk_);
      if (!count) {
        return damaged(member, splitter, count.error());
      }
      if (*count == 0) {
        break;
      }
      splitter.feed(as_text(BytesView(chunk_).first(*count)));
      VIVIM_TRY(const bool readable, take_elements(member, splitter));
      if (!readable) {
        return {};
      }
    }
    if (auto end = splitter.finish(); !end) {
      return damaged(member, splitter, end.error());
    }
    return {};
  }

  /// False when the file holds something that is not a list of conversations; what follows cannot
  /// be read.
  Result<bool> take_elements(const ExportMember& member, Splitter& splitter) {
    tell_progress();
    if (options_.cancelled && options_.cancelled()) {
      return fail(ImportError::cancelled);
    }
    while (true) {
      auto element = splitter.poll();
      if (!element) {
        VIVIM_TRYV(damaged(member, splitter, element.error()));
        return false;
      }
      if (!*element) {
        return true;
      }
      VIVIM_TRYV(take(member, std::move(**element)));
    }
  }

  /// The rest of the file cannot be read. If the break is inside an element, its reader knows
  /// better where.
  Result<void> damaged(const ExportMember& member, const Splitter& splitter, const Error& error) {
    auto byte = splitter.position();
    auto line = splitter.line();
    auto message = describe(error);
    if (const auto rest = splitter.rest(); !rest.text.empty()) {
      const auto parsed = json_.parse(rest.view(), options_.json);
      if (!parsed && !parsed.error().is(JsonError::unexpected_end)) {
        byte = rest.offset + parsed.error().detail();
        line = line_of(rest, parsed.error().detail());
        message = describe(parsed.error());
      }
    }
    report_.add_failure({.file = member.name,
                         .byte = byte,
                         .line = line,
                         .message = place(member.name, byte, line) + ": " + message});
    return {};
  }

  static std::uint64_t line_of(const Element& element, std::uint64_t position) {
    const auto upto = std::min<std::uint64_t>(position, element.text.size());
    return element.line + static_cast<std::uint64_t>(std::count(
                              element.text.begin(),
                              element.text.begin() + static_cast<std::ptrdiff_t>(upto), '\n'));
  }

  void refuse(const ExportMember& member, const Element& element, const Error& error,
              std::uint64_t position = 0) {
    const auto byte = element.offset + position;
    const auto line = line_of(element, position);
    report_.add_failure({.file = member.name,
                         .byte = byte,
                         .line = line,
                         .message = place(member.name, byte, line) + ": " + describe(error)});
  }

  Result<void> take(const ExportMember& member, Element element) {
    report_.bytes += element.size;
    if (element.too_large) {
      refuse(member, element, Error(ImportError::element_too_large));
      return {};
    }
    if (const auto parsed = json_.parse(element.view(), options_.json); !parsed) {
      refuse(member, element, parsed.error(), parsed.error().detail());
      return {};
    }
    const MapContext context{.assets = &assets_, .report = report_, .imported = options_.now};
    Imported imported;
    imported.source.swap(element.text);
    const auto mapped = map_conversation(json_.root(), context, imported);
    if (!mapped) {
      element.text.swap(imported.source);
      refuse(member, element, mapped.error());
      return {};
    }
    if (assets_.sink_error()) {
      return fail(*assets_.sink_error());
    }
    return sink_.conversation(std::move(imported));
  }

  /// Accounts, feedback, projects and memories: kept as they are, since nothing here understands
  /// them.
  Result<void> keep_other(const ExportMember& member) {
    if (!member.name.ends_with(".json")) {
      return {};
    }
    report_.other_files.push_back(member.name);
    auto bytes = read_member(files_, member, k_other_file_bytes_max);
    if (!bytes || !*bytes) {
      return {};
    }
    const auto id = ContentId::of(**bytes);
    return sink_.file({.name = member.name, .id = id, .bytes = std::move(**bytes)});
  }

  ExportFiles& files_;
  Sink& sink_;
  const ImportOptions& options_;
  ImportReport report_;
  Assets assets_;
  JsonIndex json_;
  Bytes chunk_ = Bytes(k_chunk_bytes);
};

Problem nothing_there(const std::string& name) {
  return {.kind = ProblemKind::bad_input,
          .code = "import.not_an_export",
          .message = "'" + name + "' holds no conversations of ChatGPT or Claude.",
          .hint =
              "Give the zip file that the provider sent you, the folder that it unpacks to, or "
              "its conversations.json."};
}

}  // namespace

Outcome<ImportReport> import_files(ExportFiles& files, const std::string& name, Sink& sink,
                                   const ImportOptions& options) {
  Import import_job(files, sink, options);
  const auto outcome = import_job.run();
  if (!outcome) {
    return std::unexpected(Problem::from(outcome.error(), "Could not import '" + name + "'"));
  }
  auto report = import_job.take_report();
  if (report.files == 0 && report.failed == 0) {
    return std::unexpected(nothing_there(name));
  }
  if (report.conversations == 0 && report.failed > 0) {
    auto problem = nothing_there(name);
    problem.message += " The first problem: " + report.failures.front().message + ".";
    return std::unexpected(std::move(problem));
  }
  return report;
}

Outcome<ImportReport> import_export(const std::string& path, Sink& sink,
                                    const ImportOptions& options) {
  auto files = open_export(path, options.archive);
  if (!files) {
    return std::unexpected(Problem::from(files.error(), "Could not open '" + path + "'",
                                         "Check the path, and that you may read it."));
  }
  return import_files(**files, path, sink, options);
}

}  // namespace vivim::chat
