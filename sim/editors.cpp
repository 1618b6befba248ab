#include "editors.hpp"

#include "vivim/crdt/array.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crdt/value.hpp"

namespace vivim::sim {

using std::chrono_literals::operator""ms;

Editors::Editors(Stage& stage, std::size_t count, std::size_t servers, std::size_t documents)
    : stage_(stage), documents_(documents) {
  for (std::size_t i = 0; i < count; ++i) {
    auto name = "p" + std::to_string(i);
    auto& node =
        i < servers ? stage.add_server(std::move(name)) : stage.add_machine(std::move(name));
    peers_.push_back(std::make_unique<Peer>(node, stage.make_key(), stage.peer_securities()));
  }
}

store::DocumentId Editors::document(std::size_t number) {
  return {{0xd0, static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)}};
}

rt::Co<bool> Editors::start() {
  for (const auto& peer : peers_) {
    if (!co_await peer->start()) {
      co_return false;
    }
  }
  for (std::size_t i = 0; i < documents_; ++i) {
    if (!co_await peers_.front()->create(document(i))) {
      co_return false;
    }
  }
  co_return true;
}

rt::Co<bool> Editors::join(std::size_t from, std::size_t who) {
  for (std::size_t i = 0; i < documents_; ++i) {
    const auto ticket = co_await at(from).sharing().share(document(i), "shared");
    if (!ticket) {
      co_return false;
    }
    const auto joined = co_await at(who).sharing().join(ticket->to_text());
    if (!joined || joined->status.state != sync::JoinState::synced) {
      co_return false;
    }
  }
  co_return true;
}

rt::Co<void> Editors::stop() {
  for (const auto& peer : peers_) {
    if (peer->running()) {
      co_await peer->stop();
    }
  }
}

rt::Co<bool> Editors::edit(std::size_t who, std::size_t number, std::string word,
                           std::uint64_t place) {
  auto lease = co_await at(who).hub().open(document(number));
  if (!lease) {
    co_return false;
  }
  const auto edited = co_await (*lease)->edit([&](crdt::Doc& doc) {
    doc.transact([&](crdt::Transaction& transaction) {
      auto list = doc.array("words");
      list.insert(transaction, static_cast<std::uint32_t>(place % (list.length() + 1)),
                  {crdt::Any(word)});
    });
  });
  co_return edited.has_value();
}

rt::Co<std::optional<std::map<std::string, int>>> Editors::words(std::size_t who,
                                                                 std::size_t number) {
  auto lease = co_await at(who).hub().open(document(number));
  if (!lease) {
    co_return std::nullopt;
  }
  std::map<std::string, int> found;
  (*lease)->doc().array("words").for_each(
      [&found](const crdt::Value& value) { ++found[*std::get<crdt::Any>(value).if_string()]; });
  co_return std::move(found);
}

rt::Co<std::optional<Bytes>> Editors::encoded(std::size_t who, std::size_t number) {
  auto lease = co_await at(who).hub().open(document(number));
  if (!lease) {
    co_return std::nullopt;
  }
  co_return crdt::encode_state_as_update((*lease)->doc());
}

rt::Co<void> Editors::crash(std::size_t index, rt::sim::CrashKind kind) {
  co_await at(index).crash(kind);
}

rt::Co<void> Editors::revive(std::size_t index) {
  Peer& peer = at(index);
  while (!peer.running()) {
    if (!peer.node().running()) {
      peer.node().restart();
    }
    if (!co_await peer.start()) {
      co_await stage_.pause_between(10ms, 50ms);
    }
  }
}

}  // namespace vivim::sim
