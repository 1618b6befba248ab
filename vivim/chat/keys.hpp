#pragma once

#include <string>
#include <string_view>

#include "vivim/crdt/schema.hpp"
#include "vivim/crdt/text.hpp"

/// The keys of a conversation's document (docs/protocol/conversation.md) and the types of their
/// values: the only place where they are spelled.
namespace vivim::chat::keys {

using crdt::Key;

struct Meta {
  static constexpr Key<Meta, double> schema{"schema"};
  static constexpr Key<Meta, double> created{"created"};
  static constexpr Key<Meta, double> updated{"updated"};
  static constexpr Key<Meta, std::string> current{"current"};
  static constexpr Key<Meta, std::string> model{"model"};
};

struct Provenance {
  static constexpr Key<Provenance, std::string> provider{"provider"};
  static constexpr Key<Provenance, std::string> original_id{"original_id"};
  static constexpr Key<Provenance, std::string> source{"source"};
  static constexpr Key<Provenance, std::string> source_hash{"source_hash"};
  static constexpr Key<Provenance, double> imported{"imported"};
  static constexpr Key<Provenance, std::string> title{"title"};
};

struct Turn {
  static constexpr Key<Turn, std::string> parent{"parent"};  ///< null for a root
  static constexpr Key<Turn, std::string> role{"role"};
  static constexpr Key<Turn, double> time{"time"};
  static constexpr Key<Turn, double> updated{"updated"};
  static constexpr Key<Turn, double> index{"index"};
  static constexpr Key<Turn, std::string> name{"name"};
  static constexpr Key<Turn, std::string> model{"model"};
  static constexpr Key<Turn, std::string> provider{"provider"};
  static constexpr Key<Turn, bool> hidden{"hidden"};
  static constexpr Key<Turn, std::string> recipient{"recipient"};
  static constexpr Key<Turn, std::string> channel{"channel"};
  static constexpr Key<Turn, std::string> status{"status"};
  static constexpr Key<Turn, std::string> content{"content"};
  static constexpr Key<Turn, crdt::Any> parts{"parts"};
  static constexpr Key<Turn, crdt::Text> text{"text"};
  static constexpr Key<Turn, bool> deleted{"deleted"};
};

/// The members of a plain object, one of `participants`.
struct Participant {
  static constexpr std::string_view name = "name";
  static constexpr std::string_view colour = "colour";
};

/// The roots.
struct Conversation {
  static constexpr Key<Conversation, crdt::Text> title{"title"};
  static constexpr Key<Conversation, crdt::View<Meta>> meta{"meta"};
  static constexpr Key<Conversation, crdt::Dictionary<crdt::View<Turn>>> turns{"turns"};
  static constexpr Key<Conversation, crdt::Dictionary<crdt::Any>> participants{"participants"};
  static constexpr Key<Conversation, crdt::View<Provenance>> provenance{"provenance"};
};

}  // namespace vivim::chat::keys
