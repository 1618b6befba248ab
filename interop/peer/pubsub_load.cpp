#include "interop/peer/pubsub_load.hpp"

#include "interop/peer/node.hpp"
#include "vivim/libp2p/delimited/delimited.hpp"
#include "vivim/libp2p/gossipsub/signature.hpp"

namespace vivim::interop {

namespace {

namespace json = boost::json;
namespace gossipsub = libp2p::gossipsub;
namespace wire = libp2p::gossipsub::wire;

constexpr auto k_patience = std::chrono::seconds(60);
constexpr auto k_heartbeats = std::chrono::seconds(3);
constexpr std::size_t k_rpc_bytes_max = std::size_t{4} << 20U;
constexpr std::size_t k_read_bytes = std::size_t{256} * 1024;

const std::vector<std::string>& protocols() {
  static const std::vector<std::string> k_all{"/meshsub/1.1.0"};
  return k_all;
}

}  // namespace

rt::Co<Result<std::unique_ptr<PubsubLoad>>> PubsubLoad::join(Node& node, json::object asked) {
  std::unique_ptr<PubsubLoad> load(new PubsubLoad(node));
  VIVIM_CO_TRY(const auto address, address_of(asked));
  VIVIM_CO_TRY(load->topic_, text_of(asked, "topic"));
  load->signed_ = text_of(asked, "policy").value_or("anonymous") == "sign";
  const std::uint64_t count = number_of(asked, "peers", 50);
  for (std::uint64_t i = 0; i < count; ++i) {
    VIVIM_CO_TRYV(co_await load->add(address));
  }
  const auto end = node.loop().clock().now() + k_patience;
  const auto all_heard = [&load] {
    return std::ranges::all_of(load->peers_, [](const auto& peer) { return peer->heard; });
  };
  while (!all_heard()) {
    if (node.loop().clock().now() > end) {
      co_return fail(PeerError::not_found);
    }
    co_await rt::sleep_for(node.loop(), std::chrono::milliseconds(20));
  }
  co_await rt::sleep_for(node.loop(), k_heartbeats);
  co_return load;
}

rt::Co<Result<void>> PubsubLoad::add(libp2p::Multiaddr at) {
  auto& peer = *peers_.emplace_back(std::make_unique<Peer>());
  peer.host = node_.make_host();
  VIVIM_CO_TRYV(peer.host->handle(protocols()[0], [this, &peer](libp2p::InboundStream inbound) {
    return count(peer, std::move(inbound));
  }));
  VIVIM_CO_TRY(const auto router, co_await peer.host->connect(std::move(at)));
  VIVIM_CO_TRY(auto opened, co_await peer.host->open_stream(router, protocols()));
  peer.out = std::move(opened.stream);
  Bytes subscriptions;
  Bytes control;
  wire::append_subscription(subscriptions, {.topic = topic_, .subscribe = true});
  wire::append_graft(control, topic_);
  const Bytes hello = wire::frame(subscriptions, control);
  co_return co_await peer.out->write(hello);
}

rt::Co<void> PubsubLoad::count(Peer& peer, libp2p::InboundStream inbound) {
  peer.heard = true;
  libp2p::DelimitedReader reader(k_rpc_bytes_max);
  Bytes buffer(k_read_bytes);
  wire::Rpc rpc;
  for (;;) {
    const auto size = co_await inbound.stream->read_some(buffer);
    if (!size || *size == 0) {
      co_return;
    }
    reader.feed(BytesView(buffer).first(*size));
    for (auto body = reader.next(); body && *body; body = reader.next()) {
      if (wire::decode(**body, rpc)) {
        received_ += rpc.publish.size();
      }
    }
  }
}

Bytes PubsubLoad::next_frame(std::size_t bytes) {
  Bytes data(std::max<std::size_t>(bytes, 8), 0x5a);
  store_be64(data, ++sent_);
  wire::MessageView view{.data = data, .topic = topic_};
  Bytes seqno(8);
  store_be64(seqno, sent_);
  const auto author = libp2p::PeerId::of(author_);
  Bytes signature;
  if (signed_) {
    view.from = author.bytes();
    view.seqno = seqno;
    signature = gossipsub::sign(libp2p::record::Signer::of(author_),
                                gossipsub::Message::make(view, {}, {})->signed_part());
    view.signature = signature;
  }
  return to_bytes(gossipsub::Message::make(view, {}, {})->frame());
}

rt::Co<Result<json::object>> PubsubLoad::run(json::object asked) {
  const std::uint64_t messages = number_of(asked, "messages", 1000);
  const std::uint64_t burst = std::max<std::uint64_t>(number_of(asked, "burst", 32), 1);
  const std::uint64_t before = received_;
  const std::uint64_t others = peers_.size() - 1;
  const auto begin = node_.loop().clock().now();
  std::uint64_t done = 0;
  while (done < messages) {
    Bytes batch;
    const std::uint64_t count = std::min(burst, messages - done);
    for (std::uint64_t i = 0; i < count; ++i) {
      append(batch, next_frame(number_of(asked, "bytes", 1024)));
    }
    VIVIM_CO_TRYV(co_await peers_.front()->out->write(batch));
    done += count;
    const auto end = node_.loop().clock().now() + k_patience;
    while (received_ - before < done * others) {
      if (node_.loop().clock().now() > end) {
        co_return fail(PeerError::not_found, done * others - (received_ - before));
      }
      co_await rt::sleep_for(node_.loop(), std::chrono::microseconds(200));
    }
  }
  const std::chrono::duration<double> took = node_.loop().clock().now() - begin;
  co_return json::object{
      {"seconds", took.count()}, {"messages", messages}, {"received", received_ - before}};
}

rt::Co<void> PubsubLoad::stop() {
  for (auto& peer : peers_) {
    peer->out.reset();
    co_await peer->host->stop();
  }
}

}  // namespace vivim::interop
