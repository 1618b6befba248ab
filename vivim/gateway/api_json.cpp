#include "vivim/gateway/api_json.hpp"

#include <cmath>

#include "vivim/gateway/json_members_detail.hpp"
#include "vivim/gateway/limits.hpp"
#include "vivim/gateway/problem_response.hpp"

namespace vivim::gateway {

namespace {

using chat::JsonWriter;
using members::number;
using members::object;
using members::text;
using members::texts;

constexpr std::uint32_t k_json_values_max = 10'000;

Problem bad_json(const Error& error) {
  return {.kind = ProblemKind::bad_input,
          .code = "bad_json",
          .message = "The body is not the JSON that this path takes: " + error.message() + ".",
          .hint = "See /api/v2/openapi.json."};
}

Problem bad_member(std::string_view name, std::string_view what) {
  return {.kind = ProblemKind::bad_input,
          .code = "bad_member",
          .message = "The member \"" + std::string(name) + "\" " + std::string(what) + ".",
          .hint = "See /api/v2/openapi.json."};
}

/// A member that is an array of objects.
template <class Values, class Fill>
void objects(JsonWriter& writer, std::string_view name, const Values& values, Fill fill) {
  writer.key(name);
  writer.begin_array();
  for (const auto& value : values) {
    writer.begin_object();
    fill(value);
    writer.end_object();
  }
  writer.end_array();
}

void write_pending(JsonWriter& writer, std::int64_t pending) {
  writer.key("indexing");
  writer.begin_object();
  number(writer, "pending", pending);
  writer.end_object();
}

std::string_view state_name(JobStatus::State state) {
  switch (state) {
    case JobStatus::State::running:
      return "running";
    case JobStatus::State::done:
      return "done";
    case JobStatus::State::failed:
      return "failed";
  }
  return "failed";
}

}  // namespace

Outcome<JsonBody> JsonBody::parse(std::string text) {
  JsonBody body;
  body.text_ = std::make_unique<std::string>(text.empty() ? "{}" : std::move(text));
  body.index_ = std::make_unique<chat::JsonIndex>();
  const chat::JsonLimits limits{.depth_max = k_json_depth_max, .values_max = k_json_values_max};
  if (const auto parsed = body.index_->parse(*body.text_, limits); !parsed) {
    return std::unexpected(bad_json(parsed.error()));
  }
  if (!body.index_->root().is_object()) {
    return std::unexpected(bad_json(Error(chat::JsonError::unexpected_character)));
  }
  return body;
}

Outcome<std::optional<std::string>> JsonBody::optional_text(std::string_view name,
                                                            std::size_t bytes_max) const {
  const auto value = index_->root()[name];
  if (value.is_nothing()) {
    return std::optional<std::string>();
  }
  if (!value.is_string()) {
    return std::unexpected(bad_member(name, "must be a string"));
  }
  std::string text = value.string();
  if (text.size() > bytes_max) {
    return std::unexpected(
        bad_member(name, "is longer than " + std::to_string(bytes_max) + " bytes"));
  }
  return std::optional<std::string>(std::move(text));
}

Outcome<std::string> JsonBody::text(std::string_view name, std::size_t bytes_max) const {
  VIVIM_TRY(auto text, optional_text(name, bytes_max));
  if (!text) {
    return std::unexpected(bad_member(name, "is missing"));
  }
  return std::move(*text);
}

Outcome<std::optional<std::uint64_t>> JsonBody::optional_whole(std::string_view name,
                                                               std::uint64_t max) const {
  const auto value = index_->root()[name];
  if (value.is_nothing()) {
    return std::optional<std::uint64_t>();
  }
  const auto number = value.number();
  if (!number || *number < 0 || *number != std::floor(*number)) {
    return std::unexpected(bad_member(name, "must be a whole number"));
  }
  if (*number > static_cast<double>(max)) {
    return std::unexpected(bad_member(name, "is larger than " + std::to_string(max)));
  }
  return std::optional(static_cast<std::uint64_t>(*number));
}

Response json_response(std::string json, unsigned status) {
  return Response::text(status, "application/json", std::move(json));
}

std::string to_json_object(std::string_view name, std::string_view value) {
  return object([&](JsonWriter& writer) { text(writer, name, value); });
}

std::string to_json(const store::ConversationPage& page) {
  return object([&](JsonWriter& writer) {
    objects(writer, "conversations", page.rows, [&](const store::ConversationRow& row) {
      text(writer, "id", row.id.to_text());
      text(writer, "title", row.title);
      if (row.provider) {
        text(writer, "provider", *row.provider);
      }
      writer.field("model", row.model);
      number(writer, "created", row.created);
      number(writer, "updated", row.updated);
      number(writer, "turns", static_cast<std::int64_t>(row.turns));
      writer.key("shared");
      writer.boolean((row.flags & store::k_conversation_shared) != 0);
    });
    if (page.next) {
      text(writer, "next", *page.next);
    }
  });
}

std::string to_json(const store::SearchResult& result) {
  return object([&](JsonWriter& writer) {
    objects(writer, "hits", result.hits, [&](const store::SearchHit& hit) {
      text(writer, "conversation", hit.document.to_text());
      text(writer, "title", hit.title);
      writer.field("turn", hit.turn);
      writer.field("role", hit.role);
      if (hit.time) {
        number(writer, "time", *hit.time);
      }
      objects(writer, "snippet", hit.snippet, [&](const store::SnippetSegment& segment) {
        text(writer, "text", segment.text);
        writer.key("match");
        writer.boolean(segment.match);
      });
    });
    write_pending(writer, result.pending);
  });
}

std::string to_json(const JobStatus& job) {
  return object([&](JsonWriter& writer) {
    text(writer, "id", job.id);
    text(writer, "state", state_name(job.state));
    number(writer, "bytes", static_cast<std::int64_t>(job.bytes));
    number(writer, "bytes_total", static_cast<std::int64_t>(job.bytes_total));
    if (!job.report.empty()) {
      writer.key("report");
      writer.raw(job.report);
    }
    if (job.problem) {
      writer.key("problem");
      writer.raw(problem_response(*job.problem).memory_body());
    }
  });
}

std::string to_json(const SharedTicket& ticket, std::string_view link) {
  return object([&](JsonWriter& writer) {
    text(writer, "ticket", ticket.ticket);
    text(writer, "url", ticket.url);
    text(writer, "link", link);
    text(writer, "grant", ticket.grant);
  });
}

std::string to_json(const DocumentShares& shares) {
  return object([&](JsonWriter& writer) {
    objects(writer, "grants", shares.grants, [&](const ShareGrant& grant) {
      text(writer, "grant", grant.grant);
      text(writer, "access", store::access_name(grant.access));
      writer.key("made_by_us");
      writer.boolean(grant.made_by_us);
      number(writer, "created", grant.created_ms);
      if (grant.revoked_ms) {
        number(writer, "revoked", *grant.revoked_ms);
      }
    });
    objects(writer, "members", shares.members, [&](const ShareMember& member) {
      text(writer, "peer_id", member.peer_id);
      writer.field("address", member.address);
    });
  });
}

std::string to_json(const Joined& joined) {
  return object([&](JsonWriter& writer) {
    text(writer, "id", joined.id.to_text());
    text(writer, "title", joined.title);
    writer.field("state", joined.state);
    writer.field("detail", joined.detail);
  });
}

std::string to_json(const NodeStatus& status) {
  return object([&](JsonWriter& writer) {
    text(writer, "version", status.version);
    text(writer, "peer_id", status.peer_id);
    text(writer, "http", status.http);
    texts(writer, "listen", status.listen);
    text(writer, "home", status.home);
    number(writer, "uptime_ms", status.uptime_ms);
    number(writer, "conversations", status.conversations);
    number(writer, "documents_open", status.documents_open);
    number(writer, "peers", status.peers);
    text(writer, "reachability", status.reachability);
    writer.field("private_network", status.private_network);
    write_pending(writer, status.indexing_pending);
  });
}

std::string to_json(const NodeIdentity& identity) {
  return object([&](JsonWriter& writer) {
    text(writer, "peer_id", identity.peer_id);
    text(writer, "public_key", identity.public_key);
    texts(writer, "addresses", identity.addresses);
  });
}

std::string to_json(const PeersStatus& status) {
  return object([&](JsonWriter& writer) {
    objects(writer, "peers", status.peers, [&](const PeerStatus& peer) {
      text(writer, "id", peer.id);
      text(writer, "address", peer.address);
      text(writer, "direction", peer.direction);
      number(writer, "connected_ms", peer.connected_ms);
      writer.field("rtt_ms", peer.rtt_ms);
      writer.field("agent", peer.agent);
      texts(writer, "protocols", peer.protocols);
      text(writer, "transport", peer.transport);
      text(writer, "security", peer.security);
      text(writer, "muxer", peer.muxer);
      writer.key("limited");
      writer.boolean(peer.limited);
      number(writer, "streams", peer.streams);
    });
    objects(writer, "ended", status.ended, [&](const EndedConnection& ended) {
      writer.field("peer", ended.peer_id);
      text(writer, "address", ended.address);
      text(writer, "direction", ended.direction);
      writer.field("transport", ended.transport);
      text(writer, "cause", ended.cause);
      text(writer, "reason", ended.reason);
      number(writer, "ended_ms", ended.ended_ms);
    });
  });
}

std::string to_json(const AddressesStatus& status) {
  return object([&](JsonWriter& writer) {
    text(writer, "reachability", status.reachability);
    objects(writer, "addresses", status.addresses, [&](const AddressStatus& address) {
      text(writer, "address", address.address);
      text(writer, "source", address.source);
      text(writer, "reachability", address.reachability);
      number(writer, "confidence", static_cast<std::int64_t>(address.confidence));
    });
  });
}

std::string to_json(const ReachabilityStatus& status) {
  return object([&](JsonWriter& writer) {
    text(writer, "reachability", status.reachability);
    writer.key("autonat");
    writer.boolean(status.autonat);
    objects(writer, "relays", status.relays, [&](const RelayStatus& relay) {
      text(writer, "address", relay.address);
      text(writer, "source", relay.source);
      writer.key("reserved");
      writer.boolean(relay.reserved);
    });
    writer.key("port_mapping");
    writer.boolean(status.port_mapping);
    writer.field("router", status.router);
    writer.field("router_error", status.router_error);
    objects(writer, "mappings", status.mappings, [&](const MappingStatus& mapping) {
      text(writer, "local", mapping.local);
      text(writer, "external", mapping.external);
      writer.key("public");
      writer.boolean(mapping.is_public);
    });
    writer.field("rendezvous_namespace", status.rendezvous_namespace);
    objects(writer, "rendezvous", status.rendezvous, [&](const RendezvousStatus& point) {
      text(writer, "address", point.address);
      writer.key("registered");
      writer.boolean(point.registered);
      number(writer, "found", static_cast<std::int64_t>(point.found));
      writer.field("last_error", point.last_error);
    });
    writer.field("private_network", status.private_network);
  });
}

std::string to_json(const LimitsStatus& status) {
  return object([&](JsonWriter& writer) {
    objects(writer, "limits", status.limits, [&](const LimitStatus& limit) {
      text(writer, "key", limit.key);
      text(writer, "scope", limit.scope);
      text(writer, "resource", limit.resource);
      if (limit.used) {
        number(writer, "used", static_cast<std::int64_t>(*limit.used));
      }
      if (limit.limit) {
        number(writer, "limit", static_cast<std::int64_t>(*limit.limit));
      }
      number(writer, "refused", static_cast<std::int64_t>(limit.refused));
    });
    objects(writer, "layers", status.layers, [&](const LayerLimitStatus& layer) {
      text(writer, "what", layer.what);
      number(writer, "limit", static_cast<std::int64_t>(layer.limit));
      text(writer, "follows_from", layer.follows_from);
    });
    writer.field("last_refusal", status.last_refusal);
  });
}

std::string to_json(const PingStatus& ping) {
  return object([&](JsonWriter& writer) {
    text(writer, "peer_id", ping.peer_id);
    writer.field("rtt_ms", std::optional(ping.rtt_ms));
  });
}

std::string to_json(const Throughput& measured) {
  return object([&](JsonWriter& writer) {
    text(writer, "peer_id", measured.peer_id);
    number(writer, "upload_bytes", static_cast<std::int64_t>(measured.upload_bytes));
    number(writer, "download_bytes", static_cast<std::int64_t>(measured.download_bytes));
    writer.field("upload_s", std::optional(measured.upload_s));
    writer.field("download_s", std::optional(measured.download_s));
  });
}

std::string to_json(const std::vector<store::Check>& checks) {
  return object([&](JsonWriter& writer) {
    writer.key("ok");
    writer.boolean(std::ranges::all_of(checks, &store::Check::ok));
    objects(writer, "checks", checks, [&](const store::Check& check) {
      text(writer, "name", check.name);
      writer.key("ok");
      writer.boolean(check.ok);
      text(writer, "detail", check.detail);
    });
  });
}

}  // namespace vivim::gateway
