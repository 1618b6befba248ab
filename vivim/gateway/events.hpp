#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>

#include "vivim/gateway/services.hpp"
#include "vivim/gateway/websocket.hpp"

namespace vivim::gateway {

/// Most browsers that listen to events at once.
inline constexpr std::size_t k_event_listeners_max = 64;

/// Sends every event to every WebSocket of /api/v2/events. A listener that reads too slowly is
/// closed with 1013 (its WebSocket's queue is the bound) and asks for the state again when it
/// returns.
class EventHub {
 public:
  EventHub() = default;
  EventHub(const EventHub&) = delete;
  EventHub& operator=(const EventHub&) = delete;

  /// `json` is one JSON text with a "type".
  void publish(std::string_view json);
  /// The session of one listener: until it closes. Above the limit it is closed with 1013.
  Co<void> listen(WebSocket& socket);

  std::size_t listeners() const { return listeners_.size(); }

 private:
  std::list<WebSocket*> listeners_;
};

enum class ConversationEvent : std::uint8_t { added, changed, removed };

/// The messages of /api/v2/events (the schema Event of docs/api/openapi.json).
/// Without an id: many at once.
std::string to_event(ConversationEvent event, const std::optional<store::DocumentId>& id);
std::string to_event(const JobStatus& job);
/// The first connection with a peer.
std::string peer_connected_event(std::string_view peer_id, std::string_view address,
                                 std::string_view direction);
/// The end of the last one. `cause`: "local", "remote", "limit", "protocol" or "lost"; `reason`:
/// the same in full.
std::string peer_disconnected_event(std::string_view peer_id, std::string_view cause,
                                    std::string_view reason);
/// `source`: "mdns", "bootstrap", "rendezvous", "gossip" or "identify".
std::string peer_discovered_event(std::string_view peer_id, std::string_view source);
/// `provider` has `content` (a CID, or the id of a conversation), as the DHT or this node says.
std::string content_available_event(std::string_view content, std::string_view provider);
/// `kind`: "received", "delivered", "stored", "expired" or "refused"; `peer_id`: the other side;
/// `topic`: of a circle, in which it was said; empty: to us alone.
std::string message_event(std::string_view kind, std::string_view peer_id, std::string_view id,
                          std::string_view topic = {});
/// How far a joined document is.
struct SyncEvent {
  store::DocumentId document;
  std::string_view peer;      ///< the id of the node that shares it
  std::string_view state;     ///< "waiting", "opened", "synced" or "refused"
  std::uint64_t updates = 0;  ///< that came, since it was opened
  std::uint64_t bytes = 0;
};
std::string to_event(const SyncEvent& progress);
std::string indexing_event(std::int64_t pending);

}  // namespace vivim::gateway
