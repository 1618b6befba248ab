#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/tls/session.hpp"

using namespace vivim;
using namespace vivim::libp2p::tls;

namespace {

constexpr rt::WallMs k_now = 1'767'225'600'000;

const std::shared_ptr<const Context>& context() {
  static const std::shared_ptr<const Context> k_context = Context::libp2p(make_certificate(
      crypto::KeyPair::from_seed(crypto::Ed25519Seed(Bytes(32, 1))), crypto::os_random, k_now));
  return k_context;
}

Session make(Role role) {
  return Session(context(), {.role = role, .protocols = {"/m", "libp2p"}, .now = k_now});
}

void pass(Session& from, Session& to) {
  const Bytes bytes = from.poll_transmit();
  VIVIM_ASSERT(to.feed(bytes) == bytes.size());
  VIVIM_ASSERT(to.advance());
}

/// Nobody who only guesses gets through a handshake.
void guess(Role role, BytesView input, std::size_t piece) {
  Session session = make(role);
  bool alive = session.advance().has_value();
  while (!input.empty() && alive) {
    const auto taken = session.feed(input.first(std::min(piece, input.size())));
    input = input.subspan(taken);
    alive = session.advance().has_value();
    VIVIM_ASSERT(!session.established());
    static_cast<void>(session.poll_transmit());
  }
}

/// Good records with the input between them: nothing but what was sealed opens.
void disturb(BytesView input) {
  Session client = make(Role::client);
  Session server = make(Role::server);
  VIVIM_ASSERT(client.advance());
  pass(client, server);
  pass(server, client);
  pass(client, server);
  VIVIM_ASSERT(client.established() && server.established());
  Bytes wire;
  VIVIM_ASSERT(client.seal(as_bytes("one"), wire));
  append(wire, input);
  VIVIM_ASSERT(client.seal(as_bytes("two"), wire));
  Bytes got;
  for (BytesView rest = wire; !rest.empty();) {
    rest = rest.subspan(server.feed(rest));
    auto plain = server.next();
    for (; plain && *plain; plain = server.next()) {
      append(got, **plain);
    }
    if (!plain) {
      break;
    }
  }
  VIVIM_ASSERT(as_text(got) == (input.empty() ? "onetwo" : "one"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(data, std::min(size, k_handshake_bytes_max));
  const std::size_t piece = input.empty() ? 1 : 1 + input[0] * 7U;
  guess(Role::client, input, piece);
  guess(Role::server, input, piece);
  disturb(input);
  return 0;
}
