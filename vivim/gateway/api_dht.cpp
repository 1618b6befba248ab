#include "vivim/gateway/api_dht.hpp"

#include "vivim/gateway/api_json.hpp"
#include "vivim/gateway/json_members_detail.hpp"

namespace vivim::gateway {

namespace {

using chat::JsonWriter;
using members::flag;
using members::number;
using members::text;
using members::texts;

constexpr std::uint64_t k_enough_max = 512;
/// Of a whole document id; a CID is longer.
constexpr std::size_t k_document_id_text_bytes = 26;

void lookup(JsonWriter& writer, const DhtLookup& value) {
  writer.key("lookup");
  writer.begin_object();
  text(writer, "end", value.end);
  number(writer, "hops", value.hops);
  number(writer, "asked", value.asked);
  number(writer, "answers", value.answers);
  writer.key("ms");
  writer.number(value.ms);
  writer.end_object();
}

template <class Fill>
Response answer(Fill fill) {
  return json_response(members::object(std::move(fill)));
}

Response to_response(const ContentProviders& found) {
  return answer([&](JsonWriter& writer) {
    text(writer, "content", found.content);
    text(writer, "key", found.key);
    writer.key("providers");
    writer.begin_array();
    for (const auto& provider : found.providers) {
      writer.begin_object();
      text(writer, "peer_id", provider.peer_id);
      texts(writer, "addresses", provider.addresses);
      flag(writer, "signed", provider.is_signed);
      number(writer, "told_by", provider.told_by);
      writer.end_object();
    }
    writer.end_array();
    flag(writer, "region", found.region);
    lookup(writer, found.lookup);
  });
}

Response to_response(const DhtStored& stored) {
  return answer([&](JsonWriter& writer) {
    text(writer, "key", stored.key);
    number(writer, "stored", stored.stored);
    number(writer, "tried", stored.tried);
    flag(writer, "early", stored.early);
    flag(writer, "region", stored.region);
    lookup(writer, stored.lookup);
  });
}

Response to_response(const DhtValue& value) {
  return answer([&](JsonWriter& writer) {
    text(writer, "key", value.key);
    writer.field("publisher", value.publisher);
    number(writer, "sequence", value.sequence);
    text(writer, "text", value.text);
    writer.field("hex", value.hex);
    number(writer, "votes", value.votes);
    flag(writer, "disagreed", value.disagreed);
    lookup(writer, value.lookup);
  });
}

Response to_response(const DhtPeer& peer) {
  return answer([&](JsonWriter& writer) {
    text(writer, "peer_id", peer.peer_id);
    texts(writer, "addresses", peer.addresses);
    flag(writer, "signed", peer.is_signed);
    lookup(writer, peer.lookup);
  });
}

}  // namespace

DhtApi::DhtApi(Router& router, DhtService& dht, LibraryService& library)
    : dht_(dht), library_(library) {
  using enum Method;
  router.add(this, &DhtApi::providers,
             {get, "/api/v2/network/content/{id}/providers", "listContentProviders"});
  router.add(this, &DhtApi::provide,
             {post, "/api/v2/network/content/{id}/providers", "provideContent"});
  router.add(this, &DhtApi::value, {get, "/api/v2/network/value", "getValue"});
  router.add(this, &DhtApi::put, {post, "/api/v2/network/value", "putValue", BodyKind::json});
  router.add(this, &DhtApi::find, {get, "/api/v2/network/peers/{id}", "findPeer"});
}

Co<Outcome<std::string>> DhtApi::content_of(std::string text) {
  if (text.size() >= k_document_id_text_bytes) {
    co_return text;
  }
  VIVIM_CO_TRY(const auto id, co_await library_.resolve(std::move(text)));
  co_return id.to_text();
}

Co<Outcome<Response>> DhtApi::providers(Call call) {
  VIVIM_CO_TRY(const auto enough, call.query_number("enough", 0, k_enough_max));
  VIVIM_CO_TRY(auto content, co_await content_of(call.parameter("id")));
  VIVIM_CO_TRY(const auto found, co_await dht_.providers(std::move(content), enough));
  co_return to_response(found);
}

Co<Outcome<Response>> DhtApi::provide(Call call) {
  VIVIM_CO_TRY(auto content, co_await content_of(call.parameter("id")));
  VIVIM_CO_TRY(const auto stored, co_await dht_.provide(std::move(content)));
  co_return to_response(stored);
}

Co<Outcome<Response>> DhtApi::value(Call call) {
  VIVIM_CO_TRY(const auto value, co_await dht_.value(std::string(call.query("key"))));
  co_return to_response(value);
}

Co<Outcome<Response>> DhtApi::put(Call call) {
  VIVIM_CO_TRY(const auto body, JsonBody::parse(std::move(call.body)));
  VIVIM_CO_TRY(auto name, body.text("name", k_dht_name_bytes_max));
  VIVIM_CO_TRY(auto text, body.text("text", k_dht_text_bytes_max));
  VIVIM_CO_TRY(const auto stored, co_await dht_.put(std::move(name), std::move(text)));
  co_return to_response(stored);
}

Co<Outcome<Response>> DhtApi::find(Call call) {
  VIVIM_CO_TRY(const auto peer, co_await dht_.find(call.parameter("id")));
  co_return to_response(peer);
}

}  // namespace vivim::gateway
