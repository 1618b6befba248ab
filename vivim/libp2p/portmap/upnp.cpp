// UPnP Internet Gateway Device over miniupnpc.
#include <array>

#include <miniupnpc/miniupnpc.h>
#include <miniupnpc/upnpcommands.h>

#include "vivim/libp2p/portmap/gateway.hpp"

namespace vivim::libp2p::portmap {

namespace {

constexpr int k_only_permanent_leases = 725;
constexpr unsigned char k_search_hops = 2;

/// A router that was found.
class Router {
 public:
  static Result<std::unique_ptr<Router>> find(const UpnpOptions& options) {
    auto router = std::unique_ptr<Router>(new Router());
    auto& own = router->own_ip_;
    if (!options.description_url.empty()) {
      const int found =
          UPNP_GetIGDFromUrl(options.description_url.c_str(), &router->urls_, &router->data_,
                             own.data(), static_cast<int>(own.size()));
      router->has_urls_ = found == 1;
      return found == 1 ? Result<std::unique_ptr<Router>>(std::move(router))
                        : fail(PortmapError::no_gateway);
    }
    int error = 0;
    UPNPDev* const list = upnpDiscover(static_cast<int>(options.search_max.count()), nullptr,
                                       nullptr, UPNP_LOCAL_PORT_ANY, 0, k_search_hops, &error);
    if (list == nullptr) {
      return fail(PortmapError::no_gateway, static_cast<std::uint64_t>(error));
    }
    const int found = UPNP_GetValidIGD(list, &router->urls_, &router->data_, own.data(),
                                       static_cast<int>(own.size()));
    freeUPNPDevlist(list);
    router->has_urls_ = found != 0;
    constexpr int k_connected = 1;
    if (found != k_connected) {
      return fail(PortmapError::no_gateway, static_cast<std::uint64_t>(found));
    }
    return router;
  }
  ~Router() {
    if (has_urls_) {
      FreeUPNPUrls(&urls_);
    }
  }
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  Result<rt::IpAddress> external_address() {
    std::array<char, 64> text{};
    const int status =
        UPNP_GetExternalIPAddress(urls_.controlURL, data_.first.servicetype, text.data());
    if (status != UPNPCOMMAND_SUCCESS) {
      return fail(PortmapError::refused, static_cast<std::uint64_t>(status));
    }
    const auto ip = rt::IpAddress::parse(text.data());
    return ip ? ip : fail(PortmapError::bad_answer);
  }

  int map(const Port& port, std::chrono::seconds lifetime, const std::string& reason) {
    const std::string number = std::to_string(port.number);
    const std::string seconds = std::to_string(lifetime.count());
    return UPNP_AddPortMapping(urls_.controlURL, data_.first.servicetype, number.c_str(),
                               number.c_str(), own_ip_.data(), reason.c_str(), protocol(port),
                               nullptr, seconds.c_str());
  }

  int unmap(const Port& port, std::uint16_t external) {
    const std::string number = std::to_string(external);
    return UPNP_DeletePortMapping(urls_.controlURL, data_.first.servicetype, number.c_str(),
                                  protocol(port), nullptr);
  }

 private:
  Router() = default;

  static const char* protocol(const Port& port) {
    return port.protocol == Port::Protocol::tcp ? "TCP" : "UDP";
  }

  UPNPUrls urls_{};
  IGDdatas data_{};
  std::array<char, 64> own_ip_{};
  bool has_urls_ = false;
};

class UpnpGateway final : public Gateway {
 public:
  explicit UpnpGateway(UpnpOptions options) : options_(std::move(options)) {}

  std::string_view name() const override { return "upnp"; }

  Result<Grant> map(const Port& port, std::chrono::seconds lifetime) override {
    VIVIM_TRY(auto router, Router::find(options_));
    VIVIM_TRY(const auto ip, router->external_address());
    int status = router->map(port, lifetime, options_.description);
    if (status == k_only_permanent_leases) {
      lifetime = std::chrono::seconds(0);
      status = router->map(port, lifetime, options_.description);
    }
    if (status != UPNPCOMMAND_SUCCESS) {
      return fail(PortmapError::refused, static_cast<std::uint64_t>(status));
    }
    return Grant{.external_ip = ip, .external_port = port.number, .lifetime = lifetime};
  }

  Result<void> unmap(const Port& port, const Grant& grant) override {
    VIVIM_TRY(auto router, Router::find(options_));
    const int status = router->unmap(port, grant.external_port);
    return status == UPNPCOMMAND_SUCCESS
               ? Result<void>{}
               : fail(PortmapError::refused, static_cast<std::uint64_t>(status));
  }

 private:
  UpnpOptions options_;
};

}  // namespace

std::unique_ptr<Gateway> make_upnp_gateway(UpnpOptions options) {
  return std::make_unique<UpnpGateway>(std::move(options));
}

}  // namespace vivim::libp2p::portmap
