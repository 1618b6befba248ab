// Random editing sessions in which every peer exists twice, in C++ and in npm's Yjs: the same edits
// and the same messages, delivered late, twice, in any order, merged and cut. After every
// transaction both must have emitted the same bytes; at the end all peers must hold the same
// content, state vectors and encoded states.
//
// Usage: yjs_differential [sessions] [first seed]

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "interop/node_worker.hpp"
#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/lib0.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crdt/value.hpp"

namespace vivim::interop {
namespace {

using crdt::Any;
using crdt::lib0::Decoder;
using crdt::lib0::Encoder;

enum Command : std::uint8_t { k_reset, k_make, k_edit, k_apply, k_state, k_merge, k_diff, k_sv };
enum Operation : std::uint8_t {
  k_text_insert,
  k_text_remove,
  k_map_set,
  k_map_set_type,
  k_map_erase,
  k_list_insert,
  k_list_insert_type,
  k_list_remove,
  k_list_push,
  k_text_format,
  k_text_embed,
};

constexpr std::uint8_t k_nothing[] = {0};  // an empty state vector

struct Peer {
  std::unique_ptr<crdt::Doc> doc;
  crdt::Subscription subscription;
  std::vector<Bytes> emitted;
  std::vector<Bytes> inbox;
};

struct State {
  Bytes update;
  Bytes state_vector;
  std::string json;
};

Any sorted(const Any& value) {
  if (const auto* object = value.if_object()) {
    Any::Object members;
    for (const auto& [key, member] : *object) {
      members.emplace_back(key, sorted(member));
    }
    std::ranges::sort(members, {}, &std::pair<std::string, Any>::first);
    return Any(std::move(members));
  }
  if (const auto* array = value.if_array()) {
    Any::Array values;
    for (const Any& element : *array) {
      values.push_back(sorted(element));
    }
    return Any(std::move(values));
  }
  return value;
}

class Session {
 public:
  /// In a rich session texts are formatted. Only Yjs can do that, and it alone writes clean-up
  /// deletions, so bytes are compared at the end only.
  Session(NodeWorker& worker, std::uint64_t seed) : worker_(worker), seed_(seed), rng_(seed) {
    rich_ = seed % 5 == 4;
    call(Encoder(), k_reset);
    const std::size_t count = 2 + pick(4);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t widths[] = {0x7f, 0xffff'ffff, crdt::k_number_max};
      make_peer(1 + i + (rng_() & widths[pick(3)]) / 8 * 8);
    }
  }

  /// How many merged updates were not byte for byte those of Yjs.
  std::uint64_t merges_differing() const { return merges_differing_; }

  bool run() {
    const std::size_t steps = 30 + pick(120);
    for (std::size_t i = 0; i < steps && good_; ++i) {
      step();
    }
    settle();
    compare();
    return good_;
  }

 private:
  std::size_t pick(std::size_t below) { return below == 0 ? 0 : rng_() % below; }

  void fail(const std::string& what) {
    if (good_) {
      std::fprintf(stderr, "seed %llu: %s\n", static_cast<unsigned long long>(seed_), what.c_str());
    }
    good_ = false;
  }

  void same(BytesView ours, BytesView theirs, const std::string& what) {
    if (!same_bytes(ours, theirs)) {
      fail(what + "\n  ours   " + to_hex(ours) + "\n  theirs " + to_hex(theirs));
    }
  }

  Bytes call(const Encoder& body, Command command) {
    Encoder request;
    request.var_uint(command);
    request.raw(body.view());
    return worker_.call(request.view());
  }

  static Bytes next_bytes(Decoder& in) { return to_bytes(in.var_bytes().value()); }

  void make_peer(std::uint64_t client) {
    Encoder request;
    request.var_uint(peers_.size());
    request.var_uint(client);
    call(request, k_make);
    auto peer = std::make_unique<Peer>();
    peer->doc = std::make_unique<crdt::Doc>(crdt::ClientId{client});
    peer->subscription = peer->doc->on_update([raw = peer.get()](BytesView update, crdt::Origin) {
      raw->emitted.push_back(to_bytes(update));
    });
    peer->doc->text("t");
    peer->doc->map("m");
    peer->doc->array("a");
    peers_.push_back(std::move(peer));
  }

  // Compares what both emitted and sends it to the other peers.
  void broadcast(std::size_t from, const Bytes& response, bool local, const std::string& what) {
    Decoder in(response);
    std::vector<Bytes> theirs;
    for (std::uint64_t count = in.var_uint().value(); count > 0; --count) {
      theirs.push_back(next_bytes(in));
    }
    auto& ours = peers_[from]->emitted;
    if (!rich_) {
      if (ours.size() != theirs.size()) {
        fail(what + ": different number of updates");
      }
      for (std::size_t i = 0; i < std::min(ours.size(), theirs.size()); ++i) {
        same(ours[i], theirs[i], what);
      }
    }
    const auto& send = rich_ || pick(2) == 0 ? theirs : ours;
    for (std::size_t to = 0; to < peers_.size() && (local || rich_); ++to) {
      if (to != from) {
        peers_[to]->inbox.insert(peers_[to]->inbox.end(), send.begin(), send.end());
      }
    }
    ours.clear();
  }

  void deliver(std::size_t to, const Bytes& update) {
    Encoder request;
    request.var_uint(to);
    request.var_bytes(update);
    const Bytes response = call(request, k_apply);
    if (const auto applied = apply_update(*peers_[to]->doc, update); !applied) {
      fail("our side refuses an update: " + applied.error().message() + " " + to_hex(update));
    }
    broadcast(to, response, false, "apply of " + to_hex(update));
    check_consistent(to);
  }

  void check_consistent(std::size_t peer) {
    if (!consistent(*peers_[peer]->doc)) {
      fail("our structures are broken");
    }
  }

  Bytes take(Peer& peer) {
    const std::size_t at = pick(2) == 0 ? 0 : pick(peer.inbox.size());
    Bytes update = peer.inbox[at];
    if (pick(8) != 0) {  // else it comes once more
      peer.inbox.erase(peer.inbox.begin() + static_cast<std::ptrdiff_t>(at));
    }
    return update;
  }

  void step() {
    const std::size_t index = pick(peers_.size());
    Peer& peer = *peers_[index];
    const std::size_t choice = pick(20);
    if (choice < 9) {
      edit(index);
    } else if (choice < 15) {
      if (!peer.inbox.empty()) {
        deliver(index, take(peer));
      }
    } else if (choice < 17) {
      deliver_merged(index);
    } else if (choice < 18) {
      deliver_diff(index);
    } else if (choice < 19) {
      synchronise(index, pick(peers_.size()));
    } else {
      compare_state(index);
    }
  }

  void deliver_merged(std::size_t index) {
    Peer& peer = *peers_[index];
    std::vector<Bytes> parts;
    for (std::size_t count = 2 + pick(3); count > 0 && !peer.inbox.empty(); --count) {
      parts.push_back(take(peer));
    }
    if (parts.empty()) {
      return;
    }
    Encoder request;
    request.var_uint(parts.size());
    for (const Bytes& part : parts) {
      request.var_bytes(part);
    }
    const Bytes response = call(request, k_merge);
    Decoder in(response);
    const Bytes theirs = next_bytes(in);
    const std::vector<BytesView> views(parts.begin(), parts.end());
    const Bytes ours = crdt::merge_updates(views).value();
    // Yjs orders a GC and an Item of the same clock by an inconsistent comparison: then the bytes
    // may differ.
    if (!same_bytes(ours, theirs)) {
      ++merges_differing_;
      same(crdt::state_vector_from_update(ours).value(),
           crdt::state_vector_from_update(theirs).value(), "state vector of a merged update");
    }
    check_state_vector(ours);
    deliver(index, pick(2) == 0 ? ours : theirs);
  }

  void check_state_vector(const Bytes& update) {
    Encoder request;
    request.var_bytes(update);
    const Bytes response = call(request, k_sv);
    Decoder in(response);
    same(crdt::state_vector_from_update(update).value(), next_bytes(in),
         "state_vector_from_update of " + to_hex(update));
  }

  void deliver_diff(std::size_t index) {
    Peer& peer = *peers_[index];
    if (peer.inbox.empty()) {
      return;
    }
    const Bytes update = take(peer);
    const Bytes known = encode_state_vector(*peer.doc);
    Encoder request;
    request.var_bytes(update);
    request.var_bytes(known);
    const Bytes response = call(request, k_diff);
    Decoder in(response);
    const Bytes ours = crdt::diff_update(update, known).value();
    same(ours, next_bytes(in), "diff_update");
    deliver(index, ours);
  }

  State state_of_yjs(std::size_t index, BytesView known) {
    Encoder request;
    request.var_uint(index);
    request.var_bytes(known.empty() ? BytesView(k_nothing) : known);
    const Bytes response = call(request, k_state);
    Decoder in(response);
    State state;
    state.update = next_bytes(in);
    state.state_vector = next_bytes(in);
    state.json = std::string(in.var_string().value());
    return state;
  }

  State state_of_ours(std::size_t index, BytesView known) {
    crdt::Doc& doc = *peers_[index]->doc;
    Any::Object roots;
    roots.emplace_back("t", Any(doc.text("t").to_string()));
    roots.emplace_back("m", doc.map("m").to_any());
    roots.emplace_back("a", doc.array("a").to_any());
    return {.update = encode_state_as_update(doc, known).value(),
            .state_vector = encode_state_vector(doc),
            .json = Any(std::move(roots)).to_json()};
  }

  // In a rich session the two sides may lack each other's clean-ups until they have met.
  void compare_state(std::size_t index, BytesView known = {}) {
    if (rich_ && !settled_) {
      return;
    }
    const State ours = state_of_ours(index, known);
    const State theirs = state_of_yjs(index, known);
    same(ours.state_vector, theirs.state_vector, "state vector");
    same(ours.update, theirs.update, "encode_state_as_update");
    if (ours.json != theirs.json) {
      fail("content\n  ours   " + ours.json + "\n  theirs " + theirs.json);
    }
  }

  void synchronise(std::size_t to, std::size_t from) {
    const Bytes known = encode_state_vector(*peers_[to]->doc);
    compare_state(from, known);
    deliver(to,
            pick(2) == 0 ? state_of_ours(from, known).update : state_of_yjs(from, known).update);
  }

  void settle() {
    for (std::size_t i = 0; i < peers_.size() && good_; ++i) {
      std::ranges::shuffle(peers_[i]->inbox, rng_);
      for (const Bytes& update : std::exchange(peers_[i]->inbox, {})) {
        deliver(i, update);
      }
    }
    const int rounds = rich_ ? 4 : 2;
    for (int round = 0; round < rounds; ++round) {
      for (std::size_t to = 0; to < peers_.size() && good_; ++to) {
        for (std::size_t from = 0; from < peers_.size(); ++from) {
          deliver(to, state_of_ours(from, {}).update);
          deliver(to, state_of_yjs(from, {}).update);
        }
      }
    }
    settled_ = true;
  }

  void compare() {
    for (std::size_t i = 0; i < peers_.size() && good_; ++i) {
      compare_state(i);
      if (has_pending(*peers_[i]->doc)) {
        fail("something is still pending");
      }
      crdt::Doc& first = *peers_[0]->doc;
      crdt::Doc& other = *peers_[i]->doc;
      same(encode_state_vector(other), encode_state_vector(first), "peers' state vectors");
      if (sorted(other.map("m").to_any()) != sorted(first.map("m").to_any()) ||
          sorted(other.array("a").to_any()) != sorted(first.array("a").to_any()) ||
          other.text("t").to_string() != first.text("t").to_string()) {
        fail("peers show different content");
      }
    }
  }

  // Edits: our side chooses where and what, and both do it.

  struct Target {
    std::variant<crdt::Text, crdt::Map, crdt::Array> type;
    Encoder path;
  };

  Target choose_target(crdt::Doc& doc) {
    const std::size_t root = pick(3);
    Encoder steps;
    std::size_t count = 0;
    crdt::Value value = root == 0   ? crdt::Value(doc.text("t"))
                        : root == 1 ? crdt::Value(doc.map("m"))
                                    : crdt::Value(doc.array("a"));
    while (pick(4) != 0) {
      if (!descend(value, steps)) {
        break;
      }
      ++count;
    }
    Encoder path;
    path.var_string(root == 0 ? "t" : root == 1 ? "m" : "a");
    path.var_uint(count);
    path.raw(steps.view());
    if (const auto* text = value.if_text()) {
      return {.type = *text, .path = std::move(path)};
    }
    if (const auto* map = value.if_map()) {
      return {.type = *map, .path = std::move(path)};
    }
    return {.type = *value.if_array(), .path = std::move(path)};
  }

  bool descend(crdt::Value& value, Encoder& steps) {
    std::vector<std::pair<std::string, crdt::Value>> nested;
    if (const auto* map = value.if_map()) {
      map->for_each([&](std::string_view key, const crdt::Value& member) {
        if (member.if_any() == nullptr) {
          nested.emplace_back(key, member);
        }
      });
    } else if (const auto* array = value.if_array()) {
      std::uint32_t index = 0;
      array->for_each([&](const crdt::Value& element) {
        if (element.if_any() == nullptr) {
          nested.emplace_back(std::to_string(index), element);
        }
        ++index;
      });
    }
    if (nested.empty()) {
      return false;
    }
    const bool is_map = value.if_map() != nullptr;
    const auto& chosen = nested[pick(nested.size())];
    steps.var_uint(is_map ? 0 : 1);
    if (is_map) {
      steps.var_string(chosen.first);
    } else {
      steps.var_uint(std::stoul(chosen.first));
    }
    value = crdt::Value(chosen.second);
    return true;
  }

  std::string random_text() {
    static constexpr const char* k_pieces[] = {
        "a", "b", "xyz", " ", "\n", "é", "漢字", "0", "\xf0\x9f\x98\x80", "\xf0\x9f\x91\x8d"};
    std::string text;
    // Formatting from inside a surrogate pair makes Yjs replace the pair on that peer alone: no
    // emoji in rich sessions.
    const std::size_t pieces = rich_ ? 8 : std::size(k_pieces);
    for (std::size_t count = 1 + pick(pick(6) == 0 ? 40 : 4); count > 0; --count) {
      text += k_pieces[pick(pieces)];
    }
    return text;
  }

  Any random_any(std::size_t depth = 0) {
    switch (pick(depth < 2 ? 13 : 10)) {
      case 0:
        return nullptr;
      case 1:
        return pick(2) == 0;
      case 2:
        return static_cast<double>(pick(100)) - 50;
      case 3:
        return static_cast<double>(rng_() >> pick(64));
      case 4:
        return static_cast<double>(rng_() % 1000) / 8;
      case 5:
        return static_cast<double>(rng_() % 100'000) / 7;
      case 6:
        return -0.0;
      case 7:
        return 2147483647.0 + static_cast<double>(pick(3));
      case 8:
      case 9:
        return random_text();
      case 10:
        return pick(4) == 0 && depth == 0 ? Any(Bytes(pick(5), 7)) : Any("");
      case 11: {
        Any::Array values;
        for (std::size_t count = pick(4); count > 0; --count) {
          values.push_back(random_any(depth + 1));
        }
        return values;
      }
      default: {
        Any::Object members;
        static constexpr const char* k_keys[] = {"x", "10", "9", "y", "01", ""};
        for (const char* key : k_keys) {
          if (pick(3) == 0) {
            members.emplace_back(key, random_any(depth + 1));
          }
        }
        return members;
      }
    }
  }

  void edit(std::size_t index) {
    Peer& peer = *peers_[index];
    Encoder program;
    std::size_t count = 1 + (pick(3) == 0 ? pick(5) : 0);
    if (rich_) {  // ours follows by applying what Yjs emitted
      count = 1;
      Target target = choose_target(*peer.doc);
      program.raw(target.path.view());
      std::visit([&](auto& type) { rich_edit(type, program); }, target.type);
    } else {
      peer.doc->transact([&](crdt::Transaction& t) {
        for (std::size_t i = 0; i < count; ++i) {
          Target target = choose_target(*peer.doc);
          program.raw(target.path.view());
          std::visit([&](auto& type) { edit_type(t, type, program); }, target.type);
        }
      });
      check_consistent(index);
    }
    Encoder request;
    request.var_uint(index);
    request.var_uint(count);
    request.raw(program.view());
    const Bytes response = call(request, k_edit);
    if (rich_) {
      Decoder in(response);
      for (std::uint64_t updates = in.var_uint().value(); updates > 0; --updates) {
        static_cast<void>(apply_update(*peer.doc, next_bytes(in)));
      }
      peer.emitted.clear();
    }
    broadcast(index, response, true, "edit " + to_hex(program.view()));
  }

  // Half of the positions are where the last edit was: typing.
  std::uint32_t position(std::uint32_t length) {
    if (pick(2) == 0) {
      return std::min(last_position_, length);
    }
    return static_cast<std::uint32_t>(pick(length + 1));
  }

  void edit_type(crdt::Transaction& t, crdt::Text& text, Encoder& program) {
    const std::uint32_t length = text.length();
    const std::uint32_t at = position(length);
    if (length > at && pick(3) == 0) {
      const auto count =
          static_cast<std::uint32_t>(1 + pick(std::min<std::size_t>(length - at, 6)));
      program.var_uint(k_text_remove);
      program.var_uint(at);
      program.var_uint(count);
      text.remove(t, at, count);
      last_position_ = at;
      return;
    }
    const std::string words = random_text();
    program.var_uint(k_text_insert);
    program.var_uint(at);
    program.var_string(words);
    text.insert(t, at, words);
    last_position_ = at + text.length() - length;
  }

  void edit_type(crdt::Transaction& t, crdt::Map& map, Encoder& program) {
    const std::string key = "k" + std::to_string(pick(pick(4) == 0 ? 30 : 5));
    const std::size_t choice = pick(8);
    if (choice < 2) {
      program.var_uint(k_map_erase);
      program.var_string(key);
      map.erase(t, key);
    } else if (choice < 5) {
      const Any value = random_any();
      program.var_uint(k_map_set);
      program.var_string(key);
      program.any(value);
      map.set(t, key, value);
    } else {
      const std::size_t kind = pick(3);
      program.var_uint(k_map_set_type);
      program.var_string(key);
      program.var_uint(kind);
      if (kind == 0) {
        map.set_array(t, key);
      } else if (kind == 1) {
        map.set_map(t, key);
      } else {
        map.set_text(t, key);
      }
    }
  }

  void edit_type(crdt::Transaction& t, crdt::Array& array, Encoder& program) {
    const std::uint32_t length = array.length();
    const std::uint32_t at = position(length);
    const std::size_t choice = pick(8);
    if (choice < 2 && at < length) {
      const auto count =
          static_cast<std::uint32_t>(1 + pick(std::min<std::size_t>(length - at, 4)));
      program.var_uint(k_list_remove);
      program.var_uint(at);
      program.var_uint(count);
      array.remove(t, at, count);
    } else if (choice < 5) {
      Any::Array values;
      for (std::size_t count = 1 + pick(3); count > 0; --count) {
        values.push_back(random_any());
      }
      program.var_uint(k_list_insert);
      program.var_uint(at);
      program.any(Any(values));
      array.insert(t, at, std::move(values));
    } else if (choice < 6) {
      const Any value = random_any();
      program.var_uint(k_list_push);
      program.any(Any(Any::Array{value}));
      array.push(t, value);
    } else {
      const std::size_t kind = pick(3);
      program.var_uint(k_list_insert_type);
      program.var_uint(at);
      program.var_uint(kind);
      if (kind == 0) {
        array.insert_array(t, at);
      } else if (kind == 1) {
        array.insert_map(t, at);
      } else {
        array.insert_text(t, at);
      }
    }
  }

  void rich_edit(crdt::Text& text, Encoder& program) {
    const std::uint32_t length = text.length();
    const std::uint32_t at = position(length);
    const std::size_t choice = pick(6);
    const std::size_t count = 1 + pick(std::max<std::uint32_t>(length - at, 1));
    if (choice < 2) {
      Any::Object attributes;
      attributes.emplace_back(pick(2) == 0 ? "bold" : "colour",
                              pick(3) == 0 ? Any(nullptr) : Any(pick(2) == 0));
      program.var_uint(k_text_format);
      program.var_uint(at);
      program.var_uint(count);
      program.any(Any(std::move(attributes)));
    } else if (choice == 2) {
      program.var_uint(k_text_embed);
      program.var_uint(at);
      program.any(Any(Any::Object{{"image", Any("x")}}));
    } else if (choice == 3 && at < length) {
      program.var_uint(k_text_remove);
      program.var_uint(at);
      program.var_uint(count);
    } else {
      program.var_uint(k_text_insert);
      program.var_uint(at);
      program.var_string(random_text());
    }
  }
  void rich_edit(crdt::Map&, Encoder& program) {
    program.var_uint(k_map_set_type);
    program.var_string("k" + std::to_string(pick(4)));
    program.var_uint(2);
  }
  void rich_edit(crdt::Array&, Encoder& program) {
    program.var_uint(k_list_push);
    program.any(Any(Any::Array{random_any()}));
  }

  NodeWorker& worker_;
  std::uint64_t seed_;
  std::mt19937_64 rng_;
  bool rich_ = false;
  bool good_ = true;
  bool settled_ = false;
  std::uint64_t merges_differing_ = 0;
  std::uint32_t last_position_ = 0;
  std::vector<std::unique_ptr<Peer>> peers_;
};

}  // namespace
}  // namespace vivim::interop

int main(int argc, char** argv) {
  const std::uint64_t sessions = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 200;
  const std::uint64_t first = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  vivim::interop::NodeWorker worker("interop/js/yjs-worker.mjs");
  std::uint64_t failed = 0;
  std::uint64_t merges_differing = 0;
  for (std::uint64_t seed = first; seed < first + sessions && failed < 5; ++seed) {
    vivim::interop::Session session(worker, seed);
    failed += session.run() ? 0 : 1;
    merges_differing += session.merges_differing();
  }
  std::printf(
      "yjs_differential: %llu sessions from seed %llu, %llu failed; every update event, diff and "
      "encoded state equal in bytes, merged updates but for %llu\n",
      static_cast<unsigned long long>(sessions), static_cast<unsigned long long>(first),
      static_cast<unsigned long long>(failed), static_cast<unsigned long long>(merges_differing));
  return failed == 0 ? 0 : 1;
}
