// NAT-PMP over libnatpmp.
#include <algorithm>
#include <cstring>

#include <natpmp.h>
#include <poll.h>

#include "vivim/libp2p/portmap/gateway.hpp"

namespace vivim::libp2p::portmap {

namespace {

/// A conversation with the router; one request at a time.
class Session {
 public:
  static Result<std::unique_ptr<Session>> open(const NatPmpOptions& options) {
    auto session = std::unique_ptr<Session>(new Session(options.answer_max));
    in_addr_t router = 0;
    if (options.router) {
      std::memcpy(&router, options.router->bytes.data(), sizeof(router));
    }
    const int status = initnatpmp(&session->natpmp_, options.router ? 1 : 0, router);
    if (status != 0) {
      return fail(PortmapError::no_gateway, static_cast<std::uint64_t>(-status));
    }
    session->open_ = true;
    return session;
  }
  ~Session() {
    if (open_) {
      closenatpmp(&natpmp_);
    }
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Result<rt::IpAddress> external_address() {
    if (sendpublicaddressrequest(&natpmp_) < 0) {
      return fail(PortmapError::no_gateway);
    }
    VIVIM_TRY(const auto answer, wait(NATPMP_RESPTYPE_PUBLICADDRESS));
    rt::IpAddress ip;
    std::memcpy(ip.bytes.data(), &answer.pnu.publicaddress.addr, 4);
    return ip;
  }

  Result<natpmpresp_t> map(const Port& port, std::uint16_t external, std::uint32_t lifetime) {
    const bool tcp = port.protocol == Port::Protocol::tcp;
    if (sendnewportmappingrequest(&natpmp_, tcp ? NATPMP_PROTOCOL_TCP : NATPMP_PROTOCOL_UDP,
                                  port.number, external, lifetime) < 0) {
      return fail(PortmapError::no_gateway);
    }
    VIVIM_TRY(const auto answer,
              wait(tcp ? NATPMP_RESPTYPE_TCPPORTMAPPING : NATPMP_RESPTYPE_UDPPORTMAPPING));
    if (answer.pnu.newportmapping.privateport != port.number) {
      return fail(PortmapError::bad_answer);
    }
    return answer;
  }

 private:
  explicit Session(std::chrono::milliseconds answer_max) : left_(answer_max) {}

  /// The answer; asked again at the library's pace until the time is over.
  Result<natpmpresp_t> wait(std::uint16_t type) {
    while (left_.count() > 0) {
      timeval next{};
      getnatpmprequesttimeout(&natpmp_, &next);
      const auto pause = std::chrono::milliseconds(
          std::clamp<long>(next.tv_sec * 1000 + next.tv_usec / 1000 + 1, 1, left_.count()));
      pollfd readable{.fd = natpmp_.s, .events = POLLIN, .revents = 0};
      const bool timed_out = ::poll(&readable, 1, static_cast<int>(pause.count())) == 0;
      left_ -= timed_out ? pause : std::chrono::milliseconds(1);
      natpmpresp_t answer{};
      const int status = readnatpmpresponseorretry(&natpmp_, &answer);
      if (status == NATPMP_TRYAGAIN) {
        continue;
      }
      if (status == NATPMP_ERR_NOGATEWAYSUPPORT || status == NATPMP_ERR_RECVFROM) {
        return fail(PortmapError::no_gateway);
      }
      if (status != 0) {
        return fail(PortmapError::refused, static_cast<std::uint64_t>(-status));
      }
      if (answer.type == type) {
        return answer;
      }
    }
    return fail(PortmapError::no_gateway);
  }

  natpmp_t natpmp_{};
  std::chrono::milliseconds left_;
  bool open_ = false;
};

class NatPmpGateway final : public Gateway {
 public:
  explicit NatPmpGateway(NatPmpOptions options) : options_(options) {}

  std::string_view name() const override { return "nat-pmp"; }

  Result<Grant> map(const Port& port, std::chrono::seconds lifetime) override {
    VIVIM_TRY(auto session, Session::open(options_));
    VIVIM_TRY(const auto ip, session->external_address());
    VIVIM_TRY(const auto answer,
              session->map(port, port.number, static_cast<std::uint32_t>(lifetime.count())));
    const auto& mapping = answer.pnu.newportmapping;
    if (mapping.mappedpublicport == 0 || mapping.lifetime == 0) {
      return fail(PortmapError::bad_answer);
    }
    return Grant{.external_ip = ip,
                 .external_port = mapping.mappedpublicport,
                 .lifetime = std::chrono::seconds(mapping.lifetime)};
  }

  Result<void> unmap(const Port& port, const Grant&) override {
    VIVIM_TRY(auto session, Session::open(options_));
    VIVIM_TRYV(session->map(port, 0, 0));
    return {};
  }

 private:
  NatPmpOptions options_;
};

}  // namespace

std::unique_ptr<Gateway> make_nat_pmp_gateway(NatPmpOptions options) {
  return std::make_unique<NatPmpGateway>(options);
}

}  // namespace vivim::libp2p::portmap
