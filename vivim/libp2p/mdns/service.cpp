#include "vivim/libp2p/mdns/service.hpp"

#include <algorithm>

#include "vivim/base/log.hpp"

namespace vivim::libp2p::mdns {

namespace {

const rt::Endpoint k_group{.ip = rt::IpAddress::v4(224, 0, 0, 251), .port = k_port};

Config make_config(const ServiceOptions& options, rt::Rng& rng) {
  return {.self = options.self,
          .peer_name = make_peer_name(rng),
          .query_interval_max = options.query_interval_max,
          .seed = rng.u64()};
}

}  // namespace

Service::Service(rt::Loop& loop, rt::Network& network, rt::Rng& rng, ServiceOptions options)
    : loop_(loop),
      network_(network),
      options_(std::move(options)),
      discovery_(make_config(options_, rng), loop.clock().now()),
      timer_(loop.make_timer()),
      tasks_(loop) {}

Service::~Service() = default;

Result<void> Service::start() {
  VIVIM_TRY(socket_,
            network_.open_datagram({.ip = rt::IpAddress(), .port = k_port},
                                   {.shared = true, .receive_bytes_max = k_packet_bytes_max}));
  if (!join_interfaces()) {
    return fail(MdnsError::no_interface);
  }
  tasks_.on_stop([this] {
    timer_->cancel();
    socket_->close();
  });
  tasks_.spawn("mdns receive", receive_loop());
  tasks_.spawn("mdns time", time_loop());
  return {};
}

/// Joins the group on interfaces that came; false when it is on none.
bool Service::join_interfaces() {
  std::vector<rt::IpAddress> wanted = options_.interfaces;
  if (wanted.empty()) {
    wanted = network_.interfaces().value_or(std::vector<rt::IpAddress>{});
    std::erase_if(wanted, [](const auto& ip) { return ip.is_v6; });
    if (std::ranges::any_of(wanted, [](const auto& ip) { return !ip.is_loopback(); })) {
      std::erase_if(wanted, [](const auto& ip) { return ip.is_loopback(); });
    }
  }
  for (const auto& ip : wanted) {
    if (std::ranges::find(joined_, ip) == joined_.end() && socket_->join(k_group.ip, ip)) {
      joined_.push_back(ip);
    }
  }
  std::erase_if(
      joined_, [&wanted](const auto& ip) { return std::ranges::find(wanted, ip) == wanted.end(); });
  return !joined_.empty();
}

void Service::refresh() {
  join_interfaces();
  discovery_.set_addresses(options_.addresses(),
                           network_.interfaces().value_or(std::vector<rt::IpAddress>{}));
}

rt::Co<void> Service::receive_loop() {
  for (;;) {
    const auto received = co_await socket_->receive();
    if (!received) {
      co_return;
    }
    for (const auto& datagram : *received) {
      // What was not sent to the group may come from beyond this network (RFC 6762 section 11); we
      // ask for no answers of that kind.
      if (datagram.local != k_group.ip) {
        continue;
      }
      const auto taken =
          discovery_.receive(datagram.bytes, datagram.remote.ip, loop_.clock().now());
      if (!taken) {
        log::write(log::Level::debug, "mdns", "a packet that is none",
                   {{"error", std::string_view(taken.error().message())}});
      }
    }
    settle();
  }
}

void Service::settle() {
  while (const auto event = discovery_.poll_event()) {
    options_.observer(*event);
  }
  timer_->expire_at(discovery_.next_deadline());
}

rt::Co<void> Service::time_loop() {
  while (!tasks_.stopping()) {
    timer_->expire_at(discovery_.next_deadline());
    if (!co_await timer_->wait()) {
      continue;
    }
    refresh();
    discovery_.on_deadline(loop_.clock().now());
    settle();
    co_await transmit();
  }
}

rt::Co<void> Service::transmit() {
  while (const auto packet = discovery_.poll_transmit()) {
    const auto interfaces = joined_;
    for (const auto& ip : interfaces) {
      (void)co_await socket_->send(k_group, *packet, {.from = ip});
    }
  }
}

rt::Co<void> Service::stop() {
  if (socket_ != nullptr && !tasks_.stopping()) {
    discovery_.leave();
    co_await transmit();
  }
  co_await tasks_.stop();
  if (socket_ != nullptr) {
    socket_->close();
  }
}

}  // namespace vivim::libp2p::mdns
