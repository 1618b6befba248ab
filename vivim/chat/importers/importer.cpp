#include "vivim/chat/importers/importer.hpp"

#include <algorithm>

#include "vivim/chat/importers/assets.hpp"

namespace vivim::chat {

namespace {

constexpr std::size_t k_chunk_bytes = 256 << 10;
constexpr std::uint64_t k_other_file_bytes_max = 16ULL << 20;

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

Problem nothing_there(const std::string& name) {
  return {.kind = ProblemKind::bad_input,
          .code = "import.not_an_export",
          .message = "'" + name + "' holds no conversations of ChatGPT or Claude.",
          .hint =
              "Give the zip file that the provider sent you, the folder that it unpacks to, or "
              "its conversations.json."};
}

}  // namespace

/// Walks the files and keeps the report.
class Importer::State {
 public:
  State(ExportFiles& files, std::string name, Sink& sink, const ImportOptions& options)
      : files_(files),
        name_(std::move(name)),
        sink_(sink),
        options_(options),
        assets_(files, sink, report_, options.attachment_bytes_max) {
    const auto& members = files.members();
    for (const auto& member : members) {
      const bool first = members.size() == 1 || holds_conversations(member.name);
      (first ? conversations_ : others_).push_back(&member);
    }
  }

  Result<bool> step() {
    tell_progress();
    if (options_.cancelled && options_.cancelled()) {
      return fail(ImportError::cancelled);
    }
    if (source_ != nullptr) {
      VIVIM_TRYV(read_piece());
    } else if (next_conversations_ < conversations_.size()) {
      begin(*conversations_[next_conversations_++]);
    } else if (next_other_ < others_.size()) {
      VIVIM_TRYV(keep_other(*others_[next_other_++]));
    } else {
      return false;
    }
    return true;
  }

  Outcome<ImportReport> finish() {
    if (report_.files == 0 && report_.failed == 0) {
      return std::unexpected(nothing_there(name_));
    }
    if (report_.conversations == 0 && report_.failed > 0) {
      auto problem = nothing_there(name_);
      problem.message += " The first problem: " + report_.failures.front().message + ".";
      return std::unexpected(std::move(problem));
    }
    return std::move(report_);
  }

 private:
  void tell_progress() {
    if (options_.progress) {
      const auto total = files_.bytes_total();
      options_.progress(std::min(files_.bytes_read(), total), total);
    }
  }

  void begin(const ExportMember& member) {
    auto source = files_.open(member);
    if (!source) {
      report_.add_failure({.file = member.name, .message = describe(source.error())});
      return;
    }
    ++report_.files;
    member_ = &member;
    source_ = std::move(*source);
    splitter_.emplace(options_.splitter);
  }

  Result<void> read_piece() {
    const auto count = source_->read(chunk_);
    if (!count) {
      damaged(count.error());
      return {};
    }
    if (*count == 0) {
      if (auto end = splitter_->finish(); !end) {
        damaged(end.error());
      }
      source_.reset();
      return {};
    }
    splitter_->feed(as_text(BytesView(chunk_).first(*count)));
    return take_elements();
  }

  Result<void> take_elements() {
    while (true) {
      auto element = splitter_->poll();
      if (!element) {
        damaged(element.error());
        return {};
      }
      if (!*element) {
        return {};
      }
      VIVIM_TRYV(take(*member_, std::move(**element)));
    }
  }

  /// The rest of the file cannot be read. If the break is inside an element, its reader knows
  /// better where.
  void damaged(const Error& error) {
    const auto& member = *member_;
    auto byte = splitter_->position();
    auto line = splitter_->line();
    auto message = describe(error);
    if (const auto rest = splitter_->rest(); !rest.text.empty()) {
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
    source_.reset();
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
  std::string name_;
  Sink& sink_;
  const ImportOptions& options_;
  ImportReport report_;
  Assets assets_;
  JsonIndex json_;
  Bytes chunk_ = Bytes(k_chunk_bytes);
  std::vector<const ExportMember*> conversations_;
  std::vector<const ExportMember*> others_;
  std::size_t next_conversations_ = 0;
  std::size_t next_other_ = 0;
  const ExportMember* member_ = nullptr;  ///< being read, with source_
  std::unique_ptr<ByteSource> source_;
  std::optional<Splitter> splitter_;
};

Importer::Importer(ExportFiles& files, std::string name, Sink& sink, const ImportOptions& options)
    : state_(std::make_unique<State>(files, std::move(name), sink, options)) {}

Importer::~Importer() = default;

Result<bool> Importer::step() {
  return state_->step();
}

Outcome<ImportReport> Importer::finish() {
  return state_->finish();
}

Outcome<ImportReport> import_files(ExportFiles& files, const std::string& name, Sink& sink,
                                   const ImportOptions& options) {
  Importer importer(files, name, sink, options);
  while (true) {
    const auto more = importer.step();
    if (!more) {
      return std::unexpected(Problem::from(more.error(), "Could not import '" + name + "'"));
    }
    if (!*more) {
      return importer.finish();
    }
  }
}

Problem cannot_open(const std::string& path, const Error& error) {
  return Problem::from(error, "Could not open '" + path + "'",
                       "Check the path, and that you may read it.");
}

Outcome<ImportReport> import_export(const std::string& path, Sink& sink,
                                    const ImportOptions& options) {
  auto files = open_export(path, options.archive);
  if (!files) {
    return std::unexpected(cannot_open(path, files.error()));
  }
  return import_files(**files, path, sink, options);
}

}  // namespace vivim::chat
