#pragma once

#include <memory>
#include <string_view>

#include "vivim/gateway/api_dht.hpp"
#include "vivim/gateway/dht_service.hpp"
#include "vivim/gateway/events.hpp"
#include "vivim/gateway/router.hpp"
#include "vivim/gateway/services.hpp"
#include "vivim/gateway/topics.hpp"
#include "vivim/gateway/uploads.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::gateway {

/// The OpenAPI 3.1 description of every route, as in docs/api/openapi.json.
std::string_view openapi_json();

/// /api/v2/conversations: list, create, show, rename, remove, turns, export.
class ConversationsApi {
 public:
  ConversationsApi(Router& router, LibraryService& library);

 private:
  Co<Outcome<Response>> list(Call call);
  Co<Outcome<Response>> create(Call call);
  Co<Outcome<Response>> show(Call call);
  Co<Outcome<Response>> rename(Call call);
  Co<Outcome<Response>> remove(Call call);
  Co<Outcome<Response>> add_turn(Call call);
  Co<Outcome<Response>> edit_turn(Call call);
  Co<Outcome<Response>> remove_turn(Call call);
  Co<Outcome<Response>> export_file(Call call);

  LibraryService& library_;
};

/// /api/v2/search, /api/v2/blobs.
class SearchApi {
 public:
  SearchApi(Router& router, LibraryService& library);

 private:
  Co<Outcome<Response>> search(Call call);
  Co<Outcome<Response>> blob(Call call);

  LibraryService& library_;
};

/// /api/v2/import, /api/v2/jobs.
class ImportsApi {
 public:
  /// `uploads` may be null: then only paths can be imported. `tasks` removes uploaded files that
  /// are no longer needed.
  ImportsApi(Router& router, ImportService& imports, Uploads* uploads, rt::TaskGroup& tasks);

 private:
  Co<Outcome<Response>> import_path(Call call);
  Co<Outcome<Response>> upload(Call call);
  Co<Outcome<Response>> job(Call call);

  ImportService& imports_;
  Uploads* uploads_;
  rt::TaskGroup& tasks_;
};

/// Sharing: /api/v2/conversations/{id}/share, /shares, /api/v2/join.
class SharesApi {
 public:
  SharesApi(Router& router, LibraryService& library, ShareService& shares);

 private:
  Co<Outcome<Response>> share(Call call);
  Co<Outcome<Response>> show(Call call);
  Co<Outcome<Response>> revoke(Call call);
  Co<Outcome<Response>> join(Call call);

  LibraryService& library_;
  ShareService& shares_;
};

/// The node: /api/v2/status, /stop, /doctor, /openapi.json, and /metrics.
class NodeApi {
 public:
  NodeApi(Router& router, NodeService& node, LibraryService& library);

 private:
  Co<Outcome<Response>> status(Call call);
  Co<Outcome<Response>> stop(Call call);
  Co<Outcome<Response>> doctor(Call call);
  Co<Outcome<Response>> openapi(Call call);
  Co<Outcome<Response>> metrics(Call call);

  NodeService& node_;
  LibraryService& library_;
};

/// The node's place among others: /api/v2/id, /api/v2/network.
class NetworkApi {
 public:
  NetworkApi(Router& router, NetworkService& network, ReachabilityService& reachability);

 private:
  Co<Outcome<Response>> identity(Call call);
  Co<Outcome<Response>> peers(Call call);
  Co<Outcome<Response>> connect(Call call);
  Co<Outcome<Response>> disconnect(Call call);
  Co<Outcome<Response>> limits(Call call);
  Co<Outcome<Response>> ping(Call call);
  Co<Outcome<Response>> measure(Call call);
  Co<Outcome<Response>> addresses(Call call);
  Co<Outcome<Response>> reachability(Call call);

  NetworkService& network_;
  ReachabilityService& reachability_;
};

/// Messages of topics: /api/v2/topics.
class TopicsApi {
 public:
  TopicsApi(Router& router, TopicService& topics);

 private:
  Co<Outcome<Response>> list(Call call);
  Co<Outcome<Response>> subscribe(Call call);
  Co<Outcome<Response>> unsubscribe(Call call);
  Co<Outcome<Response>> publish(Call call);
  Co<Outcome<Response>> messages(Call call);

  TopicService& topics_;
};

/// Messages between nodes: /api/v2/messages.
class MessagesApi {
 public:
  MessagesApi(Router& router, MessageService& messages);

 private:
  Co<Outcome<Response>> list(Call call);
  Co<Outcome<Response>> send(Call call);
  Co<Outcome<Response>> remove(Call call);
  Co<Outcome<Response>> remove_from(Call call);

  MessageService& messages_;
};

/// Circles: /api/v2/circles.
class CirclesApi {
 public:
  CirclesApi(Router& router, MessageService& messages);

 private:
  Co<Outcome<Response>> list(Call call);
  Co<Outcome<Response>> join(Call call);
  Co<Outcome<Response>> leave(Call call);
  Co<Outcome<Response>> say(Call call);

  MessageService& messages_;
};

/// The WebSockets: /api/v2/events, /sync/{document}.
class LiveApi {
 public:
  LiveApi(Router& router, EventHub& events, DocumentService& documents);

 private:
  Co<Outcome<Response>> events(Call call);
  Co<Outcome<Response>> sync(Call call);

  EventHub& events_;
  DocumentService& documents_;
};

/// What the API stands on; all of it must outlive the Api.
struct ApiServices {
  LibraryService& library;
  ImportService& imports;
  ShareService& shares;
  NodeService& node;
  NetworkService& network;
  ReachabilityService& reachability;
  DhtService& dht;
  MessageService& messages;
  DocumentService& documents;
  TopicService& topics;
  EventHub& events;
  Uploads* uploads = nullptr;
};

/// Every route of the API, on one router.
class Api {
 public:
  Api(Router& router, const ApiServices& services, rt::TaskGroup& tasks)
      : conversations_(router, services.library),
        search_(router, services.library),
        imports_(router, services.imports, services.uploads, tasks),
        shares_(router, services.library, services.shares),
        node_(router, services.node, services.library),
        network_(router, services.network, services.reachability),
        topics_(router, services.topics),
        dht_(router, services.dht, services.library),
        messages_(router, services.messages),
        circles_(router, services.messages),
        live_(router, services.events, services.documents) {}

 private:
  ConversationsApi conversations_;
  SearchApi search_;
  ImportsApi imports_;
  SharesApi shares_;
  NodeApi node_;
  NetworkApi network_;
  TopicsApi topics_;
  DhtApi dht_;
  MessagesApi messages_;
  CirclesApi circles_;
  LiveApi live_;
};

}  // namespace vivim::gateway
