#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "peer.hpp"
#include "stage.hpp"

namespace vivim::sim {

/// Several Peers of a stage that share documents of one list of words each: what the scenarios
/// about documents have in common. The first peer has made them all.
class Editors final : public Victims {
 public:
  /// `servers` of the `count` peers are reached by everybody, the others as the model says.
  Editors(Stage& stage, std::size_t count, std::size_t servers, std::size_t documents);

  Peer& at(std::size_t index) { return *peers_[index]; }
  std::size_t size() const { return peers_.size(); }
  std::size_t documents() const { return documents_; }
  static store::DocumentId document(std::size_t number);

  /// Starts all, and makes the documents at the first.
  rt::Co<bool> start();
  /// `who` joins every document by tickets of `from`.
  rt::Co<bool> join(std::size_t from, std::size_t who);
  rt::Co<void> stop();

  /// Inserts a word at a place; whether it was acknowledged.
  rt::Co<bool> edit(std::size_t who, std::size_t document, std::string word, std::uint64_t place);
  /// How often each word is in a document; nothing when it cannot be opened.
  rt::Co<std::optional<std::map<std::string, int>>> words(std::size_t who, std::size_t document);
  rt::Co<std::optional<Bytes>> encoded(std::size_t who, std::size_t document);

  rt::sim::Node& machine(std::size_t index) override { return peers_[index]->node(); }
  rt::Co<void> crash(std::size_t index, rt::sim::CrashKind kind) override;
  rt::Co<void> revive(std::size_t index) override;

 private:
  Stage& stage_;
  std::vector<std::unique_ptr<Peer>> peers_;
  std::size_t documents_;
};

}  // namespace vivim::sim
