#include "vivim/gateway/documents.hpp"

#include "vivim/rt/task_group.hpp"
#include "vivim/store/error.hpp"
#include "vivim/sync/error.hpp"

namespace vivim::gateway {

namespace {

CloseCode close_code_for(const Error& error) {
  if (error.is(store::StoreError::not_found) || error.is(sync::SyncError::no_document)) {
    return CloseCode::no_such_document;
  }
  if (error.is(sync::SyncError::stopped)) {
    return CloseCode::going_away;
  }
  const bool later = error.is(sync::SyncError::too_many_documents) ||
                     error.is(sync::SyncError::too_many_subscribers);
  return later ? CloseCode::try_again_later : CloseCode::internal;
}

void refuse(WebSocket& socket, const Error& error) {
  socket.close(close_code_for(error), error.message());
}

/// Sends what the channel has, until it or the socket ends.
Co<void> send_all(sync::BrowserChannel& channel, WebSocket& socket) {
  for (;;) {
    while (auto message = channel.next_message()) {
      if (!co_await socket.send(Message::binary(std::move(*message)))) {
        co_return;
      }
    }
    if (const auto& end = channel.ended()) {
      socket.close(static_cast<CloseCode>(end->code), end->reason);
      co_return;
    }
    co_await channel.wait();
  }
}

Co<void> receive_all(sync::BrowserChannel& channel, WebSocket& socket) {
  for (;;) {
    const auto message = co_await socket.receive();
    if (!message) {
      co_return;
    }
    if (message->kind != Message::Kind::binary) {
      socket.close(CloseCode::malformed, "messages of this protocol are binary");
      co_return;
    }
    if (!channel.receive(message->data)) {
      co_return;  // the sender closes the socket, after what was answered before
    }
    co_await channel.room();
  }
}

}  // namespace

Co<void> SyncDocuments::serve(std::string document, WebSocket& socket) {
  socket.set_too_large_code(CloseCode::too_large);
  const auto id = store::DocumentId::parse(document);
  if (!id) {
    socket.close(CloseCode::no_such_document, "not a document's id");
    co_return;
  }
  auto lease = co_await hub_.open(*id);
  if (!lease) {
    refuse(socket, lease.error());
    co_return;
  }
  sync::BrowserChannel channel(loop_, std::move(*lease));
  if (const auto started = channel.start(); !started) {
    refuse(socket, started.error());
    co_return;
  }
  rt::TaskGroup tasks(loop_);
  tasks.spawn("browser sender", send_all(channel, socket));
  co_await receive_all(channel, socket);
  channel.leave();
  co_await tasks.stop();
}

}  // namespace vivim::gateway
