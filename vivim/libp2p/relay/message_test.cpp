#include "vivim/libp2p/relay/message.hpp"

#include <doctest/doctest.h>

#include "vivim/libp2p/relay/keeper.hpp"
#include "vivim/libp2p/relay/relay_test_detail.hpp"
#include "vivim/libp2p/relay/voucher.hpp"

using namespace vivim;
using namespace vivim::libp2p::relay;
using namespace vivim::libp2p::relay::test;
namespace record = vivim::libp2p::record;
using namespace std::chrono_literals;

TEST_CASE("relay message: field numbers of libp2p/specs relay/circuit-v2.md") {
  CHECK(to_hex(encode(reserve_message())) == "0800");
  CHECK(to_hex(encode(hop_status(Status::no_reservation))) == "080228cc01");
  CHECK(to_hex(encode(stop_status(Status::ok))) == "08012064");
  const auto id = to_hex(peer(1).bytes());
  CHECK(to_hex(encode(connect_message(peer(1)))) == "080112280a26" + id);
  const StopMessage stop{
      .type = StopMessage::Type::connect, .peer = peer(1), .limit = Limit{120, 131072}};
  CHECK(to_hex(encode(stop)) == "080012280a26" + id + "1a060878" + "10808008");
  HopMessage granted = hop_status(Status::ok);
  granted.reservation = Reservation{
      .expire_unix_s = 5, .addresses = {address("/ip4/127.0.0.1/tcp/4001")}, .voucher = {0xee}};
  granted.limit = Limit{1, 2};
  CHECK(to_hex(encode(granted)) ==
        "0802"
        "1a0f0805"
        "1208047f000001060fa1"
        "1a01ee"
        "220408011002"
        "2864");
  CHECK(decode_stop(encode(stop)).value() == stop);
  CHECK(decode_hop(encode(granted)).value() == granted);
}

TEST_CASE("relay message: what is broken is refused; what is new is not") {
  CHECK(decode_hop(Bytes{}).error().is(RelayError::malformed));
  CHECK(decode_hop(Bytes{0xff}).error().is(RelayError::malformed));
  CHECK(decode_hop(Bytes{0x08, 0x03}).error().is(RelayError::malformed));
  CHECK(decode_hop(Bytes{0x08, 0x01}).error().is(RelayError::malformed));  // connect to whom?
  CHECK(decode_hop(Bytes{0x08, 0x02}).error().is(RelayError::malformed));  // what status?
  CHECK(decode_hop(Bytes{0x08, 0x01, 0x12, 0x03, 0x0a, 0x01, 0x07})
            .error()
            .is(RelayError::malformed));
  CHECK(decode_stop(Bytes{0x08, 0x02}).error().is(RelayError::malformed));
  CHECK(decode_stop(Bytes{0x08, 0x00}).error().is(RelayError::malformed));
  CHECK(decode_stop(Bytes{0x08, 0x01}).error().is(RelayError::malformed));
  CHECK(decode_hop(Bytes(k_message_bytes_max + 1)).error().is(RelayError::malformed));
  // A status that is not known is a refusal that is known by its number.
  const auto unknown = decode_hop(Bytes{0x08, 0x02, 0x28, 0xf4, 0x03});
  REQUIRE(unknown);
  CHECK(*unknown->status == static_cast<Status>(500));
  CHECK(to_string(*unknown->status) == "unknown");
}

TEST_CASE("relay message: a reservation with many addresses fits") {
  HopMessage message = hop_status(Status::ok);
  message.reservation = Reservation{.expire_unix_s = 1, .addresses = {}, .voucher = Bytes(200)};
  for (std::uint16_t i = 0; i < 300; ++i) {
    message.reservation->addresses.push_back(
        Multiaddr::from_tcp("127.0.0.1", i).value().with_peer(peer(1)).value());
  }
  const auto bytes = encode(message);
  CHECK(bytes.size() <= k_message_bytes_max);
  const auto read = decode_hop(bytes);
  REQUIRE(read);
  CHECK(read->reservation->addresses.size() > 40);
  CHECK(read->reservation->addresses.size() <= k_addresses_max);
}

TEST_CASE("relay voucher: signed by the relay that it names") {
  const auto signer = record::Signer::of(key_pair(1));
  const auto sealed = seal_voucher(signer, peer(2), 1700);
  CHECK(open_voucher(sealed).value() == Voucher{peer(1), peer(2), 1700});
  auto envelope = record::decode_envelope(sealed).value();
  CHECK(to_hex(envelope.payload_type) == "0302");
  // The same words signed by somebody else.
  const auto forged = record::seal(record::Signer::of(key_pair(3)), k_voucher_domain,
                                   k_voucher_type, envelope.payload);
  CHECK(open_voucher(forged).error().is(RelayError::bad_voucher));
  CHECK(open_voucher(record::seal(signer, k_voucher_domain, k_voucher_type, Bytes{0x0a, 0x00}))
            .error()
            .is(RelayError::malformed));
}

TEST_CASE("relay reservation: what a client checks") {
  const auto signer = record::Signer::of(key_pair(1));
  HopMessage answer = hop_status(Status::ok);
  CHECK(check_reservation(answer, peer(1), peer(2), 100).error().is(RelayError::malformed));
  answer.reservation =
      Reservation{.expire_unix_s = 160, .voucher = seal_voucher(signer, peer(2), 160)};
  const auto granted = check_reservation(answer, peer(1), peer(2), 100);
  REQUIRE(granted);
  CHECK(granted->lasts == 60s);
  CHECK_FALSE(granted->limit);
  CHECK(check_reservation(answer, peer(3), peer(2), 100).error().is(RelayError::bad_voucher));
  CHECK(check_reservation(answer, peer(1), peer(3), 100).error().is(RelayError::bad_voucher));
  CHECK(check_reservation(answer, peer(1), peer(2), 160).error().is(RelayError::already_expired));
  const auto refused =
      check_reservation(hop_status(Status::reservation_refused), peer(1), peer(2), 1);
  CHECK(refused.error().is(RelayError::refused));
  CHECK(refused.error().detail() == 200);
  CHECK(
      check_reservation(reserve_message(), peer(1), peer(2), 1).error().is(RelayError::unexpected));
  // A hostile expiry does not overflow.
  answer.reservation = Reservation{.expire_unix_s = ~std::uint64_t{0}};
  CHECK(check_reservation(answer, peer(1), peer(2), 1)->lasts > 24h);
}

TEST_CASE("relay keeper: asks, refreshes at half time, backs off, and asks again when it is lost") {
  Keeper keeper;
  CHECK(keeper.poll(0s));
  CHECK_FALSE(keeper.poll(0s));
  CHECK_FALSE(keeper.next_deadline(0s));
  keeper.failed(1s);
  CHECK(keeper.next_deadline(1s) == std::optional<Time>(6s));
  CHECK_FALSE(keeper.poll(5s));
  CHECK(keeper.poll(6s));
  keeper.failed(6s);
  CHECK(keeper.next_deadline(6s) == std::optional<Time>(16s));
  CHECK(keeper.poll(16s));
  keeper.granted(1h, 20s);
  CHECK(keeper.held(30min));
  CHECK_FALSE(keeper.held(1h + 20s));
  CHECK(keeper.next_deadline(20s) == std::optional<Time>(30min + 20s));
  keeper.lost(60s);
  CHECK_FALSE(keeper.held(60s));
  CHECK(keeper.next_deadline(60s) == std::optional<Time>(65s));
  CHECK(keeper.poll(65s));
  keeper.granted(1s, 65s);  // however short it is: not asked for in a loop
  CHECK(keeper.next_deadline(65s) == std::optional<Time>(66s));  // it ends
  CHECK_FALSE(keeper.poll(66s));
  CHECK_FALSE(keeper.held(66s));
  CHECK(keeper.next_deadline(66s) == std::optional<Time>(70s));
  for (int i = 0; i < 20; ++i) {
    keeper.failed(100s);
  }
  CHECK(*keeper.next_deadline(100s) <= 100s + 10min);
}

TEST_CASE("relay keeper: what is granted on a connection that is lost by then does not count") {
  Keeper keeper;
  CHECK(keeper.poll(0s));
  keeper.lost(1s);
  CHECK_FALSE(keeper.granted(1h, 1s));
  CHECK_FALSE(keeper.held(1s));
  CHECK(keeper.next_deadline(1s) == std::optional<Time>(6s));
  CHECK(keeper.poll(6s));
  CHECK(keeper.granted(1h, 6s));
  CHECK(keeper.held(7s));
}

// Of gossipsub's PRUNE there, which is not here: ours are the times of a relay.
TEST_CASE("GHSA-gc42-3jg7-rxr2, GHSA-xqmp-fxgv-xvq5: a time that a peer sends overflows nothing") {
  HopMessage answer = hop_status(Status::ok);
  for (const auto end : {~std::uint64_t{0}, ~std::uint64_t{0} >> 1, std::uint64_t{1} << 34}) {
    answer.reservation = Reservation{.expire_unix_s = end};
    answer.limit = Limit{~std::uint32_t{0}, ~std::uint64_t{0}};
    const auto granted = check_reservation(answer, peer(0), peer(1), 1'700'000'000);
    REQUIRE(granted);
    CHECK(granted->lasts > 24h);
    const Time now = std::chrono::hours(24 * 365 * 100);  // a driver that has run for long
    Keeper keeper;
    REQUIRE(keeper.poll(now));
    keeper.granted(granted->lasts, now);
    CHECK(keeper.held(now + 1h));
    CHECK_FALSE(keeper.held(now + 24h));
    CHECK(keeper.next_deadline(now) == std::optional<Time>(now + 12h));
  }
}
