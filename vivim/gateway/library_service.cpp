#include "vivim/gateway/library_service.hpp"

#include <charconv>

#include "vivim/crdt/update.hpp"
#include "vivim/store/blobs.hpp"
#include "vivim/store/error.hpp"

namespace vivim::gateway {

namespace {

constexpr std::size_t k_file_name_bytes_max = 80;

/// A file's name from a title: no separators, not hidden, not too long.
std::string file_name_of(std::string_view title, chat::ExportFormat format) {
  std::size_t end = std::min(title.size(), k_file_name_bytes_max);
  while (end < title.size() && end > 0 && (static_cast<unsigned char>(title[end]) & 0xc0) == 0x80) {
    --end;  // not through a character
  }
  std::string name;
  for (const char c : title.substr(0, end)) {
    const auto byte = static_cast<unsigned char>(c);
    const bool safe = byte >= 0x20 && byte != 0x7f && c != '/' && c != '\\' && c != ':';
    name.push_back(safe ? c : ' ');
  }
  const auto first = name.find_first_not_of(" .");
  name = first == std::string::npos ? "conversation" : name.substr(first);
  return name + "." + std::string(chat::file_extension(format));
}

bool readable(BytesView update) {
  return crdt::state_vector_from_update(update).has_value();
}

JobStatus::State state_of(chat::JobState state) {
  switch (state) {
    case chat::JobState::running:
      return JobStatus::State::running;
    case chat::JobState::done:
      return JobStatus::State::done;
    case chat::JobState::failed:
      return JobStatus::State::failed;
  }
  return JobStatus::State::failed;
}

Problem no_such_job() {
  return {.kind = ProblemKind::not_found,
          .code = "job_not_found",
          .message = "There is no such job.",
          .hint = "Jobs are forgotten when the node stops."};
}

}  // namespace

ChatLibrary::ChatLibrary(chat::Library& library, store::Store& store, sync::Sharing* sharing,
                         EventHub& events)
    : library_(library), store_(store), sharing_(sharing), events_(events) {
  library_.watch([this](const chat::LibraryEvent& event) { publish(event); });
}

void ChatLibrary::publish(const chat::LibraryEvent& event) {
  using Kind = chat::LibraryEvent::Kind;
  if (events_.listeners() == 0) {
    return;
  }
  switch (event.kind) {
    case Kind::added:
      events_.publish(to_event(ConversationEvent::added, event.id));
      return;
    case Kind::changed:
      events_.publish(to_event(ConversationEvent::changed, event.id));
      return;
    case Kind::removed:
      events_.publish(to_event(ConversationEvent::removed, event.id));
      return;
    case Kind::job:
      if (const auto status = status_of(event.job)) {
        events_.publish(to_event(*status));
      }
      return;
    case Kind::indexing:
      events_.publish(indexing_event(event.pending));
      return;
  }
}

Co<Outcome<store::DocumentId>> ChatLibrary::resolve(std::string text) {
  co_return co_await library_.resolve(std::move(text));
}

Co<Outcome<store::ConversationPage>> ChatLibrary::list(store::ConversationSort sort,
                                                       std::size_t limit,
                                                       std::optional<std::string> after) {
  co_return co_await library_.list(sort, limit, std::move(after));
}

Co<Outcome<store::DocumentId>> ChatLibrary::create(std::string title) {
  co_return co_await library_.create(std::move(title));
}

Co<Outcome<chat::Conversation>> ChatLibrary::read(store::DocumentId id) {
  VIVIM_CO_TRY(auto view, co_await library_.get(id.to_text()));
  co_return std::move(view.conversation);
}

Co<Outcome<void>> ChatLibrary::rename(store::DocumentId id, std::string title) {
  co_return co_await library_.rename(id.to_text(), std::move(title));
}

Co<Outcome<void>> ChatLibrary::remove(store::DocumentId id) {
  if (sharing_ != nullptr) {
    VIVIM_CO_TRYV(co_await sharing_->leave(id));
  }
  co_return co_await library_.remove(id.to_text());
}

Co<Outcome<std::string>> ChatLibrary::add_turn(store::DocumentId id, NewTurn turn) {
  chat::TurnRequest request{.parent = std::move(turn.parent),
                            .role = turn.role,
                            .text = std::move(turn.text),
                            .name = ""};
  co_return co_await library_.add_turn(id.to_text(), std::move(request));
}

Co<Outcome<void>> ChatLibrary::edit_turn(store::DocumentId id, std::string turn, std::string text) {
  co_return co_await library_.edit_turn(id.to_text(), std::move(turn), std::move(text));
}

Co<Outcome<void>> ChatLibrary::remove_turn(store::DocumentId id, std::string turn) {
  co_return co_await library_.delete_turn(id.to_text(), std::move(turn));
}

Co<Outcome<ExportedFile>> ChatLibrary::export_file(store::DocumentId id,
                                                   chat::ExportFormat format) {
  VIVIM_CO_TRY(const auto view, co_await library_.get(id.to_text()));
  std::string text;
  chat::export_conversation(view.conversation, format,
                            [&text](std::string_view piece) { text += piece; });
  co_return ExportedFile{.content_type = std::string(chat::media_type(format)),
                         .file_name = file_name_of(view.conversation.title, format),
                         .body = std::move(text)};
}

Co<Outcome<store::SearchResult>> ChatLibrary::search(store::SearchRequest request) {
  co_return co_await library_.search(std::move(request));
}

Co<Outcome<Blob>> ChatLibrary::blob(store::BlobId id) {
  auto bytes = co_await store_.read(
      [id](store::Database& database) { return store::Blobs(database).get(id); });
  if (bytes) {
    co_return Blob{.bytes = std::move(*bytes), .mime = ""};
  }
  if (bytes.error().is(store::StoreError::not_found)) {
    co_return std::unexpected(Problem{.kind = ProblemKind::not_found,
                                      .code = "blob_not_found",
                                      .message = "This node does not have that block.",
                                      .hint = "It may still be on its way from another node."});
  }
  co_return std::unexpected(Problem::from(bytes.error(), "Could not read the block"));
}

Co<Outcome<std::vector<store::Check>>> ChatLibrary::doctor() {
  auto checks = co_await store_.read([](store::Database& database) {
    return Result<std::vector<store::Check>>(store::examine(database, readable));
  });
  if (!checks) {
    co_return std::unexpected(Problem::from(checks.error(), "Could not check the database"));
  }
  co_return std::move(*checks);
}

Co<Outcome<std::string>> ChatLibrary::start(std::string path,
                                            std::move_only_function<void()> when_done) {
  // The library keeps a copyable function.
  const auto done = std::make_shared<std::move_only_function<void()>>(std::move(when_done));
  VIVIM_CO_TRY(const auto job, library_.start_import(std::move(path), [done] { (*done)(); }));
  co_return std::to_string(job);
}

Co<Outcome<JobStatus>> ChatLibrary::job(std::string id) {
  std::uint64_t number = 0;
  const auto* end = id.data() + id.size();
  const auto parsed = std::from_chars(id.data(), end, number);
  if (parsed.ec != std::errc{} || parsed.ptr != end) {
    co_return std::unexpected(no_such_job());
  }
  co_return status_of(number);
}

Outcome<JobStatus> ChatLibrary::status_of(std::uint64_t job) const {
  VIVIM_TRY(const auto status, library_.job(job));
  return JobStatus{.id = std::to_string(status.id),
                   .state = state_of(status.state),
                   .bytes = status.bytes,
                   .bytes_total = status.bytes_total,
                   .report = status.outcome ? chat::outcome_json(*status.outcome) : "",
                   .problem = status.problem};
}

}  // namespace vivim::gateway
