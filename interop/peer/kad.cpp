#include "interop/peer/kad.hpp"

#include <charconv>

#include <boost/json/array.hpp>

#include "vivim/libp2p/kad/content_record.hpp"
#include "vivim/libp2p/kad/dht.hpp"

namespace vivim::interop {

namespace {

namespace json = boost::json;
namespace kad = libp2p::kad;

constexpr auto k_kad_poll_interval = std::chrono::milliseconds(20);
constexpr rt::WallMs k_life_ms = 3'600'000;

Result<Bytes> bytes_of(const json::object& asked, std::string_view name) {
  VIVIM_TRY(const auto text, text_of(asked, name));
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    std::uint8_t byte = 0;
    const char* const begin = text.data() + i;
    if (std::from_chars(begin, begin + 2, byte, 16).ptr != begin + 2) {
      return fail(PeerError::bad_request);
    }
    bytes.push_back(byte);
  }
  return bytes;
}

rt::Co<Result<json::object>> wait_for_table(Node& node, json::object asked) {
  const auto count = number_of(asked, "count", 1);
  const auto end =
      node.loop().clock().now() + std::chrono::milliseconds(number_of(asked, "timeoutMs", 30'000));
  while (node.services().kad()->table().size() < count) {
    if (node.loop().clock().now() >= end) {
      co_return fail(PeerError::not_found);
    }
    co_await rt::sleep_for(node.loop(), k_kad_poll_interval);
  }
  co_return json::object{{"count", node.services().kad()->table().size()}};
}

rt::Co<Result<json::object>> put(Node& node, Bytes key, Bytes value) {
  json::object told{{"key", to_hex(key)}, {"value", to_hex(value)}};
  VIVIM_CO_TRY(const auto stored,
               co_await node.services().kad()->put_value(std::move(key), std::move(value)));
  told["stored"] = stored.stored;
  co_return told;
}

rt::Co<Result<json::object>> put_own_key(Node& node) {
  Bytes key = to_bytes("/pk/");
  append(key, node.host().peer_id().bytes());
  co_return co_await put(node, std::move(key), node.host().public_key().encode());
}

/// Puts what only we can sign.
rt::Co<Result<json::object>> publish(Node& node, json::object asked) {
  VIVIM_CO_TRY(const auto name, text_of(asked, "name"));
  VIVIM_CO_TRY(const auto value, bytes_of(asked, "value"));
  const auto expires = node.loop().clock().wall_now_ms() + k_life_ms;
  Bytes sealed = kad::seal_content(libp2p::record::Signer::of(node.key()), name,
                                   number_of(asked, "sequence", 1), expires, value);
  co_return co_await put(node, kad::content_key(node.host().peer_id(), name), std::move(sealed));
}

rt::Co<Result<json::object>> get(Node& node, json::object asked) {
  VIVIM_CO_TRY(auto key, bytes_of(asked, "key"));
  VIVIM_CO_TRY(const auto found, co_await node.services().kad()->get_value(std::move(key)));
  co_return json::object{{"value", to_hex(found.value)},
                         {"votes", found.votes},
                         {"end", kad::to_string(found.lookup.end)}};
}

rt::Co<Result<json::object>> provide(Node& node, json::object asked) {
  VIVIM_CO_TRY(auto key, bytes_of(asked, "key"));
  VIVIM_CO_TRY(const auto stored, co_await node.services().kad()->provide(std::move(key)));
  co_return json::object{{"stored", stored.stored}};
}

rt::Co<Result<json::object>> providers(Node& node, json::object asked) {
  VIVIM_CO_TRY(auto key, bytes_of(asked, "key"));
  VIVIM_CO_TRY(const auto found, co_await node.services().kad()->find_providers(std::move(key)));
  json::array peers;
  for (const auto& provider : found.providers) {
    peers.emplace_back(provider.contact.peer.to_string());
  }
  co_return json::object{{"peers", std::move(peers)}};
}

rt::Co<Result<json::object>> find(Node& node, json::object asked) {
  VIVIM_CO_TRY(const auto peer, peer_of(asked));
  VIVIM_CO_TRY(const auto found, co_await node.services().kad()->find_peer(peer));
  json::array addresses;
  for (const auto& address : found.contact.addresses) {
    addresses.emplace_back(address.to_string());
  }
  co_return json::object{{"addrs", std::move(addresses)}};
}

}  // namespace

rt::Co<Result<json::object>> run_kad_command(Node& node, std::string command, json::object asked) {
  if (node.services().kad() == nullptr) {
    co_return fail(PeerError::bad_request);
  }
  if (command == "kad-wait") {
    co_return co_await wait_for_table(node, std::move(asked));
  }
  if (command == "kad-put") {
    VIVIM_CO_TRY(auto key, bytes_of(asked, "key"));
    VIVIM_CO_TRY(auto value, bytes_of(asked, "value"));
    co_return co_await put(node, std::move(key), std::move(value));
  }
  if (command == "kad-put-own-key") {
    co_return co_await put_own_key(node);
  }
  if (command == "kad-publish") {
    co_return co_await publish(node, std::move(asked));
  }
  if (command == "kad-get") {
    co_return co_await get(node, std::move(asked));
  }
  if (command == "kad-provide") {
    co_return co_await provide(node, std::move(asked));
  }
  if (command == "kad-providers") {
    co_return co_await providers(node, std::move(asked));
  }
  if (command == "kad-find") {
    co_return co_await find(node, std::move(asked));
  }
  co_return fail(PeerError::no_such_command);
}

}  // namespace vivim::interop
