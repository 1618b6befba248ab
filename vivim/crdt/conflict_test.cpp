#include <fstream>
#include <iterator>
#include <string>

#include <doctest/doctest.h>

#include "vivim/crdt/conflict_cases_detail.hpp"
#include "vivim/crdt/peers_detail.hpp"

// The catalogue of concurrent edits: what comes of each, whoever hears of which first.
namespace vivim::crdt {

TEST_CASE("conflicts: every case of the catalogue comes out as it says, in both orders") {
  for (const Conflict& conflict : conflicts()) {
    CAPTURE(conflict.name);
    Peers peers(2);
    edit(peers[0], [&](auto& t) { conflict.before(peers[0], t); });
    peers.sync();
    edit(peers[0], [&](auto& t) { conflict.left(peers[0], t); });
    edit(peers[1], [&](auto& t) { conflict.right(peers[1], t); });
    const Bytes left = encode_state_as_update(peers[0]);
    const Bytes right = encode_state_as_update(peers[1]);
    for (const bool left_first : {true, false}) {
      Doc third(ClientId{3});
      REQUIRE(apply_update(third, left_first ? left : right));
      REQUIRE(apply_update(third, left_first ? right : left));
      CHECK(shown(third, conflict.root) == conflict.outcome);
    }
    peers.sync();
    CHECK(peers.equal());
    CHECK(shown(peers[0], conflict.root) == conflict.outcome);
    CHECK(shown(peers[1], conflict.root) == conflict.outcome);
  }
}

TEST_CASE("conflicts: the document has every case, with its outcome") {
  std::ifstream file(VIVIM_SOURCE_DIR "/docs/protocol/crdt.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  for (const Conflict& conflict : conflicts()) {
    CAPTURE(conflict.name);
    const std::string name(conflict.name);
    CHECK(page.find("| " + name.substr(name.find(": ") + 2) + " |") != std::string::npos);
    CHECK(page.find("`" + std::string(conflict.outcome) + "`") != std::string::npos);
  }
}

}  // namespace vivim::crdt
