#pragma once

#include <algorithm>
#include <map>

#include "vivim/gateway/dht_service.hpp"
#include "vivim/gateway/services.hpp"
#include "vivim/gateway/topics.hpp"

namespace vivim::gateway::test {

inline Problem no_such(std::string_view what) {
  return {.kind = ProblemKind::not_found,
          .code = std::string(what) + "_not_found",
          .message = "There is no such " + std::string(what) + ".",
          .hint = "List them."};
}

/// Services in memory, for tests and the fuzz target: enough to answer every route.
class FakeServices final : public LibraryService,
                           public ImportService,
                           public ShareService,
                           public NodeService,
                           public NetworkService,
                           public ReachabilityService,
                           public DhtService,
                           public MessageService,
                           public DocumentService,
                           public TopicService {
 public:
  std::map<std::string, std::vector<TopicMessage>> topic_messages;
  std::map<store::DocumentId, chat::Conversation> conversations;
  std::map<std::string, JobStatus> jobs;
  std::vector<std::string> imported;
  std::vector<std::move_only_function<void()>> when_done;
  std::vector<std::string> served;
  std::optional<store::SearchRequest> searched;
  std::map<store::DocumentId, std::size_t> grants;
  store::Access shared_as{};
  Blob the_blob{.bytes = to_bytes(as_bytes("\x89PNG\r\n\x1a\nrest")), .mime = ""};
  bool stopped = false;

  static store::DocumentId id_of(std::uint8_t number) {
    store::DocumentId id;
    id.bytes.fill(number);
    return id;
  }

  store::DocumentId add(std::string title) {
    const auto id = id_of(static_cast<std::uint8_t>(conversations.size() + 1));
    conversations[id].title = std::move(title);
    return id;
  }

  static constexpr std::string_view k_unknown = "nobody";

  Co<Outcome<ContentProviders>> providers(std::string content, std::uint64_t enough) override {
    co_return ContentProviders{.content = content,
                               .key = "1220ab",
                               .providers = {{.peer_id = "12D3",
                                              .addresses = {"/ip4/1.2.3.4/tcp/1"},
                                              .is_signed = true,
                                              .told_by = 17}},
                               .lookup = {.end = enough > 0 ? "stopped" : "complete", .hops = 2}};
  }
  Co<Outcome<DhtStored>> provide(std::string content) override {
    co_return DhtStored{.key = std::move(content), .stored = 15, .tried = 20, .early = true};
  }
  Co<Outcome<DhtValue>> value(std::string key) override {
    if (key == k_unknown) {
      co_return std::unexpected(no_such("value"));
    }
    co_return DhtValue{.key = std::move(key), .publisher = "12D3", .sequence = 4, .text = "hello"};
  }
  Co<Outcome<DhtStored>> put(std::string name, std::string) override {
    co_return DhtStored{.key = std::move(name), .stored = 20, .tried = 20};
  }
  Co<Outcome<DhtPeer>> find(std::string peer_id) override {
    if (peer_id == k_unknown) {
      co_return std::unexpected(no_such("peer"));
    }
    co_return DhtPeer{.peer_id = std::move(peer_id), .addresses = {"/ip4/1.2.3.4/tcp/1"}};
  }

  std::vector<CircleStatus> the_circles;

  Co<Outcome<std::vector<CircleStatus>>> circles() override { co_return the_circles; }
  Co<Outcome<CircleStatus>> join_circle(std::string name, std::string secret) override {
    the_circles.push_back({.id = "c" + std::to_string(the_circles.size() + 1),
                           .name = std::move(name),
                           .secret = secret.empty() ? "new" : std::move(secret),
                           .topic = "/vivim/circles/c"});
    co_return the_circles.back();
  }
  Co<Outcome<void>> leave_circle(std::string id) override {
    if (std::erase_if(the_circles, [&](const auto& each) { return each.id == id; }) == 0) {
      co_return std::unexpected(no_such("circle"));
    }
    co_return Outcome<void>();
  }
  Co<Outcome<std::string>> say(std::string id, std::string subtopic, std::string text) override {
    if (std::ranges::count(the_circles, id, &CircleStatus::id) == 0) {
      co_return std::unexpected(no_such("circle"));
    }
    co_return id + "/" + subtopic + "/" + text;
  }

  std::vector<NewMessage> sent;
  MessageList message_list;

  Co<Outcome<std::string>> send(NewMessage message) override {
    if (message.to != "12D3") {
      co_return std::unexpected(no_such("peer"));
    }
    sent.push_back(std::move(message));
    co_return "00ff";
  }
  Co<Outcome<MessageList>> messages(std::size_t limit) override {
    MessageList list = message_list;
    list.received.resize(std::min(limit, list.received.size()));
    co_return std::move(list);
  }
  Co<Outcome<void>> remove_message(std::int64_t number) override {
    if (std::erase_if(message_list.received,
                      [&](const auto& each) { return each.number == number; }) == 0) {
      co_return std::unexpected(no_such("message"));
    }
    co_return Outcome<void>();
  }
  Co<Outcome<std::uint64_t>> remove_messages_from(std::string peer) override {
    co_return std::erase_if(message_list.received,
                            [&](const auto& each) { return each.from == peer; });
  }

  Co<Outcome<store::DocumentId>> resolve(std::string text) override {
    std::vector<store::DocumentId> found;
    for (const auto& [id, conversation] : conversations) {
      if (!text.empty() && id.to_text().starts_with(text)) {
        found.push_back(id);
      }
    }
    if (found.size() == 1) {
      co_return found.front();
    }
    co_return std::unexpected(no_such("conversation"));
  }

  Co<Outcome<store::ConversationPage>> list(store::ConversationSort, std::size_t limit,
                                            std::optional<std::string> after) override {
    store::ConversationPage page;
    for (const auto& [id, conversation] : conversations) {
      if (after && id.to_text() <= *after) {
        continue;
      }
      if (page.rows.size() == limit) {
        page.next = limit > 0 ? page.rows.back().id.to_text() : "";
        break;
      }
      page.rows.push_back({.id = id, .title = conversation.title});
      page.rows.back().flags = grants.contains(id) ? store::k_conversation_shared : 0;
    }
    co_return std::move(page);
  }

  Co<Outcome<store::DocumentId>> create(std::string title) override {
    co_return add(std::move(title));
  }
  Co<Outcome<chat::Conversation>> read(store::DocumentId id) override {
    co_return conversations.at(id);
  }
  Co<Outcome<void>> rename(store::DocumentId id, std::string title) override {
    conversations.at(id).title = std::move(title);
    co_return Outcome<void>{};
  }
  Co<Outcome<void>> remove(store::DocumentId id) override {
    conversations.erase(id);
    co_return Outcome<void>{};
  }
  Co<Outcome<std::string>> add_turn(store::DocumentId id, NewTurn turn) override {
    auto& turns = conversations.at(id).turns;
    chat::Turn made;
    made.id = "turn" + std::to_string(turns.size() + 1);
    made.parent = std::move(turn.parent);
    made.role = turn.role;
    made.text = std::move(turn.text);
    made.parts.emplace_back(chat::TextPart{});
    turns.push_back(std::move(made));
    co_return turns.back().id;
  }
  Co<Outcome<void>> edit_turn(store::DocumentId id, std::string turn, std::string text) override {
    for (auto& known : conversations.at(id).turns) {
      if (known.id == turn) {
        known.text = std::move(text);
        co_return Outcome<void>{};
      }
    }
    co_return std::unexpected(no_such("turn"));
  }
  Co<Outcome<void>> remove_turn(store::DocumentId id, std::string turn) override {
    for (auto& known : conversations.at(id).turns) {
      if (known.id == turn) {
        known.deleted = true;
        co_return Outcome<void>{};
      }
    }
    co_return std::unexpected(no_such("turn"));
  }
  Co<Outcome<ExportedFile>> export_file(store::DocumentId id, chat::ExportFormat format) override {
    ExportedFile file{.content_type = "text/markdown; charset=utf-8",
                      .file_name = conversations.at(id).title + ".md",
                      .body = std::string("# ") + conversations.at(id).title};
    if (format == chat::ExportFormat::json) {
      file.content_type = "application/json";
      file.body = in_memory(to_bytes(as_bytes("{}")));
    }
    co_return std::move(file);
  }
  Co<Outcome<store::SearchResult>> search(store::SearchRequest request) override {
    searched = std::move(request);
    store::SearchResult result;
    result.pending = 3;
    result.hits.push_back(
        {.document = id_of(1),
         .title = "Title",
         .turn = "t1",
         .role = "user",
         .time = 1000,
         .snippet = {{.text = "a ", .match = false}, {.text = "<word>", .match = true}}});
    co_return std::move(result);
  }
  Co<Outcome<Blob>> blob(store::BlobId) override { co_return the_blob; }
  Co<Outcome<std::vector<store::Check>>> doctor() override {
    co_return std::vector<store::Check>{{.name = "integrity", .ok = true, .detail = "fine"},
                                        {.name = "blobs", .ok = false, .detail = "1 is bad"}};
  }

  Co<Outcome<std::string>> start(std::string path, std::move_only_function<void()> done) override {
    if (path.ends_with("missing")) {
      co_return std::unexpected(no_such("file"));
    }
    imported.push_back(std::move(path));
    when_done.push_back(std::move(done));
    jobs["j1"] = {.id = "j1", .bytes = 10, .bytes_total = 20};
    co_return "j1";
  }
  Co<Outcome<JobStatus>> job(std::string id) override {
    const auto found = jobs.find(id);
    if (found == jobs.end()) {
      co_return std::unexpected(no_such("job"));
    }
    co_return found->second;
  }

  Co<Outcome<SharedTicket>> share(store::DocumentId id, store::Access access) override {
    ++grants[id];
    shared_as = access;
    co_return SharedTicket{.ticket = "vivim1abc", .url = "vivim://join/vivim1abc", .grant = "g1"};
  }
  Co<Outcome<DocumentShares>> shares(store::DocumentId id) override {
    DocumentShares shares;
    for (std::size_t i = 0; i < grants[id]; ++i) {
      shares.grants.push_back(
          {.grant = "g", .access = shared_as, .made_by_us = true, .created_ms = 5});
    }
    shares.members.push_back({.peer_id = "12D3", .address = "/ip4/127.0.0.1"});
    co_return std::move(shares);
  }
  Co<Outcome<void>> revoke(store::DocumentId id) override {
    grants.erase(id);
    co_return Outcome<void>{};
  }
  Co<Outcome<Joined>> join(std::string ticket) override {
    if (!ticket.starts_with("vivim1")) {
      co_return std::unexpected(Problem{.kind = ProblemKind::bad_input,
                                        .code = "bad_ticket",
                                        .message = "This is not a ticket.",
                                        .hint = ""});
    }
    co_return Joined{.id = add("Joined"), .title = "Joined"};
  }

  Co<Outcome<NodeStatus>> status() override {
    co_return NodeStatus{.version = "0.1.0", .peer_id = "12D3", .listen = {"/ip4/127.0.0.1"}};
  }
  Co<Outcome<NodeIdentity>> identity() override {
    co_return NodeIdentity{.peer_id = "12D3", .public_key = "00ff", .addresses = {}};
  }
  Co<Outcome<void>> stop() override {
    stopped = true;
    co_return Outcome<void>{};
  }
  Co<Outcome<PeersStatus>> peers() override {
    co_return PeersStatus{
        .peers = {{.id = "12D3", .address = "/ip4/1.2.3.4", .direction = "inbound", .rtt_ms = 1.5}},
        .ended = {{.peer_id = "12D4",
                   .address = "/ip4/1.2.3.5",
                   .direction = "outbound",
                   .transport = "tcp",
                   .cause = "lost",
                   .reason = "lost: it went away",
                   .ended_ms = 5000}}};
  }
  Co<Outcome<AddressesStatus>> addresses() override {
    co_return AddressesStatus{.reachability = "public",
                              .addresses = {{.address = "/ip4/1.2.3.4/tcp/1",
                                             .source = "listen",
                                             .reachability = "public",
                                             .confidence = 3}}};
  }
  Co<Outcome<ReachabilityStatus>> reachability() override {
    co_return ReachabilityStatus{
        .reachability = "private",
        .autonat = true,
        .relays = {{.address = "/ip4/1.2.3.4/tcp/1", .source = "found", .reserved = true}},
        .port_mapping = true,
        .router = {},
        .router_error = "no router",
        .mappings = {},
        .rendezvous_namespace = "vivim",
        .rendezvous = {{.address = "/ip4/1.2.3.6/tcp/1", .registered = true, .found = 2}},
        .private_network = {}};
  }
  Co<Outcome<std::string>> metrics() override { co_return "# TYPE a counter\na 1\n"; }
  Co<Outcome<std::string>> connect(std::string multiaddr) override {
    if (!multiaddr.starts_with('/')) {
      co_return std::unexpected(Problem{.kind = ProblemKind::bad_input,
                                        .code = "bad_multiaddr",
                                        .message = "Not a multiaddr.",
                                        .hint = ""});
    }
    co_return "12D3";
  }
  Co<Outcome<void>> disconnect(std::string peer_id) override {
    if (peer_id != "12D3") {
      co_return std::unexpected(Problem{.kind = ProblemKind::not_found,
                                        .code = "not_connected",
                                        .message = "There is no connection.",
                                        .hint = ""});
    }
    co_return Outcome<void>{};
  }
  Co<Outcome<LimitsStatus>> limits() override {
    co_return LimitsStatus{.limits = {{.key = "limits.system.streams_inbound",
                                       .scope = "system",
                                       .resource = "streams_inbound",
                                       .used = 3,
                                       .limit = std::nullopt,
                                       .refused = 1}},
                           .layers = {{.what = "streams of a connection, inbound",
                                       .limit = 256,
                                       .follows_from = "limits.peer.streams_inbound"}},
                           .last_refusal = "too many"};
  }
  Co<Outcome<PingStatus>> ping(std::string peer) override {
    co_return PingStatus{.peer_id = std::move(peer), .rtt_ms = 2.5};
  }
  Co<Outcome<Throughput>> measure(std::string peer, std::uint64_t upload_bytes,
                                  std::uint64_t download_bytes) override {
    co_return Throughput{.peer_id = std::move(peer),
                         .upload_bytes = upload_bytes,
                         .download_bytes = download_bytes,
                         .upload_s = 0.5,
                         .download_s = 0.25};
  }

  Co<Outcome<std::vector<TopicStatus>>> topics() override {
    std::vector<TopicStatus> all;
    for (const auto& [topic, messages] : topic_messages) {
      all.push_back({.topic = topic, .subscribed = true, .peers = 3, .mesh_peers = 2});
    }
    co_return std::move(all);
  }
  Co<Outcome<bool>> subscribe(std::string topic) override {
    co_return topic_messages.try_emplace(std::move(topic)).second;
  }
  Co<Outcome<void>> unsubscribe(std::string topic) override {
    if (topic_messages.erase(topic) == 0) {
      co_return std::unexpected(no_such("topic"));
    }
    co_return Outcome<void>{};
  }
  Co<Outcome<PublishedStatus>> publish(std::string topic, Bytes data) override {
    auto& messages = topic_messages[topic];
    messages.push_back({.number = messages.size() + 1,
                        .topic = topic,
                        .id = "0a",
                        .author = "12D3",
                        .data = std::move(data),
                        .received_ms = 5});
    co_return PublishedStatus{.id = "0a", .peers = 3};
  }
  Co<Outcome<TopicMessages>> messages(std::string topic, std::uint64_t after) override {
    if (!topic_messages.contains(topic)) {
      co_return std::unexpected(no_such("topic"));
    }
    TopicMessages found{.messages = {}, .last = topic_messages[topic].size()};
    for (const auto& message : topic_messages[topic]) {
      if (message.number > after) {
        found.messages.push_back(message);
      }
    }
    co_return std::move(found);
  }

  Co<void> serve(std::string document, WebSocket& socket) override {
    served.push_back(std::move(document));
    while (auto message = co_await socket.receive()) {
      (void)co_await socket.send(std::move(*message));
    }
  }
};

}  // namespace vivim::gateway::test
