// Batches of datagrams: recvmmsg with joined datagrams, sendmsg that the system cuts, sendmmsg.
#include <algorithm>
#include <cstring>

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/udp.h>

#include "vivim/rt/asio/datagram_detail.hpp"

namespace vivim::rt::asio_ {

namespace {

template <class T>
T load(const cmsghdr& message) {
  T value;
  std::memcpy(&value, CMSG_DATA(&message), sizeof(value));
  return value;
}

/// Appends a control message; `control` has room.
template <class T>
void add_control(msghdr& header, Control& control, int level, int type, const T& value) {
  if (header.msg_control == nullptr) {
    header.msg_control = control.bytes.data();
    header.msg_controllen = 0;
  }
  auto* const at =
      reinterpret_cast<cmsghdr*>(static_cast<char*>(header.msg_control) + header.msg_controllen);
  at->cmsg_level = level;
  at->cmsg_type = type;
  at->cmsg_len = CMSG_LEN(sizeof(value));
  std::memcpy(CMSG_DATA(at), &value, sizeof(value));
  header.msg_controllen += CMSG_SPACE(sizeof(value));
}

IpAddress address_v4(const in_addr& address) {
  IpAddress ip;
  std::memcpy(ip.bytes.data(), &address, sizeof(address));
  return ip;
}

IpAddress address_v6(const in6_addr& address) {
  IpAddress ip{.is_v6 = true};
  std::memcpy(ip.bytes.data(), &address, sizeof(address));
  return ip;
}

/// The index of the interface that has this address; 0 when none has.
unsigned interface_of(const IpAddress& address) {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) {
    return 0;
  }
  unsigned index = 0;
  for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr != nullptr && at->ifa_addr->sa_family == AF_INET6 &&
        address_v6(reinterpret_cast<const sockaddr_in6*>(at->ifa_addr)->sin6_addr) == address) {
      index = ::if_nametoindex(at->ifa_name);
    }
  }
  ::freeifaddrs(list);
  return index;
}

}  // namespace

SocketAddress SocketAddress::from(const Endpoint& endpoint) {
  SocketAddress result;
  if (endpoint.ip.is_v6) {
    auto* const v6 = reinterpret_cast<sockaddr_in6*>(&result.storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(endpoint.port);
    std::memcpy(&v6->sin6_addr, endpoint.ip.bytes.data(), 16);
    result.length = sizeof(sockaddr_in6);
  } else {
    auto* const v4 = reinterpret_cast<sockaddr_in*>(&result.storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(endpoint.port);
    std::memcpy(&v4->sin_addr, endpoint.ip.bytes.data(), 4);
    result.length = sizeof(sockaddr_in);
  }
  return result;
}

Endpoint SocketAddress::to_endpoint(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
    return {.ip = address_v6(v6.sin6_addr), .port = ntohs(v6.sin6_port)};
  }
  const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
  return {.ip = address_v4(v4.sin_addr), .port = ntohs(v4.sin_port)};
}

bool join_group(int socket, const IpAddress& group, const IpAddress& interface) {
  if (group.is_v6) {
    ipv6_mreq request{};
    std::memcpy(&request.ipv6mr_multiaddr, group.bytes.data(), 16);
    const unsigned index = interface_of(interface);
    request.ipv6mr_interface = index;
    return ::setsockopt(socket, IPPROTO_IPV6, IPV6_JOIN_GROUP, &request, sizeof(request)) == 0 &&
           ::setsockopt(socket, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof(index)) == 0;
  }
  ip_mreqn request{};
  std::memcpy(&request.imr_multiaddr, group.bytes.data(), 4);
  std::memcpy(&request.imr_address, interface.bytes.data(), 4);
  return ::setsockopt(socket, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof(request)) == 0 &&
         ::setsockopt(socket, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof(request)) == 0;
}

Inbox::Inbox(const Endpoint& local, const DatagramOptions& options)
    : local_(local),
      slot_bytes_(options.batches ? k_joined_bytes_max : options.receive_bytes_max),
      slots_(k_receive_batch),
      memory_(std::make_unique_for_overwrite<std::uint8_t[]>(slot_bytes_ * k_receive_batch)),
      headers_(slots_),
      vectors_(slots_),
      addresses_(slots_),
      controls_(slots_) {
  for (std::size_t i = 0; i < slots_; ++i) {
    vectors_[i] = {.iov_base = memory_.get() + i * slot_bytes_, .iov_len = slot_bytes_};
    headers_[i].msg_hdr.msg_iov = &vectors_[i];
    headers_[i].msg_hdr.msg_iovlen = 1;
    headers_[i].msg_hdr.msg_name = &addresses_[i];
    headers_[i].msg_hdr.msg_control = controls_[i].bytes.data();
  }
}

void Inbox::prepare() {
  for (auto& header : headers_) {
    header.msg_hdr.msg_namelen = sizeof(sockaddr_storage);
    header.msg_hdr.msg_controllen = sizeof(Control);
    header.msg_hdr.msg_flags = 0;
  }
  datagrams_.clear();
}

std::span<const Datagram> Inbox::take(int socket) {
  prepare();
  const int count =
      ::recvmmsg(socket, headers_.data(), static_cast<unsigned>(slots_), MSG_DONTWAIT, nullptr);
  error_ = count < 0 ? errno : 0;
  for (int i = 0; i < count; ++i) {
    const mmsghdr& message = headers_[static_cast<std::size_t>(i)];
    if ((message.msg_hdr.msg_flags & MSG_TRUNC) == 0) {
      split(message.msg_hdr, message.msg_len);
    }
  }
  return datagrams_;
}

void Inbox::split(const msghdr& header, std::size_t length) {
  Datagram datagram;
  datagram.remote =
      SocketAddress::to_endpoint(*static_cast<const sockaddr_storage*>(header.msg_name));
  datagram.local = local_.ip;
  std::size_t segment = length;
  for (const cmsghdr* at = CMSG_FIRSTHDR(&header); at != nullptr;
       at = CMSG_NXTHDR(const_cast<msghdr*>(&header), const_cast<cmsghdr*>(at))) {
    if (at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_PKTINFO) {
      datagram.local = address_v4(load<in_pktinfo>(*at).ipi_addr);
    } else if (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_PKTINFO) {
      datagram.local = address_v6(load<in6_pktinfo>(*at).ipi6_addr);
    } else if (at->cmsg_level == IPPROTO_UDP && at->cmsg_type == UDP_GRO) {
      segment = static_cast<std::size_t>(std::max(load<int>(*at), 1));
    }
  }
  BytesView bytes(static_cast<const std::uint8_t*>(header.msg_iov->iov_base), length);
  do {
    const std::size_t count = std::min(segment, bytes.size());
    datagram.bytes = bytes.first(count);
    datagrams_.push_back(datagram);
    bytes = bytes.subspan(count);
  } while (!bytes.empty());
}

Outgoing::Outgoing(const Endpoint& to, BytesView bytes, const SendOptions& options,
                   bool segmentation)
    : to_(SocketAddress::from(to)),
      bytes_(bytes),
      segment_bytes_(options.segment_bytes == 0 ? bytes.size() : options.segment_bytes),
      from_(options.from),
      from_interface_(from_ && to.ip.is_v6 && to.ip.is_multicast() ? interface_of(*from_) : 0),
      segmentation_(segmentation) {}

int Outgoing::send_some(int socket) {
  return segmented() ? send_joined(socket) : send_apart(socket);
}

void Outgoing::add_source(msghdr& header, Control& control) const {
  if (!from_) {
    return;
  }
  if (from_->is_v6) {
    in6_pktinfo info{};
    std::memcpy(&info.ipi6_addr, from_->bytes.data(), 16);
    info.ipi6_ifindex = from_interface_;
    add_control(header, control, IPPROTO_IPV6, IPV6_PKTINFO, info);
  } else {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, from_->bytes.data(), 4);
    add_control(header, control, IPPROTO_IP, IP_PKTINFO, info);
  }
}

int Outgoing::send_joined(int socket) {
  const std::size_t segments = std::min(k_segments_max, k_datagram_bytes_max / segment_bytes_);
  const std::size_t count =
      std::min(bytes_.size(), std::max<std::size_t>(segments, 1) * segment_bytes_);
  iovec vector{.iov_base = const_cast<std::uint8_t*>(bytes_.data()), .iov_len = count};
  Control control;
  msghdr header{};
  header.msg_name = &to_.storage;
  header.msg_namelen = to_.length;
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  if (count > segment_bytes_) {
    add_control(header, control, IPPROTO_UDP, UDP_SEGMENT,
                static_cast<std::uint16_t>(segment_bytes_));
  }
  add_source(header, control);
  if (::sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
    return errno;
  }
  bytes_ = bytes_.subspan(count);
  return 0;
}

int Outgoing::send_apart(int socket) {
  std::array<mmsghdr, k_send_batch> headers{};
  std::array<iovec, k_send_batch> vectors{};
  Control control;
  BytesView rest = bytes_;
  unsigned count = 0;
  for (; count < k_send_batch && !rest.empty(); ++count) {
    const std::size_t length = std::min(segment_bytes_, rest.size());
    vectors[count] = {.iov_base = const_cast<std::uint8_t*>(rest.data()), .iov_len = length};
    msghdr& header = headers[count].msg_hdr;
    header.msg_name = &to_.storage;
    header.msg_namelen = to_.length;
    header.msg_iov = &vectors[count];
    header.msg_iovlen = 1;
    add_source(header, control);
    rest = rest.subspan(length);
  }
  const int sent = ::sendmmsg(socket, headers.data(), count, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0) {
    return errno;
  }
  bytes_ = bytes_.subspan(std::min(bytes_.size(), static_cast<std::size_t>(sent) * segment_bytes_));
  return 0;
}

}  // namespace vivim::rt::asio_
