#include "vivim/gateway/events.hpp"

#include "vivim/gateway/api_json.hpp"

namespace vivim::gateway {

namespace {

using Members = std::initializer_list<std::pair<std::string_view, std::string_view>>;

/// `{"type": type, "name": value, ...}`
std::string event(std::string_view type, Members members) {
  std::string out;
  chat::JsonWriter writer(out);
  writer.begin_object();
  writer.key("type");
  writer.string(type);
  for (const auto& [name, value] : members) {
    writer.key(name);
    writer.string(value);
  }
  writer.end_object();
  return out;
}

}  // namespace

void EventHub::publish(std::string_view json) {
  for (WebSocket* listener : listeners_) {
    (void)listener->try_send(Message::text(json));
  }
}

Co<void> EventHub::listen(WebSocket& socket) {
  if (listeners_.size() >= k_event_listeners_max) {
    socket.close(CloseCode::try_again_later, "too many listeners");
    co_return;
  }
  const auto place = listeners_.insert(listeners_.end(), &socket);
  while (co_await socket.receive()) {
    // What a browser says here means nothing; receiving keeps pings answered.
  }
  listeners_.erase(place);
}

std::string to_event(ConversationEvent kind, const std::optional<store::DocumentId>& id) {
  const std::string type = kind == ConversationEvent::added     ? "conversation:added"
                           : kind == ConversationEvent::changed ? "conversation:changed"
                                                                : "conversation:removed";
  return id ? event(type, {{"id", id->to_text()}}) : "{\"type\":\"" + type + "\"}";
}

std::string to_event(const JobStatus& job) {
  std::string head = event("job:progress", {{"job", job.id}});
  head.back() = ',';
  return head + to_json(job).substr(1);
}

std::string peer_connected_event(std::string_view peer_id, std::string_view address,
                                 std::string_view direction) {
  return event("peer:connected",
               {{"peer", peer_id}, {"address", address}, {"direction", direction}});
}

std::string peer_disconnected_event(std::string_view peer_id, std::string_view cause,
                                    std::string_view reason) {
  return event("peer:disconnected", {{"peer", peer_id}, {"cause", cause}, {"reason", reason}});
}

std::string peer_discovered_event(std::string_view peer_id, std::string_view source) {
  return event("peer:discovered", {{"peer", peer_id}, {"source", source}});
}

std::string content_available_event(std::string_view content, std::string_view provider) {
  return event("content:available", {{"content", content}, {"provider", provider}});
}

std::string message_event(std::string_view kind, std::string_view peer_id, std::string_view id,
                          std::string_view topic) {
  const std::string type = "message:" + std::string(kind);
  return topic.empty() ? event(type, {{"peer", peer_id}, {"id", id}})
                       : event(type, {{"peer", peer_id}, {"id", id}, {"topic", topic}});
}

std::string to_event(const SyncEvent& progress) {
  std::string out = event("sync:progress", {{"document", progress.document.to_text()},
                                            {"peer", progress.peer},
                                            {"state", progress.state}});
  out.back() = ',';
  return out + "\"updates\":" + std::to_string(progress.updates) +
         ",\"bytes\":" + std::to_string(progress.bytes) + "}";
}

std::string indexing_event(std::int64_t pending) {
  return "{\"type\":\"indexing:progress\",\"pending\":" + std::to_string(pending) + "}";
}

}  // namespace vivim::gateway
