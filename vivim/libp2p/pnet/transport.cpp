#include "vivim/libp2p/pnet/transport.hpp"

#include <utility>
#include <variant>

#include "vivim/libp2p/pnet/stream.hpp"

namespace vivim::libp2p::pnet {

namespace {

using multiformats::Multiaddr;

/// What a transport and its listeners share.
struct Secrets {
  PreSharedKey key;
  crypto::RandomSource random;
};

Result<TransportConnection> wrap(Result<TransportConnection> connection, const Secrets& secrets) {
  if (!connection) {
    return connection;
  }
  auto* const raw = std::get_if<RawConnection>(&*connection);
  if (raw == nullptr) {
    return fail(PnetError::not_private);
  }
  raw->stream =
      std::make_unique<PrivateStream>(std::move(raw->stream), secrets.key, secrets.random);
  return connection;
}

class PrivateListener final : public TransportListener {
 public:
  PrivateListener(std::unique_ptr<TransportListener> inner, const Secrets& secrets)
      : inner_(std::move(inner)), secrets_(secrets) {}

  rt::Co<Result<TransportConnection>> accept() override {
    co_return wrap(co_await inner_->accept(), secrets_);
  }
  Multiaddr local() const override { return inner_->local(); }
  std::vector<Multiaddr> addresses() const override { return inner_->addresses(); }
  void close() override { inner_->close(); }

 private:
  std::unique_ptr<TransportListener> inner_;
  const Secrets& secrets_;
};

class PrivateTransport final : public Transport {
 public:
  PrivateTransport(std::unique_ptr<Transport> inner, Secrets secrets)
      : inner_(std::move(inner)), secrets_(std::move(secrets)) {}

  std::string_view name() const override { return inner_->name(); }
  bool can_dial(const Multiaddr& address) const override { return inner_->can_dial(address); }
  bool can_listen(const Multiaddr& address) const override { return inner_->can_listen(address); }
  Result<std::unique_ptr<TransportListener>> listen(const Multiaddr& address) override {
    VIVIM_TRY(auto listener, inner_->listen(address));
    return std::make_unique<PrivateListener>(std::move(listener), secrets_);
  }
  void set_admission(Admission admission) override { inner_->set_admission(std::move(admission)); }
  rt::Co<Result<TransportConnection>> dial(Multiaddr address, DialOptions options) override {
    co_return wrap(co_await inner_->dial(std::move(address), std::move(options)), secrets_);
  }
  void cancel_dials() override { inner_->cancel_dials(); }
  rt::Co<void> stop() override { return inner_->stop(); }

 private:
  std::unique_ptr<Transport> inner_;
  Secrets secrets_;
};

}  // namespace

std::unique_ptr<Transport> make_private(std::unique_ptr<Transport> inner, PreSharedKey key,
                                        crypto::RandomSource random) {
  return std::make_unique<PrivateTransport>(
      std::move(inner), Secrets{.key = std::move(key), .random = std::move(random)});
}

}  // namespace vivim::libp2p::pnet
