#include <fstream>
#include <iterator>
#include <string>

#include <doctest/doctest.h>

#include "vivim/crdt/conflict_cases_detail.hpp"
#include "vivim/crdt/peers_detail.hpp"
#ifndef __wasi__
#include "cmake/test_paths.hpp"
#endif

// The catalogue of concurrent edits: what comes of each, whoever hears of which first.
namespace vivim::crdt {

TEST_CASE("conflicts: every case of the catalogue comes out as it says, in both orders") {
  for (const Conflict& conflict : conflicts()) {
    CAPTURE(conflict.name);
    Peers peers(2);
    make_sides(conflict, peers[0], peers[1]);
    const Bytes left = encode_state_as_update(peers[0]);
    const Bytes right = encode_state_as_update(peers[1]);
    for (const bool left_first : {true, false}) {
      Doc third(ClientId{3});
      REQUIRE(apply_update(third, left_first ? left : right));
      REQUIRE(apply_update(third, left_first ? right : left));
      CHECK(shown(third, conflict.root) == conflict.outcome);
    }
    peers.sync();
    // Who may undo keeps what others forget.
    CHECK((conflict.undone || peers.equal()));
    CHECK(shown(peers[0], conflict.root) == conflict.outcome);
    CHECK(shown(peers[1], conflict.root) == conflict.outcome);
  }
}

#ifndef __wasi__  // which has no files
TEST_CASE("conflicts: the document has every case, with its outcome") {
  std::ifstream file(test_paths::repository() + "/docs/protocol/crdt.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  for (const Conflict& conflict : conflicts()) {
    CAPTURE(conflict.name);
    const std::string name(conflict.name);
    CHECK(page.find("| " + name.substr(name.find(": ") + 2) + " |") != std::string::npos);
    CHECK(page.find("`" + std::string(conflict.outcome) + "`") != std::string::npos);
  }
}
#endif

// Many at one place, each seeing some of the others: whatever the order in which they are heard of,
// what comes of it is the same.
TEST_CASE("conflicts of many: one outcome for every order of arrival") {
  std::uint32_t state = 1;
  const auto below = [&](std::uint32_t limit) {
    state = state * 1664525 + 1013904223;
    return static_cast<std::uint32_t>((std::uint64_t{state} * limit) >> 32);
  };
  for (int round = 0; round < 12; ++round) {
    std::vector<Bytes> updates;
    const std::uint32_t seen_of_ten = below(4);  // in some rounds nobody sees anybody
    for (std::uint64_t client = 1; client <= 90; ++client) {
      Doc doc(ClientId{client * 7919 % 1009 + 1});
      for (const Bytes& update : updates) {
        if (below(10) < seen_of_ten && below(4) == 0) {
          REQUIRE(apply_update(doc, update));
        }
      }
      const auto heard =
          doc.on_update([&](BytesView update, Origin) { updates.push_back(to_bytes(update)); });
      for (std::uint32_t i = below(3) + 1; i > 0; --i) {
        edit(doc, [&](auto& t) {
          const std::uint32_t length = doc.text("text").length();
          const std::uint32_t at = below(3) == 0 ? below(length + 1) : 0;
          doc.text("text").insert(t, at, std::string(1, static_cast<char>('a' + client % 26)));
          if (below(5) == 0) {
            doc.text("text").remove(t, below(length + 1), 1);
          }
        });
      }
    }
    Bytes outcome;
    for (int order = 0; order < 5; ++order) {
      for (std::size_t i = updates.size() - 1; i > 0; --i) {
        std::swap(updates[i], updates[below(static_cast<std::uint32_t>(i + 1))]);
      }
      Doc doc(ClientId{5000});
      for (const Bytes& update : updates) {
        REQUIRE(apply_update(doc, update));
      }
      CHECK(consistent(doc));
      const Bytes bytes = encode_state_as_update(doc);
      CHECK(!has_pending(doc));
      CHECK((outcome.empty() || bytes == outcome));
      outcome = bytes;
    }
  }
}

}  // namespace vivim::crdt
