#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "vivim/base/problem.hpp"
#include "vivim/chat/exporters/exporter.hpp"
#include "vivim/chat/model.hpp"
#include "vivim/gateway/http.hpp"
#include "vivim/gateway/websocket.hpp"
#include "vivim/store/conversations.hpp"
#include "vivim/store/doctor.hpp"
#include "vivim/store/grants.hpp"
#include "vivim/store/search.hpp"

namespace vivim::gateway {

/// What somebody adds to a conversation.
struct NewTurn {
  std::optional<std::string> parent;  ///< none: after the current leaf
  chat::Role role = chat::Role::user;
  std::string text;
};

/// A conversation as a file.
struct ExportedFile {
  std::string content_type;
  std::string file_name;  ///< for the browser's download
  Response::Body body;
};

/// Immutable bytes and what they are, as far as it is known.
struct Blob {
  Bytes bytes;
  std::string mime;  ///< empty: not known
};

/// The conversations of this node. Implemented over chat::library; the handlers know no more than
/// this. `id` parameters of handlers are texts: a whole document id or a prefix that only one has.
class LibraryService {
 public:
  virtual ~LibraryService() = default;
  /// not_found, or bad_input when several documents begin so.
  virtual Co<Outcome<store::DocumentId>> resolve(std::string text) = 0;
  virtual Co<Outcome<store::ConversationPage>> list(store::ConversationSort sort, std::size_t limit,
                                                    std::optional<std::string> after) = 0;
  virtual Co<Outcome<store::DocumentId>> create(std::string title) = 0;
  virtual Co<Outcome<chat::Conversation>> read(store::DocumentId id) = 0;
  virtual Co<Outcome<void>> rename(store::DocumentId id, std::string title) = 0;
  virtual Co<Outcome<void>> remove(store::DocumentId id) = 0;
  /// The new turn's id.
  virtual Co<Outcome<std::string>> add_turn(store::DocumentId id, NewTurn turn) = 0;
  virtual Co<Outcome<void>> edit_turn(store::DocumentId id, std::string turn, std::string text) = 0;
  virtual Co<Outcome<void>> remove_turn(store::DocumentId id, std::string turn) = 0;
  virtual Co<Outcome<ExportedFile>> export_file(store::DocumentId id,
                                                chat::ExportFormat format) = 0;
  virtual Co<Outcome<store::SearchResult>> search(store::SearchRequest request) = 0;
  virtual Co<Outcome<Blob>> blob(store::BlobId id) = 0;
  virtual Co<Outcome<std::vector<store::Check>>> doctor() = 0;
};

/// How an import goes.
struct JobStatus {
  enum class State : std::uint8_t { running, done, failed };
  std::string id;
  State state = State::running;
  std::uint64_t bytes = 0;
  std::uint64_t bytes_total = 0;
  std::string report;  ///< JSON object, when done
  std::optional<Problem> problem;
};

/// Imports that run in the background.
class ImportService {
 public:
  virtual ~ImportService() = default;
  /// Begins to import the file or folder `path` of the node's machine; returns the job's id.
  /// `when_done` is called on the loop when the job no longer needs the path, also when it fails.
  virtual Co<Outcome<std::string>> start(std::string path,
                                         std::move_only_function<void()> when_done) = 0;
  virtual Co<Outcome<JobStatus>> job(std::string id) = 0;
};

/// A ticket in its three forms.
struct SharedTicket {
  std::string ticket;
  std::string url;
  std::string grant;
};

struct ShareGrant {
  std::string grant;
  store::Access access = store::Access::write;
  bool made_by_us = false;
  std::int64_t created_ms = 0;
  std::optional<std::int64_t> revoked_ms;
};

/// Somebody who is connected to a document now.
struct ShareMember {
  std::string peer_id;
  std::string address;
};

struct DocumentShares {
  std::vector<ShareGrant> grants;
  std::vector<ShareMember> members;
};

struct Joined {
  store::DocumentId id;
  std::string title;
  std::string state;   ///< "synced"; "waiting": the other node could not be reached yet
  std::string detail;  ///< why it waits
};

/// Tickets and grants.
class ShareService {
 public:
  virtual ~ShareService() = default;
  virtual Co<Outcome<SharedTicket>> share(store::DocumentId id, store::Access access) = 0;
  virtual Co<Outcome<DocumentShares>> shares(store::DocumentId id) = 0;
  virtual Co<Outcome<void>> revoke(store::DocumentId id) = 0;
  virtual Co<Outcome<Joined>> join(std::string ticket) = 0;
};

/// The node as `vivim status` shows it.
struct NodeStatus {
  std::string version;
  std::string peer_id;
  std::string http;  ///< "http://127.0.0.1:8470/"
  std::vector<std::string> listen;
  std::string home;
  std::int64_t uptime_ms = 0;
  std::int64_t conversations = 0;
  std::int64_t documents_open = 0;
  std::int64_t peers = 0;
  std::string reachability;     ///< "public", "private", "unknown"
  std::string private_network;  ///< the key's fingerprint; empty: the public network
  std::int64_t indexing_pending = 0;
};

struct NodeIdentity {
  std::string peer_id;
  std::string public_key;
  std::vector<std::string> addresses;
};

/// A connection that ended.
struct EndedConnection {
  std::string peer_id;  ///< empty: it ended before that was known
  std::string address;
  std::string direction;
  std::string transport;
  std::string cause;          ///< "local", "remote", "limit", "protocol", "lost"
  std::string reason;         ///< the cause in full
  std::int64_t ended_ms = 0;  ///< how long ago
};

struct PeerStatus {
  std::string id;
  std::string address;
  std::string direction;  ///< "inbound" or "outbound"
  std::int64_t connected_ms = 0;
  std::optional<double> rtt_ms;
  std::string agent;
  std::vector<std::string> protocols;
  std::string transport;  ///< "tcp", "quic-v1", ...
  std::string security;   ///< "/noise", ...
  std::string muxer;      ///< "/yamux/1.0.0", ...
  bool limited = false;   ///< relayed
  std::int64_t streams = 0;
};

/// The connections that there are, and the last that ended, latest first.
struct PeersStatus {
  std::vector<PeerStatus> peers;
  std::vector<EndedConnection> ended;
};

/// One of the node's addresses.
struct AddressStatus {
  std::string address;
  /// How we know it: "listen", "announce" (configured), "mapped" (by the router), "observed" (by
  /// peers), "relay".
  std::string source;
  /// "public", "private", "unknown" as AutoNAT says; "local": of this machine or network only;
  /// "relayed".
  std::string reachability;
  std::uint64_t confidence = 0;  ///< by how many peers more it was confirmed than denied
};

struct AddressesStatus {
  std::string reachability;  ///< of the node: "public", "private", "unknown"
  std::vector<AddressStatus> addresses;
};

/// A relay that the node is reached through, or asks to be.
struct RelayStatus {
  std::string address;
  std::string source;  ///< "configured", "found"
  bool reserved = false;
};

struct MappingStatus {
  std::string local;
  std::string external;
  bool is_public = false;  ///< else the router is behind another one
};

struct RendezvousStatus {
  std::string address;
  bool registered = false;
  std::uint64_t found = 0;  ///< peers
  std::string last_error;   ///< empty: none
};

/// What is done so that others reach the node.
struct ReachabilityStatus {
  std::string reachability;
  bool autonat = false;  ///< others are asked
  std::vector<RelayStatus> relays;
  bool port_mapping = false;  ///< the router is asked
  std::string router;         ///< "nat-pmp", "upnp"; empty: none did it
  std::string router_error;   ///< why not
  std::vector<MappingStatus> mappings;
  std::string rendezvous_namespace;
  std::vector<RendezvousStatus> rendezvous;
  std::string private_network;  ///< the key's fingerprint; empty: the public network
};

/// A round trip.
struct PingStatus {
  std::string peer_id;
  double rtt_ms = 0;
};

/// One limit of what the node uses for its peers.
struct LimitStatus {
  std::string key;       ///< in config.toml: "limits.system.connections_inbound"
  std::string scope;     ///< "system", "transient", "peer", "protocol", "address"
  std::string resource;  ///< "connections_inbound"
  std::optional<std::uint64_t>
      used;  ///< of the whole node; absent for each peer, protocol, address
  std::optional<std::uint64_t> limit;  ///< absent: none
  std::uint64_t refused = 0;           ///< how often it was reached since the start
};

/// What follows from a limit for one of the layers below.
struct LayerLimitStatus {
  std::string what;  ///< in words
  std::uint64_t limit = 0;
  std::string follows_from;  ///< the key of the limit
};

struct LimitsStatus {
  std::vector<LimitStatus> limits;
  std::vector<LayerLimitStatus> layers;
  std::string last_refusal;  ///< in words; empty: there was none
};

/// How much to send each way, and how long it took.
struct Throughput {
  std::string peer_id;
  std::uint64_t upload_bytes = 0;
  std::uint64_t download_bytes = 0;
  double upload_s = 0;
  double download_s = 0;
};

/// The node itself.
class NodeService {
 public:
  virtual ~NodeService() = default;
  virtual Co<Outcome<NodeStatus>> status() = 0;
  /// Begins to stop; returns before it has.
  virtual Co<Outcome<void>> stop() = 0;
  /// Every number of the node as Prometheus text (exposition format 0.0.4).
  virtual Co<Outcome<std::string>> metrics() = 0;
};

/// Where others reach it.
class ReachabilityService {
 public:
  virtual ~ReachabilityService() = default;
  virtual Co<Outcome<AddressesStatus>> addresses() = 0;
  virtual Co<Outcome<ReachabilityStatus>> reachability() = 0;
};

/// A message that somebody wants to send.
struct NewMessage {
  std::string to;  ///< a peer id
  std::string text;
  std::string priority = "normal";         ///< "critical", "high", "normal", "low"
  std::string delivery = "at-least-once";  ///< "best-effort", "at-least-once", "exactly-once"
  std::optional<std::uint64_t> lifetime_s = {};
};

/// One that came.
struct ReceivedMessage {
  std::int64_t number = 0;  ///< by which it is removed
  std::string id;
  std::string from;
  std::optional<std::string> topic;  ///< absent: to this node
  std::string priority;
  std::string delivery;
  std::int64_t sent_ms = 0;
  std::int64_t received_ms = 0;
  Bytes payload;
};

/// One that is on its way.
struct SendingMessage {
  std::string id;
  std::string to;
  std::string priority;
  std::string delivery;
  std::int64_t expires_ms = 0;
  bool stored = false;  ///< a mailbox keeps it for its recipient
};

struct MessageList {
  std::vector<ReceivedMessage> received;  ///< newest first
  std::vector<SendingMessage> sending;
};

/// A circle that this node is in.
struct CircleStatus {
  std::string id;
  std::string name;
  std::string secret;  ///< hexadecimal; whoever has it is a member
  std::string topic;
  std::uint64_t members = 0;  ///< that said something
};

/// Messages between nodes.
class MessageService {
 public:
  virtual ~MessageService() = default;
  /// The id; the message is durable then, unless it is best effort.
  virtual Co<Outcome<std::string>> send(NewMessage message) = 0;
  virtual Co<Outcome<MessageList>> messages(std::size_t limit) = 0;
  /// not_found when there is no such message.
  virtual Co<Outcome<void>> remove_message(std::int64_t number) = 0;
  /// All that came from a peer; how many. Problem: bad_peer.
  virtual Co<Outcome<std::uint64_t>> remove_messages_from(std::string peer) = 0;

  virtual Co<Outcome<std::vector<CircleStatus>>> circles() = 0;
  /// Joins the circle of a secret, or makes a new one when it is empty.
  virtual Co<Outcome<CircleStatus>> join_circle(std::string name, std::string secret) = 0;
  virtual Co<Outcome<void>> leave_circle(std::string id) = 0;
  /// Says something to a circle; the message's id. `subtopic` may be empty.
  virtual Co<Outcome<std::string>> say(std::string id, std::string subtopic, std::string text) = 0;
};

/// Its place among others.
class NetworkService {
 public:
  virtual ~NetworkService() = default;
  virtual Co<Outcome<NodeIdentity>> identity() = 0;
  virtual Co<Outcome<PeersStatus>> peers() = 0;
  /// The peer's id.
  virtual Co<Outcome<std::string>> connect(std::string multiaddr) = 0;
  /// Closes every connection with a peer. not_found when there is none.
  virtual Co<Outcome<void>> disconnect(std::string peer_id) = 0;
  virtual Co<Outcome<LimitsStatus>> limits() = 0;
  /// `peer`: the id of one who is connected or known from before, or a multiaddr; it is connected
  /// to first.
  virtual Co<Outcome<PingStatus>> ping(std::string peer) = 0;
  virtual Co<Outcome<Throughput>> measure(std::string peer, std::uint64_t upload_bytes,
                                          std::uint64_t download_bytes) = 0;
};

/// Documents to browsers: docs/protocol/sync.md#to-browsers.
class DocumentService {
 public:
  virtual ~DocumentService() = default;
  /// Speaks y-websocket until either side ends; closes with 4404 when there is no such document.
  virtual Co<void> serve(std::string document, WebSocket& socket) = 0;
};

}  // namespace vivim::gateway
