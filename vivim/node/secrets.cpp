#include "vivim/node/secrets.hpp"

#include "vivim/libp2p/websocket/error.hpp"
#include "vivim/node/home.hpp"

namespace vivim::node {

namespace {

using libp2p::tls::Trust;

constexpr std::string_view k_pem_hint =
    "They must be PEM: the certificate with those up to an authority in one file, its private key, "
    "without a password, in the other.";

Problem bad_secret(const std::string& setting, const std::string& what, std::string hint) {
  return {.kind = ProblemKind::bad_input,
          .code = "bad_configuration",
          .message = setting + ": " + what,
          .hint = std::move(hint)};
}

using StreamPtr = std::unique_ptr<rt::Stream>;

/// Dials with the authorities of this machine: there are many, and most nodes never dial so.
class SystemTls final : public libp2p::websocket::TlsLayer {
 public:
  explicit SystemTls(rt::Clock& clock) : clock_(clock) {}

  bool can_serve() const override { return false; }
  rt::Co<Result<StreamPtr>> connect(StreamPtr transport, std::string server_name) override {
    if (tls_ == nullptr) {
      VIVIM_CO_TRY(tls_, libp2p::websocket::WebTls::make({}, clock_));
    }
    co_return co_await tls_->connect(std::move(transport), std::move(server_name));
  }
  rt::Co<Result<StreamPtr>> serve(StreamPtr) override {
    co_return fail(libp2p::websocket::WsError::no_tls);
  }

 private:
  rt::Clock& clock_;
  std::unique_ptr<libp2p::websocket::WebTls> tls_;
};

/// The content of the file that a setting names; empty when it names none.
Outcome<std::string> read_named(const std::string& setting, const std::string& path,
                                const std::string& home, std::string hint) {
  if (path.empty()) {
    return std::string();
  }
  const std::string whole = path.starts_with('/') ? path : home + "/" + path;
  auto content = read_private(whole);
  if (!content) {
    content.error().message = setting + ": " + content.error().message;
    content.error().hint = std::move(hint);
    return std::unexpected(std::move(content).error());
  }
  if (!*content) {
    return std::unexpected(bad_secret(setting, "there is no file " + whole + ".", std::move(hint)));
  }
  return std::move(**content);
}

Outcome<crypto::SecretBytes> read_secret(const std::string& setting, const std::string& path,
                                         const std::string& home, std::string hint) {
  VIVIM_TRY(auto text, read_named(setting, path, home, std::move(hint)));
  crypto::SecretBytes secret(as_bytes(text));
  crypto::wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  return secret;
}

}  // namespace

Outcome<NetworkSecrets> read_secrets(const NetworkConfig& config, const std::string& home) {
  const std::string key_hint =
      "All members of a private network need a copy of one key file. To make one: vivim swarm key "
      "> swarm.key";
  NetworkSecrets secrets;
  VIVIM_TRY(const auto file,
            read_secret("private_network", config.private_network, home, key_hint));
  if (!config.private_network.empty()) {
    auto key = libp2p::pnet::PreSharedKey::parse(file.view());
    if (!key) {
      return std::unexpected(bad_secret(
          "private_network",
          "'" + config.private_network +
              "' is not the key file of a private network: " + key.error().message() + ".",
          key_hint));
    }
    secrets.private_network = std::move(*key);
  }
  const std::string pem_hint(k_pem_hint);
  VIVIM_TRY(secrets.wss.chain_pem,
            read_named("wss.certificate", config.wss.certificate, home, pem_hint));
  VIVIM_TRY(secrets.wss.key_pem, read_secret("wss.key", config.wss.key, home, pem_hint));
  VIVIM_TRY(secrets.wss.trust.authorities_pem,
            read_named("wss.authorities", config.wss.authorities, home, pem_hint));
  secrets.wss.trust.source =
      config.wss.authorities.empty() ? Trust::Source::system : Trust::Source::given;
  return secrets;
}

Outcome<std::unique_ptr<libp2p::websocket::TlsLayer>> make_web_tls(const WssSecrets& secrets,
                                                                   rt::Clock& clock) {
  if (secrets.chain_pem.empty() && secrets.trust.source == Trust::Source::system) {
    return std::make_unique<SystemTls>(clock);
  }
  auto tls = libp2p::websocket::WebTls::make({.chain_pem = secrets.chain_pem,
                                              .key_pem = as_text(secrets.key_pem.view()),
                                              .trust = secrets.trust},
                                             clock);
  if (!tls) {
    return std::unexpected(bad_secret(
        "wss", "certificate, key or authorities cannot be used: " + tls.error().message() + ".",
        std::string(k_pem_hint)));
  }
  return std::move(*tls);
}

}  // namespace vivim::node
