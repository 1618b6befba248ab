#include "vivim/store/peers.hpp"

#include "vivim/store/byte_list_detail.hpp"

namespace vivim::store {
namespace {

Result<PeerRow> read_peer(const Query& query) {
  PeerRow peer;
  peer.id = query.bytes(0);
  VIVIM_TRY(peer.addresses, detail::decode_addresses(query.bytes_view(1)));
  peer.agent = query.text(2);
  peer.first_seen = query.integer(3);
  peer.last_seen = query.integer(4);
  return peer;
}

}  // namespace

Result<void> Peers::put(const PeerRow& peer) {
  VIVIM_TRY(const Bytes addresses, detail::encode_addresses(peer.addresses));
  return db_.atomically([&]() -> Result<void> {
    VIVIM_TRYV(
        db_.run("INSERT INTO peers(id, addresses, agent, first_seen, last_seen) "
                "VALUES(?, ?, ?, ?, ?) ON CONFLICT(id) DO UPDATE SET "
                "addresses = excluded.addresses, agent = excluded.agent, "
                "last_seen = excluded.last_seen",
                peer.id, addresses, peer.agent, peer.first_seen, peer.last_seen));
    return db_.run(
        "DELETE FROM peers WHERE id IN "
        "(SELECT id FROM peers ORDER BY last_seen DESC LIMIT -1 OFFSET ?)",
        k_peers_max);
  });
}

Result<PeerRow> Peers::get(BytesView id) {
  Query query =
      db_.query("SELECT id, addresses, agent, first_seen, last_seen FROM peers WHERE id = ?", id);
  VIVIM_TRYV(query.row());
  return read_peer(query);
}

Result<std::vector<PeerRow>> Peers::list(std::size_t limit) {
  Query query = db_.query(
      "SELECT id, addresses, agent, first_seen, last_seen FROM peers "
      "ORDER BY last_seen DESC, id LIMIT ?",
      limit);
  std::vector<PeerRow> peers;
  for (;;) {
    VIVIM_TRY(const bool more, query.step());
    if (!more) {
      return peers;
    }
    VIVIM_TRY(peers.emplace_back(), read_peer(query));
  }
}

Result<void> Peers::remove(BytesView id) {
  return db_.run("DELETE FROM peers WHERE id = ?", id);
}

}  // namespace vivim::store
