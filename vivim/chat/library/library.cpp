#include "vivim/chat/library/library.hpp"

#include <algorithm>

#include "vivim/chat/document.hpp"
#include "vivim/chat/keys.hpp"
#include "vivim/chat/library/rows.hpp"
#include "vivim/crdt/map.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/store/documents.hpp"

namespace vivim::chat {

namespace {

constexpr std::size_t k_document_id_text = 26;

Problem no_such_conversation(const std::string& id) {
  return {.kind = ProblemKind::not_found,
          .code = "conversation_not_found",
          .message = "No conversation matches '" + id + "'.",
          .hint = "List them with: vivim ls"};
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

}  // namespace

Problem ambiguous_id(const std::string& id, const std::vector<store::DocumentId>& candidates) {
  std::string list;
  for (const auto& candidate : candidates) {
    list += (list.empty() ? "" : ", ") + candidate.to_text();
  }
  return {.kind = ProblemKind::bad_input,
          .code = "conversation_ambiguous",
          .message = "'" + id + "' is the beginning of several ids: " + list + ".",
          .hint = "Give more of the id."};
}

Library::Library(Parts parts, LibraryOptions options)
    : parts_(parts),
      options_(std::move(options)),
      indexer_(parts.loop, parts.store, parts.packer, options_.indexer),
      tasks_(parts.loop) {
  indexer_.on_progress = [this](std::int64_t pending) {
    tell({.kind = LibraryEvent::Kind::indexing, .pending = pending});
  };
  // Told when lists and searches show it, so that who asks then gets the new state.
  indexer_.on_indexed = [this](const store::DocumentId& id) {
    tell({.kind = LibraryEvent::Kind::changed, .id = id});
  };
}

Library::~Library() = default;

void Library::start() {
  tasks_.spawn("library: index", indexer_.run());
}

rt::Co<void> Library::stop() {
  indexer_.stop();
  if (running_ != nullptr) {
    running_->cancel();
  }
  co_await tasks_.stop();
}

void Library::tell(const LibraryEvent& event) {
  for (const auto& watcher : watchers_) {
    watcher(event);
  }
}

void Library::note_changed(const store::DocumentId& id) {
  indexer_.note_changed(id);
}

rt::Co<Outcome<store::DocumentId>> Library::resolve(std::string id) {
  const auto prefix = lower(id);
  if (prefix.empty() || prefix.size() > k_document_id_text) {
    co_return std::unexpected(no_such_conversation(id));
  }
  constexpr std::size_t k_candidates = 5;
  const auto found = co_await parts_.store.read([&prefix](store::Database& database) {
    return store::Documents(database).find_prefix(prefix, k_candidates);
  });
  if (!found && found.error().is(store::StoreError::malformed)) {
    co_return std::unexpected(no_such_conversation(id));
  }
  if (!found) {
    co_return std::unexpected(problem_of(found.error(), "Could not look for '" + id + "'"));
  }
  if (found->empty()) {
    co_return std::unexpected(no_such_conversation(id));
  }
  if (found->size() > 1) {
    co_return std::unexpected(ambiguous_id(id, *found));
  }
  co_return found->front();
}

rt::Co<Outcome<store::ConversationPage>> Library::list(store::ConversationSort sort,
                                                       std::size_t limit,
                                                       std::optional<std::string> after) {
  auto page = co_await parts_.store.read([&](store::Database& database) {
    return store::Conversations(database).list(sort, limit, after);
  });
  if (page) {
    co_return std::move(*page);
  }
  auto problem = problem_of(page.error(), "Could not list the conversations");
  if (page.error().is(store::StoreError::malformed)) {
    problem.kind = ProblemKind::bad_input;
    problem.hint = "Pass `after` exactly as the page before gave it as `next`.";
  }
  co_return std::unexpected(std::move(problem));
}

rt::Co<Outcome<std::int64_t>> Library::count() {
  const auto count = co_await parts_.store.read(
      [](store::Database& database) { return store::Conversations(database).count(); });
  if (!count) {
    co_return std::unexpected(problem_of(count.error(), "Could not count the conversations"));
  }
  co_return *count;
}

rt::Co<Outcome<ConversationView>> Library::get(std::string id) {
  const auto document = co_await resolve(id);
  if (!document) {
    co_return std::unexpected(document.error());
  }
  ConversationView view{.id = *document};
  const auto read = co_await parts_.documents.read(
      *document, [&view](crdt::Doc& doc) { view.conversation = from_document(doc); });
  if (!read) {
    co_return std::unexpected(problem_of(read.error(), "Could not open conversation '" + id + "'"));
  }
  const auto row = co_await parts_.store.read(
      [&view](store::Database& database) { return store::Conversations(database).get(view.id); });
  view.shared = row && (row->flags & store::k_conversation_shared) != 0;
  co_return std::move(view);
}

rt::Co<Outcome<store::DocumentId>> Library::create(std::string title) {
  const std::string doing = "Could not create a conversation";
  if (title.size() > k_title_bytes_max) {
    co_return std::unexpected(problem_of(Error(ChatError::text_too_large, title.size()), doing));
  }
  const auto time = now();
  store::DocumentId id;
  parts_.rng.fill(id.bytes);
  crdt::Doc doc(crdt::ClientId{parts_.rng.below(std::uint64_t{1} << 32)});
  Conversation conversation{.title = sanitize_utf8(title),
                            .created = static_cast<Time>(time),
                            .updated = static_cast<Time>(time)};
  to_document(conversation, doc);
  const store::NewConversation fresh{.row = row_of(conversation, id, time), .snapshot = {}};
  auto snapshot = crdt::encode_state_as_update(doc);
  const auto written = co_await parts_.store.write([&](store::Database& database) {
    auto one = fresh;
    one.snapshot = snapshot;
    return store::Conversations(database).insert_many({&one, 1});
  });
  if (!written) {
    co_return std::unexpected(problem_of(written.error(), doing));
  }
  indexer_.wake();
  tell({.kind = LibraryEvent::Kind::added, .id = id});
  co_return id;
}

rt::Co<Result<void>> Library::refresh_row(store::DocumentId id, Conversation conversation) {
  auto row = row_of(conversation, id, now());
  co_return co_await parts_.store.write([&row](store::Database& database) -> Result<void> {
    store::Conversations conversations(database);
    if (const auto known = conversations.get(row.id)) {
      row.flags = known->flags;
    }
    VIVIM_TRYV(conversations.put(row));
    return store::Search(database).enqueue(row.id);
  });
}

rt::Co<Outcome<void>> Library::adopt(store::DocumentId id, std::string title) {
  Conversation conversation;
  auto done = co_await parts_.documents.read(
      id, [&conversation](crdt::Doc& doc) { conversation = from_document(doc); });
  if (done) {
    conversation.title = conversation.title.empty() ? sanitize_utf8(title) : conversation.title;
    done = co_await refresh_row(id, std::move(conversation));
  }
  // a copy of a conversation that is here under another id stays out of the list
  if (!done && !done.error().is(store::StoreError::exists)) {
    co_return std::unexpected(problem_of(done.error(), "Could not list the conversation"));
  }
  indexer_.wake();
  tell({.kind = LibraryEvent::Kind::added, .id = id});
  co_return Outcome<void>();
}

rt::Co<Outcome<void>> Library::edit(std::string id, std::string doing, Body body) {
  const auto document = co_await resolve(id);
  if (!document) {
    co_return std::unexpected(document.error());
  }
  Result<void> done;
  Conversation after;
  auto written = co_await parts_.documents.edit(*document, [&](crdt::Doc& doc) {
    done = body(doc);
    if (done) {
      after = from_document(doc);
    }
  });
  if (written && !done) {
    written = done;
  }
  if (written) {
    written = co_await refresh_row(*document, std::move(after));
  }
  if (!written) {
    co_return std::unexpected(problem_of(written.error(), doing + " of conversation '" + id + "'"));
  }
  note_changed(*document);
  co_return Outcome<void>();
}

rt::Co<Outcome<void>> Library::rename(std::string id, std::string title) {
  Body body = [&title](crdt::Doc& doc) { return chat::set_title(doc, title); };
  co_return co_await edit(std::move(id), "Could not change the title", std::move(body));
}

rt::Co<Outcome<std::string>> Library::add_turn(std::string id, TurnRequest request) {
  std::array<std::uint8_t, 16> random{};
  parts_.rng.fill(random);
  NewTurn turn{.id = turn_id(random),
               .parent = std::move(request.parent),
               .role = request.role,
               .text = std::move(request.text),
               .time = static_cast<Time>(now()),
               .name = std::move(request.name)};
  Body body = [&turn](crdt::Doc& doc) {
    if (!turn.parent) {
      turn.parent = crdt::root(doc, keys::Conversation::meta).get(keys::Meta::current);
    }
    return chat::add_turn(doc, turn);
  };
  const auto done = co_await edit(std::move(id), "Could not add a turn", std::move(body));
  if (!done) {
    co_return std::unexpected(done.error());
  }
  co_return turn.id;
}

rt::Co<Outcome<void>> Library::edit_turn(std::string id, std::string turn, std::string text) {
  Body body = [&](crdt::Doc& doc) { return chat::set_text(doc, turn, text); };
  co_return co_await edit(std::move(id), "Could not change turn '" + turn + "'", std::move(body));
}

rt::Co<Outcome<void>> Library::delete_turn(std::string id, std::string turn) {
  Body body = [&](crdt::Doc& doc) { return chat::delete_turn(doc, turn); };
  co_return co_await edit(std::move(id), "Could not delete turn '" + turn + "'", std::move(body));
}

rt::Co<Outcome<void>> Library::set_current(std::string id, std::string turn) {
  Body body = [&](crdt::Doc& doc) { return chat::set_current(doc, turn); };
  co_return co_await edit(std::move(id), "Could not go to turn '" + turn + "'", std::move(body));
}

rt::Co<Outcome<void>> Library::remove(std::string id) {
  const auto document = co_await resolve(id);
  if (!document) {
    co_return std::unexpected(document.error());
  }
  parts_.documents.forget(*document);
  const auto removed = co_await parts_.store.write([&document](store::Database& database) {
    return store::Documents(database).remove(*document);
  });
  if (!removed) {
    co_return std::unexpected(
        problem_of(removed.error(), "Could not remove conversation '" + id + "'"));
  }
  tell({.kind = LibraryEvent::Kind::removed, .id = *document});
  co_return Outcome<void>();
}

rt::Co<Outcome<store::SearchResult>> Library::search(store::SearchRequest request) {
  auto found = co_await parts_.store.read(
      [&request](store::Database& database) { return store::Search(database).find(request); });
  if (!found) {
    co_return std::unexpected(problem_of(found.error(), "Could not search"));
  }
  co_return std::move(*found);
}

rt::Co<Outcome<std::int64_t>> Library::index_pending() {
  const auto pending = co_await parts_.store.read(
      [](store::Database& database) { return store::Search(database).pending(); });
  if (!pending) {
    co_return std::unexpected(problem_of(pending.error(), "Could not ask the index"));
  }
  co_return *pending;
}

rt::Co<Outcome<void>> Library::export_to(std::string id, ExportFormat format, TextSink sink,
                                         ExportOptions options) {
  const auto view = co_await get(std::move(id));
  if (!view) {
    co_return std::unexpected(view.error());
  }
  export_conversation(view->conversation, format, sink, options);
  co_return Outcome<void>();
}

}  // namespace vivim::chat
