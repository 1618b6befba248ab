#include "vivim/libp2p/mdns/service.hpp"

#include <algorithm>

#include "vivim/base/log.hpp"

namespace vivim::libp2p::mdns {

namespace {

/// ff02::fb (RFC 6762 section 3).
rt::IpAddress group_v6() {
  rt::IpAddress ip{.is_v6 = true};
  ip.bytes.front() = 0xff;
  ip.bytes[1] = 0x02;
  ip.bytes.back() = 0xfb;
  return ip;
}

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
      groups_{Group{.ip = rt::IpAddress::v4(224, 0, 0, 251)}, Group{.ip = group_v6()}},
      timer_(loop.make_timer()),
      tasks_(loop) {}

Service::~Service() = default;

Result<void> Service::start() {
  std::optional<Error> error;
  for (Group& group : groups_) {
    auto socket = network_.open_datagram({.ip = {.is_v6 = group.ip.is_v6}, .port = k_port},
                                         {.shared = true, .receive_bytes_max = k_packet_bytes_max});
    if (socket) {
      group.socket = std::move(*socket);
    } else {
      error = socket.error();
    }
  }
  if (!join_interfaces()) {
    return fail(error.value_or(MdnsError::no_interface));
  }
  tasks_.on_stop([this] {
    timer_->cancel();
    for (const Group& group : groups_) {
      if (group.socket != nullptr) {
        group.socket->close();
      }
    }
  });
  for (const Group& group : groups_) {
    if (group.socket != nullptr) {
      tasks_.spawn("mdns receive", receive_loop(group));
    }
  }
  tasks_.spawn("mdns time", time_loop());
  return {};
}

std::vector<rt::IpAddress> Service::wanted_interfaces(const Group& group) const {
  std::vector<rt::IpAddress> wanted = options_.interfaces;
  const bool all = wanted.empty();
  if (all) {
    wanted = network_.interfaces().value_or(std::vector<rt::IpAddress>{});
  }
  std::erase_if(wanted, [&group](const auto& ip) { return ip.is_v6 != group.ip.is_v6; });
  if (all && std::ranges::any_of(wanted, [](const auto& ip) { return !ip.is_loopback(); })) {
    std::erase_if(wanted, [](const auto& ip) { return ip.is_loopback(); });
  }
  return wanted;
}

/// Joins the groups on interfaces that came; false when it is on none.
bool Service::join_interfaces() {
  bool any = false;
  for (Group& group : groups_) {
    if (group.socket == nullptr) {
      continue;
    }
    const auto wanted = wanted_interfaces(group);
    for (const auto& ip : wanted) {
      if (std::ranges::find(group.joined, ip) == group.joined.end() &&
          group.socket->join(group.ip, ip)) {
        group.joined.push_back(ip);
      }
    }
    std::erase_if(group.joined, [&wanted](const auto& ip) {
      return std::ranges::find(wanted, ip) == wanted.end();
    });
    any = any || !group.joined.empty();
  }
  return any;
}

void Service::refresh() {
  join_interfaces();
  discovery_.set_addresses(options_.addresses(),
                           network_.interfaces().value_or(std::vector<rt::IpAddress>{}));
}

rt::Co<void> Service::receive_loop(const Group& group) {
  for (;;) {
    const auto received = co_await group.socket->receive();
    if (!received) {
      co_return;
    }
    for (const auto& datagram : *received) {
      // What was not sent to the group may come from beyond this network (RFC 6762 section 11); we
      // ask for no answers of that kind.
      if (datagram.local != group.ip) {
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
    for (const Group& group : groups_) {
      const auto interfaces = group.joined;
      for (const auto& ip : interfaces) {
        (void)co_await group.socket->send({.ip = group.ip, .port = k_port}, *packet, {.from = ip});
      }
    }
  }
}

rt::Co<void> Service::stop() {
  if (!tasks_.stopping()) {
    discovery_.leave();
    co_await transmit();
  }
  co_await tasks_.stop();
}

}  // namespace vivim::libp2p::mdns
