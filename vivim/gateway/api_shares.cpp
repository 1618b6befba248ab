#include <array>

#include "vivim/gateway/api.hpp"
#include "vivim/gateway/api_json.hpp"

namespace vivim::gateway {

namespace {

constexpr std::size_t k_ticket_bytes_max = 32 * 1024;
/// docs/protocol/sync.md#tickets: opened by who joins, so it names their own node.
constexpr std::string_view k_join_link = "http://127.0.0.1:8470/#/join/";

constexpr std::array<std::string_view, 3> k_access_names{"write", "contribute", "read"};

}  // namespace

SharesApi::SharesApi(Router& router, LibraryService& library, ShareService& shares)
    : library_(library), shares_(shares) {
  constexpr std::string_view k_shares = "/api/v2/conversations/{id}/shares";
  router.add(this, &SharesApi::share,
             {Method::post, "/api/v2/conversations/{id}/share", "shareConversation"});
  router.add(this, &SharesApi::show, {Method::get, k_shares, "listShares"});
  router.add(this, &SharesApi::revoke, {Method::del, k_shares, "revokeShares"});
  router.add(this, &SharesApi::join, {Method::post, "/api/v2/join", "join", BodyKind::json});
}

Co<Outcome<Response>> SharesApi::share(Call call) {
  VIVIM_CO_TRY(const auto id, co_await library_.resolve(call.parameter("id")));
  VIVIM_CO_TRY(const auto access, call.query_choice("access", k_access_names));
  VIVIM_CO_TRY(const auto ticket, co_await shares_.share(id, *store::access_named(access)));
  co_return json_response(to_json(ticket, std::string(k_join_link) + ticket.ticket));
}

Co<Outcome<Response>> SharesApi::show(Call call) {
  VIVIM_CO_TRY(const auto id, co_await library_.resolve(call.parameter("id")));
  VIVIM_CO_TRY(const auto shares, co_await shares_.shares(id));
  co_return json_response(to_json(shares));
}

Co<Outcome<Response>> SharesApi::revoke(Call call) {
  VIVIM_CO_TRY(const auto id, co_await library_.resolve(call.parameter("id")));
  VIVIM_CO_TRYV(co_await shares_.revoke(id));
  co_return Response::no_content();
}

Co<Outcome<Response>> SharesApi::join(Call call) {
  VIVIM_CO_TRY(const auto body, JsonBody::parse(std::move(call.body)));
  VIVIM_CO_TRY(auto ticket, body.text("ticket", k_ticket_bytes_max));
  VIVIM_CO_TRY(const auto joined, co_await shares_.join(std::move(ticket)));
  co_return json_response(to_json(joined));
}

}  // namespace vivim::gateway
