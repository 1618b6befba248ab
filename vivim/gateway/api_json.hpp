#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "vivim/base/problem.hpp"
#include "vivim/chat/json.hpp"
#include "vivim/chat/json_writer.hpp"
#include "vivim/gateway/http.hpp"
#include "vivim/gateway/services.hpp"

namespace vivim::gateway {

/// A JSON object from a request's body, read member by member; an empty body is an empty object.
class JsonBody {
 public:
  /// Problems: bad_json, with the position; at most k_json_depth_max deep.
  static Outcome<JsonBody> parse(std::string text);

  /// A string member; a Problem when it is missing, not a string, or longer than `bytes_max`.
  Outcome<std::string> text(std::string_view name, std::size_t bytes_max) const;
  /// The same for a member that may be missing or null.
  Outcome<std::optional<std::string>> optional_text(std::string_view name,
                                                    std::size_t bytes_max) const;
  /// A whole number that may be missing or null; a Problem when it is negative or above `max`.
  Outcome<std::optional<std::uint64_t>> optional_whole(std::string_view name,
                                                       std::uint64_t max) const;

 private:
  std::unique_ptr<std::string> text_;
  std::unique_ptr<chat::JsonIndex> index_;
};

/// 200 (or another status) with a JSON text.
Response json_response(std::string json, unsigned status = 200);

/// Values as docs/api/openapi.json describes them.
std::string to_json(const store::ConversationPage& page);
std::string to_json(const store::SearchResult& result);
std::string to_json(const JobStatus& job);
std::string to_json(const SharedTicket& ticket, std::string_view link);
std::string to_json(const DocumentShares& shares);
std::string to_json(const Joined& joined);
std::string to_json(const NodeStatus& status);
std::string to_json(const NodeIdentity& identity);
std::string to_json(const PeersStatus& status);
std::string to_json(const AddressesStatus& status);
std::string to_json(const ReachabilityStatus& status);
std::string to_json(const LimitsStatus& limits);
std::string to_json(const PingStatus& ping);
std::string to_json(const Throughput& measured);
std::string to_json(const std::vector<store::Check>& checks);
/// `{"name": "value"}`
std::string to_json_object(std::string_view name, std::string_view value);

/// A conversation with all of its turns, or, with `branch`, those from a root through that turn to
/// a leaf, in order; an empty `branch` is the main one. Problem: turn_not_found.
Outcome<std::string> to_json(const store::DocumentId& id, const chat::Conversation& conversation,
                             const std::optional<std::string>& branch);

}  // namespace vivim::gateway
