#include "vivim/gateway/events.hpp"

namespace vivim::gateway {

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

}  // namespace vivim::gateway
