// Random programs for everything that is built on the engine: formatted text with embeds, XML,
// documents within documents, undo and redo, relative positions, and what observers are told. Every
// peer exists twice, in C++ and in npm's Yjs. After every transaction, clean-ups of formatting
// included, both must have emitted the same updates and told the same; in between and at the end
// they must hold the same state. Before that, the catalogue of conflicts, made by us, comes out of
// Yjs as it should.
//
// Usage: yjs_types [sessions] [first seed]

#include "interop/yjs_types.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "interop/node_worker.hpp"
#include "vivim/crdt/conflict_cases_detail.hpp"
#include "vivim/crdt/event.hpp"
#include "vivim/crdt/lib0.hpp"
#include "vivim/crdt/relative_position.hpp"
#include "vivim/crdt/undo_manager.hpp"
#include "vivim/crdt/update.hpp"

namespace vivim::interop {
namespace {

enum Command : std::uint8_t {
  k_reset,
  k_make,
  k_edit,
  k_apply,
  k_state,
  k_undo_make,
  k_undo,
  k_position,
  k_absolute,
  k_load,
  k_show,
};
enum UndoAction : std::uint8_t { k_undo_step, k_redo_step, k_stop, k_clear };

struct Peer {
  std::unique_ptr<crdt::Doc> doc;
  std::unique_ptr<crdt::UndoManager> undo;
  std::vector<crdt::Subscription> subscriptions;
  std::vector<Bytes> emitted;
  std::vector<std::string> log;
  std::vector<Bytes> inbox;
  std::vector<Bytes> positions;
};

class Session {
 public:
  Session(NodeWorker& worker, std::uint64_t seed)
      : worker_(worker), seed_(seed), rng_(seed), editor_(rng_, seed % 3 == 0) {
    call(Encoder(), k_reset);
    const std::size_t count = 1 + pick(4);
    for (std::size_t i = 0; i < count; ++i) {
      make_peer(1 + i + (pick(2) == 0 ? rng_() % crdt::k_number_max / 16 * 8 : 0));
    }
  }

  bool run() {
    const std::size_t steps = 30 + pick(100);
    for (std::size_t i = 0; i < steps && good_; ++i) {
      step();
    }
    settle();
    for (std::size_t i = 0; i < peers_.size() && good_; ++i) {
      compare_state(i);
    }
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

  Bytes call(const Encoder& body, Command command) {
    Encoder request;
    request.var_uint(command);
    request.raw(body.view());
    return worker_.call(request.view());
  }

  void same(std::string_view ours, std::string_view theirs, const std::string& what) {
    if (ours != theirs) {
      fail(what + "\n  ours   " + std::string(ours) + "\n  theirs " + std::string(theirs));
    }
  }

  void make_peer(std::uint64_t client) {
    const bool observed = pick(2) == 0;
    Encoder request;
    request.var_uint(peers_.size());
    request.var_uint(client);
    request.var_uint(observed ? 1 : 0);
    call(request, k_make);
    auto peer = std::make_unique<Peer>();
    peer->doc = std::make_unique<crdt::Doc>(
        crdt::ClientId{client},
        crdt::DocOptions{.formatting_cleanup = crdt::FormattingCleanup::yjs});
    crdt::Doc& doc = *peer->doc;
    peer->subscriptions.push_back(doc.on_update([raw = peer.get()](BytesView update, crdt::Origin) {
      raw->emitted.push_back(to_bytes(update));
    }));
    doc.text("t");
    doc.map("m");
    doc.array("a");
    doc.xml_fragment("x");
    if (observed) {
      observe(*peer);
    }
    peers_.push_back(std::move(peer));
    if (pick(3) != 0) {
      make_undo(peers_.size() - 1);
    }
  }

  static void observe(Peer& peer) {
    crdt::Doc& doc = *peer.doc;
    peer.subscriptions.push_back(doc.text("t").observe([&peer](const crdt::TextEvent& event) {
      peer.log.push_back(told({}, told(event.delta), event.keys));
    }));
    const auto deep = [&peer](const std::vector<crdt::Event>& events) {
      for (const crdt::Event& event : events) {
        const bool text =
            event.target.if_text() != nullptr || event.target.if_xml_text() != nullptr;
        peer.log.push_back(
            told(event.path, text ? told(event.text) : told(event.delta), event.keys));
      }
    };
    peer.subscriptions.push_back(doc.map("m").observe_deep(deep));
    peer.subscriptions.push_back(doc.array("a").observe_deep(deep));
    peer.subscriptions.push_back(doc.xml_fragment("x").observe_deep(deep));
    peer.subscriptions.push_back(doc.on_subdocuments([&peer](const crdt::SubdocumentEvent& event) {
      Any::Array lists;
      for (const auto* list : {&event.added, &event.removed, &event.loaded}) {
        Any::Array guids;
        for (const crdt::Subdocument& document : *list) {
          guids.emplace_back(document.guid());
        }
        lists.emplace_back(std::move(guids));
      }
      peer.log.push_back(Any(std::move(lists)).to_json());
    }));
  }

  void make_undo(std::size_t index) {
    Peer& peer = *peers_[index];
    const std::size_t mask = pick(3) == 0 ? 0 : 1 + pick(15);
    const std::size_t flags = pick(4);
    Encoder request;
    request.var_uint(index);
    request.var_uint(mask);
    request.var_uint(flags);
    call(request, k_undo_make);
    std::vector<crdt::Value> scope;
    crdt::Doc& doc = *peer.doc;
    const crdt::Value roots[] = {doc.text("t"), doc.map("m"), doc.array("a"),
                                 doc.xml_fragment("x")};
    for (std::size_t i = 0; i < std::size(roots); ++i) {
      if ((mask & (1U << i)) != 0) {
        scope.push_back(roots[i]);
      }
    }
    peer.undo = std::make_unique<crdt::UndoManager>(
        doc, scope,
        crdt::UndoOptions{.capture_timeout_ms = (flags & 1) != 0 ? 1'000'000U : 0U,
                          .ignore_remote_map_changes = (flags & 2) != 0});
    peer.subscriptions.push_back(peer.undo->observe([&peer](const crdt::UndoEvent& event) {
      static constexpr const char* k_words[] = {"added ", "updated ", "popped "};
      peer.log.push_back(
          k_words[static_cast<std::size_t>(event.kind)] +
          std::string(event.stack == crdt::UndoEvent::Stack::undo ? "undo" : "redo"));
    }));
  }

  // Compares what both emitted and told, and sends what is new to the other peers.
  void outcome(std::size_t from, Decoder& in, bool local, const std::string& what) {
    Peer& peer = *peers_[from];
    std::vector<Bytes> theirs;
    for (std::uint64_t count = in.var_uint().value(); count > 0; --count) {
      theirs.push_back(to_bytes(in.var_bytes().value()));
    }
    if (peer.emitted.size() != theirs.size()) {
      fail(what + ": " + std::to_string(peer.emitted.size()) + " updates, theirs are " +
           std::to_string(theirs.size()) +
           (theirs.empty() ? "" : ", the last is " + to_hex(theirs.back())));
    }
    for (std::size_t i = 0; i < std::min(peer.emitted.size(), theirs.size()); ++i) {
      same(to_hex(peer.emitted[i]), to_hex(theirs[i]), what);
    }
    const std::uint64_t lines = in.var_uint().value();
    for (std::size_t i = 0; i < std::max<std::size_t>(lines, peer.log.size()); ++i) {
      same(i < peer.log.size() ? peer.log[i] : "nothing",
           i < lines ? in.var_string().value() : "nothing", what + ": told");
    }
    // An applied update is emitted once more: only what follows is new.
    const std::size_t first = local ? 0 : 1;
    for (std::size_t to = 0; to < peers_.size(); ++to) {
      for (std::size_t i = first; to != from && i < theirs.size(); ++i) {
        peers_[to]->inbox.push_back(theirs[i]);
      }
    }
    peer.emitted.clear();
    peer.log.clear();
    if (!consistent(*peer.doc)) {
      fail(what + ": our structures are broken");
    }
  }

  void deliver(std::size_t to, const Bytes& update) {
    Encoder request;
    request.var_uint(to);
    request.var_bytes(update);
    const Bytes response = call(request, k_apply);
    if (const auto applied = apply_update(*peers_[to]->doc, update, crdt::Origin{7}); !applied) {
      fail("our side refuses an update: " + applied.error().message() + " " + to_hex(update));
    }
    Decoder in(response);
    outcome(to, in, false, "apply of " + to_hex(update));
  }

  void step() {
    const std::size_t index = pick(peers_.size());
    Peer& peer = *peers_[index];
    const std::size_t choice = pick(20);
    if (choice < 10) {
      edit(index);
    } else if (choice < 13) {
      if (!peer.inbox.empty()) {
        const std::size_t at = pick(3) == 0 ? pick(peer.inbox.size()) : 0;
        const Bytes update = peer.inbox[at];
        peer.inbox.erase(peer.inbox.begin() + static_cast<std::ptrdiff_t>(at));
        deliver(index, update);
      }
    } else if (choice < 17) {
      if (peer.undo) {
        undo(index);
      }
    } else if (choice < 18) {
      make_position(index);
    } else if (choice < 19) {
      compare_positions(index);
    } else {
      pick(2) == 0 ? load(index) : compare_state(index);
    }
  }

  void edit(std::size_t index) {
    Peer& peer = *peers_[index];
    Encoder program;
    const std::size_t count = 1 + (pick(3) == 0 ? pick(5) : 0);
    peer.doc->transact([&](crdt::Transaction& t) {
      for (std::size_t i = 0; i < count; ++i) {
        editor_.edit(*peer.doc, t, program);
      }
    });
    Encoder request;
    request.var_uint(index);
    request.var_uint(count);
    request.raw(program.view());
    const Bytes response = call(request, k_edit);
    Decoder in(response);
    outcome(index, in, true, "edit " + to_hex(program.view()));
  }

  void undo(std::size_t index) {
    static constexpr UndoAction k_actions[] = {k_undo_step, k_undo_step, k_undo_step, k_redo_step,
                                               k_redo_step, k_stop,      k_clear};
    const UndoAction action = k_actions[pick(pick(8) == 0 ? 7 : 6)];
    Encoder request;
    request.var_uint(index);
    request.var_uint(action);
    const Bytes response = call(request, k_undo);
    crdt::UndoManager& manager = *peers_[index]->undo;
    bool done = false;
    if (action == k_undo_step || action == k_redo_step) {
      done = action == k_undo_step ? manager.undo() : manager.redo();
    } else if (action == k_stop) {
      manager.stop_capturing();
    } else {
      manager.clear();
    }
    Decoder in(response);
    if ((in.var_uint().value() != 0) != done) {
      fail("undo: something was to do for one side only");
    }
    outcome(index, in, true, "undo action " + std::to_string(action));
  }

  void load(std::size_t index) {
    auto documents = peers_[index]->doc->subdocuments();
    std::ranges::sort(documents, {}, &crdt::Subdocument::guid);
    for (crdt::Subdocument& document : documents) {
      document.load();
    }
    Encoder request;
    request.var_uint(index);
    const Bytes response = call(request, k_load);
    Decoder in(response);
    outcome(index, in, true, "load");
  }

  void make_position(std::size_t index) {
    Peer& peer = *peers_[index];
    Target target = editor_.choose(*peer.doc);
    const std::uint32_t length = length_of(target.type);
    if (length == k_no_list) {
      return;
    }
    const auto at = static_cast<std::uint32_t>(pick(length + 1));
    const std::int64_t assoc = pick(2) == 0 ? 0 : -1;
    Encoder request;
    request.var_uint(index);
    request.raw(target.path.view());
    request.var_uint(at);
    request.var_int(assoc);
    const Bytes response = call(request, k_position);
    Decoder in(response);
    const auto position = crdt::relative_position(*peer.doc, target.type, at, assoc);
    const Bytes ours = encode_relative_position(position);
    const Bytes theirs = to_bytes(in.var_bytes().value());
    same(to_hex(ours), to_hex(theirs), "relative position");
    same(relative_position_to_any(position).to_json(), in.var_string().value(), "its JSON");
    for (const auto& other : peers_) {
      other->positions.push_back(theirs);
    }
  }

  void compare_positions(std::size_t index) {
    Peer& peer = *peers_[index];
    for (const Bytes& bytes : peer.positions) {
      const bool follow = pick(2) == 0;
      Encoder request;
      request.var_uint(index);
      request.var_bytes(bytes);
      request.var_uint(follow ? 1 : 0);
      const Bytes response = call(request, k_absolute);
      Decoder in(response);
      const auto position = crdt::decode_relative_position(bytes).value();
      const auto found = absolute_position(
          *peer.doc, position, follow ? crdt::FollowUndone::yes : crdt::FollowUndone::no);
      same(found ? std::to_string(found->index) + " " + std::to_string(found->assoc) : "null",
           in.var_string().value(), "where " + to_hex(bytes) + " is");
    }
  }

  void compare_state(std::size_t index) {
    Encoder request;
    request.var_uint(index);
    const Bytes response = call(request, k_state);
    Decoder in(response);
    crdt::Doc& doc = *peers_[index]->doc;
    same(to_hex(encode_state_as_update(doc)), to_hex(in.var_bytes().value()), "encoded state");
    Any::Array roots;
    roots.push_back(told(doc.text("t").to_delta()));
    roots.emplace_back(doc.text("t").attributes());
    roots.push_back(doc.map("m").to_any());
    roots.push_back(doc.array("a").to_any());
    roots.emplace_back(doc.xml_fragment("x").to_string());
    same(Any(std::move(roots)).to_json(), in.var_string().value(), "content");
  }

  void settle() {
    for (int round = 0; round < 3; ++round) {
      for (std::size_t i = 0; i < peers_.size() && good_; ++i) {
        for (const Bytes& update : std::exchange(peers_[i]->inbox, {})) {
          deliver(i, update);
        }
        for (std::size_t from = 0; from < peers_.size() && round > 0; ++from) {
          deliver(i, encode_state_as_update(*peers_[from]->doc));
        }
      }
    }
  }

  NodeWorker& worker_;
  std::uint64_t seed_;
  std::mt19937_64 rng_;
  Editor editor_;
  bool good_ = true;
  std::vector<std::unique_ptr<Peer>> peers_;
};

Bytes ask(NodeWorker& worker, Command command, const Encoder& body) {
  Encoder request;
  request.var_uint(command);
  request.raw(body.view());
  return worker.call(request.view());
}

// What Yjs shows of `root` after it has heard of both sides.
std::string outcome_of_yjs(NodeWorker& worker, const Bytes& first, const Bytes& second,
                           std::string_view root) {
  ask(worker, k_reset, {});
  Encoder made;
  for (const std::uint64_t number : {0, 9, 0}) {
    made.var_uint(number);
  }
  ask(worker, k_make, made);
  for (const Bytes* update : {&first, &second}) {
    Encoder request;
    request.var_uint(0);
    request.var_bytes(*update);
    ask(worker, k_apply, request);
  }
  Encoder request;
  request.var_uint(0);
  request.var_string(root);
  const Bytes response = ask(worker, k_show, request);
  return std::string(Decoder(response).var_string().value());
}

bool run(NodeWorker& worker, const crdt::Conflict& conflict) {
  crdt::Doc one(crdt::ClientId{1});
  crdt::Doc two(crdt::ClientId{2});
  one.transact([&](crdt::Transaction& t) { conflict.before(one, t); });
  static_cast<void>(apply_update(two, encode_state_as_update(one)));
  one.transact([&](crdt::Transaction& t) { conflict.left(one, t); });
  two.transact([&](crdt::Transaction& t) { conflict.right(two, t); });
  const Bytes left = encode_state_as_update(one);
  const Bytes right = encode_state_as_update(two);
  bool good = true;
  for (const bool left_first : {true, false}) {
    const std::string outcome =
        outcome_of_yjs(worker, left_first ? left : right, left_first ? right : left, conflict.root);
    if (outcome != conflict.outcome) {
      std::fprintf(stderr, "%s: Yjs has %s\n", conflict.name, outcome.c_str());
      good = false;
    }
  }
  return good;
}

}  // namespace
}  // namespace vivim::interop

int main(int argc, char** argv) {
  const std::uint64_t sessions = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 200;
  const std::uint64_t first = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  vivim::interop::NodeWorker worker("interop/js/yjs-types-worker.mjs");
  std::uint64_t failed = 0;
  for (const auto& conflict : vivim::crdt::conflicts()) {
    failed += vivim::interop::run(worker, conflict) ? 0 : 1;
  }
  const std::uint64_t failed_max = failed + 5;
  for (std::uint64_t seed = first; seed < first + sessions && failed < failed_max; ++seed) {
    failed += vivim::interop::Session(worker, seed).run() ? 0 : 1;
  }
  std::printf(
      "yjs_types: %zu conflicts, %llu sessions from seed %llu, %llu failed; every outcome, update, "
      "event, undo, position and state equal\n",
      vivim::crdt::conflicts().size(), static_cast<unsigned long long>(sessions),
      static_cast<unsigned long long>(first), static_cast<unsigned long long>(failed));
  return failed == 0 ? 0 : 1;
}
