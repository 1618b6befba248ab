#include "vivim/gateway/events.hpp"

#include "vivim/gateway/api_json.hpp"

namespace vivim::gateway {

namespace {

/// `{"type": type, "name": value}`
std::string event(std::string_view type, std::string_view name, std::string_view value,
                  std::string_view detail_name = {}, std::string_view detail = {}) {
  std::string out;
  chat::JsonWriter writer(out);
  writer.begin_object();
  writer.key("type");
  writer.string(type);
  writer.key(name);
  writer.string(value);
  if (!detail.empty()) {
    writer.key(detail_name);
    writer.string(detail);
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
  return id ? event(type, "id", id->to_text()) : "{\"type\":\"" + type + "\"}";
}

std::string to_event(const JobStatus& job) {
  std::string head = event("job:progress", "job", job.id);
  head.back() = ',';
  return head + to_json(job).substr(1);
}

std::string to_event(PeerEvent kind, std::string_view peer_id, std::string_view detail) {
  switch (kind) {
    case PeerEvent::connected:
      return event("peer:connected", "peer", peer_id);
    case PeerEvent::disconnected:
      return event("peer:disconnected", "peer", peer_id, "reason", detail);
    case PeerEvent::discovered:
      return event("peer:discovered", "peer", peer_id, "source", detail);
  }
  return {};
}

std::string indexing_event(std::int64_t pending) {
  return "{\"type\":\"indexing:progress\",\"pending\":" + std::to_string(pending) + "}";
}

}  // namespace vivim::gateway
