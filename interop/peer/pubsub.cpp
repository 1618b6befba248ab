#include "interop/peer/pubsub.hpp"

#include <boost/json/array.hpp>

#include "interop/peer/node.hpp"

namespace vivim::interop {

namespace {

namespace json = boost::json;
namespace gossipsub = libp2p::gossipsub;

std::string label(BytesView data) {
  const std::string_view text = as_text(data);
  return std::string(text.substr(0, text.find('\0')));
}

gossipsub::ServiceOptions options(const crypto::KeyPair& key, const Choice& choice) {
  gossipsub::ServiceOptions made;
  if (choice.pubsub == "anonymous") {
    made.router.policy = gossipsub::SignaturePolicy::strict_no_sign;
  } else {
    made.router.signer = libp2p::record::Signer::of(key);
  }
  if (!choice.pubsub_mesh.empty()) {
    const std::size_t mesh = std::stoul(choice.pubsub_mesh);
    auto& wanted = made.router.mesh;
    wanted.d = wanted.d_low = wanted.d_high = wanted.d_score = mesh;
  }
  return made;
}

template <class Items>
json::array texts_of(const Items& items) {
  json::array all;
  for (const auto& item : items) {
    if constexpr (std::is_same_v<std::decay_t<decltype(item)>, std::string>) {
      all.emplace_back(item);
    } else {
      all.emplace_back(item.to_string());
    }
  }
  return all;
}

}  // namespace

Pubsub::Pubsub(libp2p::Host& host, rt::Rng& rng, const crypto::KeyPair& key, const Choice& choice)
    : service_(host, host.loop(), rng, options(key, choice)),
      observed_(service_.observe([this](const gossipsub::Event& event) {
        if (const auto* it = std::get_if<gossipsub::Delivered>(&event)) {
          texts_.push_back(label(it->message->data()));
        }
      })) {
  if (const auto started = service_.start(); !started) {
    std::fprintf(stderr, "pubsub: %s\n", started.error().message().c_str());
  }
}

Result<json::object> run_pubsub(Node& node, std::string_view command, const json::object& asked) {
  Pubsub* const pubsub = node.pubsub();
  if (pubsub == nullptr) {
    return fail(PeerError::bad_request);
  }
  VIVIM_TRY(const auto topic, text_of(asked, "topic"));
  if (command == "pubsub-subscribe") {
    VIVIM_TRYV(pubsub->service().subscribe(topic));
    return json::object{};
  }
  if (command == "pubsub-publish") {
    VIVIM_TRY(const auto text, text_of(asked, "text"));
    Bytes data = to_bytes(text);
    data.resize(std::max<std::size_t>(data.size(), number_of(asked, "bytes", 0)));
    VIVIM_TRYV(pubsub->service().publish(topic, data));
    return json::object{};
  }
  if (command == "pubsub-peers") {
    return json::object{{"peers", texts_of(pubsub->service().router().topic_peers(topic))}};
  }
  if (command == "pubsub-received") {
    return json::object{{"texts", texts_of(pubsub->texts())}};
  }
  return fail(PeerError::no_such_command);
}

}  // namespace vivim::interop
