#include "interop/peer/node.hpp"

#include <utility>

#include "interop/peer/transports.hpp"
#include "vivim/libp2p/mplex/muxer.hpp"
#include "vivim/libp2p/tls/security.hpp"

namespace vivim::interop {

namespace {

namespace json = boost::json;
using libp2p::Multiaddr;
using libp2p::PeerId;

constexpr std::string_view k_agent = "vivim-interop/1.0.0";
constexpr std::size_t k_connections_max = 100'000;
constexpr std::size_t k_streams_max = 200'000;
constexpr std::size_t k_handshakes_max = 1024;

// What is measured is not to be limited: the limits have tests of their own.
libp2p::HostLimits limits() {
  return {.inbound_connections_max = k_connections_max,
          .outbound_connections_max = k_connections_max,
          .handshakes_max = k_handshakes_max,
          .inbound_streams_max = k_streams_max,
          .outbound_streams_max = k_streams_max};
}

}  // namespace

const ErrorDomain& error_domain(PeerError) {
  static constexpr ErrorDomain k_domain{
      "interop", [](int code) -> ErrorInfo {
        switch (static_cast<PeerError>(code)) {
          case PeerError::bad_request:
            return {"bad_request", "a field is missing or of another type", Blame::local};
          case PeerError::no_such_command:
            return {"no_such_command", "there is no such command", Blame::local};
          case PeerError::not_identified:
            return {"not_identified", "the peer did not identify itself in time", Blame::peer};
          case PeerError::not_found:
            return {"not_found", "what was waited for did not happen in time", Blame::peer};
        }
        return {"unknown", "unknown error", Blame::local};
      }};
  return k_domain;
}

Node::Node(const Choice& choice, rt::asio_::Loop& loop)
    : choice_(choice),
      loop_(loop),
      network_(loop),
      key_(crypto::KeyPair::generate([this](MutableBytes out) { rng_.fill(out); })),
      host_(options(key_), loop, network_, rng_),
      dialer_key_(crypto::KeyPair::generate([this](MutableBytes out) { rng_.fill(out); })),
      dialer_(dialer_options(), loop, network_, rng_),
      perf_(host_, loop),
      services_(choice_, host_, dialer_, key_, loop, rng_) {
  (void)host_.handle(
      std::string(k_bulk_protocol),
      [this](libp2p::InboundStream inbound) { return answer_bulk(std::move(inbound)); },
      {.allow_limited = true});
  add_relaying();
  if (!choice_.pubsub.empty()) {
    pubsub_ = std::make_unique<Pubsub>(host_, rng_, key_, choice_);
  }
}

void Node::add_relaying() {
  auto circuits = std::make_unique<libp2p::relay::RelayTransport>(host_);
  circuits_ = circuits.get();
  host_.add_transport(std::move(circuits));
  if (choice_.relay_serve) {
    relay_ = std::make_unique<libp2p::relay::RelayServer>(host_, libp2p::record::Signer::of(key_),
                                                          libp2p::relay::RelayServerOptions{});
    (void)relay_->start();
  }
}

libp2p::HostOptions Node::options(const crypto::KeyPair& key) {
  libp2p::HostOptions options{
      .key = key,
      .agent = std::string(k_agent),
      .limits = limits(),
      .connection_manager = libp2p::ConnectionManagerOptions{.high_water = k_connections_max}};
  options.transports = make_transports(choice_, key, loop_, network_, rng_);
  if (choice_.muxer == "mplex") {
    options.muxers.push_back(std::make_unique<libp2p::mplex::MplexMuxer>());
  }
  if (choice_.security == "tls") {
    options.securities.push_back(std::make_unique<libp2p::tls::TlsSecurity>(
        key, [this](MutableBytes out) { rng_.fill(out); }, loop_.clock()));
  }
  return options;
}

libp2p::HostOptions Node::dialer_options() {
  auto dials_back = options(dialer_key_);
  dials_back.times.dial_max = libp2p::autonat::k_dial_back_time_max;
  return dials_back;
}

rt::Co<void> Node::answer_bulk(libp2p::InboundStream inbound) {
  if (const auto result = co_await serve_bulk(loop_, *inbound.stream); !result) {
    std::fprintf(stderr, "bulk: %s\n", result.error().message().c_str());
  }
}

rt::Co<Result<json::object>> Node::dial(json::object asked) {
  VIVIM_CO_TRY(auto address, address_of(asked));
  const auto begin = loop_.clock().now();
  VIVIM_CO_TRY(const auto peer, co_await host_.connect(std::move(address)));
  const std::chrono::duration<double, std::milli> took = loop_.clock().now() - begin;
  auto told = connection(peer);
  told["ms"] = took.count();
  co_return told;
}

json::object Node::connection(const PeerId& peer) const {
  json::object told{{"peer", peer.to_string()}};
  for (const auto& info : host_.peers()) {
    if (info.id == peer) {
      told = tell(info);
    }
  }
  return told;
}

json::object tell(const libp2p::PeerInfo& info) {
  return {{"peer", info.id.to_string()},
          {"remote", info.address.to_string()},
          {"security", info.security},
          {"muxer", info.muxer},
          {"limited", info.limited}};
}

Result<void> Node::start_mdns() {
  mdns_ = std::make_unique<libp2p::mdns::Service>(
      loop_, network_, rng_,
      libp2p::mdns::ServiceOptions{.self = host_.peer_id(),
                                   .addresses = [this] { return host_.listen_addresses(); },
                                   .observer =
                                       [this](const libp2p::mdns::Event& event) {
                                         discovered_[event.peer] = event.addresses;
                                       }});
  return mdns_->start();
}

const std::vector<Multiaddr>* Node::discovered(const PeerId& peer) const {
  const auto found = discovered_.find(peer);
  return found == discovered_.end() ? nullptr : &found->second;
}

std::unique_ptr<libp2p::Host> Node::make_host() {
  const auto key = crypto::KeyPair::generate([this](MutableBytes out) { rng_.fill(out); });
  return std::make_unique<libp2p::Host>(options(key), loop_, network_, rng_);
}

rt::Co<void> Node::stop() {
  if (mdns_) {
    co_await mdns_->stop();
  }
  if (relay_) {
    co_await relay_->stop();
  }
  services_.quit();
  co_await dialer_.stop();
  co_await host_.stop();
  co_await services_.stop();
  if (pubsub_) {
    co_await pubsub_->stop();
  }
}

Result<std::string> text_of(const json::object& asked, std::string_view key) {
  const auto* value = asked.if_contains(key);
  if (value == nullptr || !value->is_string()) {
    return fail(PeerError::bad_request);
  }
  return std::string(value->get_string());
}

Result<PeerId> peer_of(const json::object& asked) {
  VIVIM_TRY(const auto text, text_of(asked, "peer"));
  return PeerId::parse(text);
}

Result<Multiaddr> address_of(const json::object& asked) {
  VIVIM_TRY(const auto text, text_of(asked, "addr"));
  return Multiaddr::parse(text);
}

std::uint64_t number_of(const json::object& asked, std::string_view key, std::uint64_t otherwise) {
  const auto* value = asked.if_contains(key);
  boost::system::error_code bad;
  const auto number = value == nullptr ? otherwise : value->to_number<std::uint64_t>(bad);
  return bad ? otherwise : number;
}

}  // namespace vivim::interop
