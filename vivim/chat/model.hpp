#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/chat/part.hpp"

namespace vivim::chat {

/// Who speaks in a turn. `none`: a node of the source without a message.
enum class Role : std::uint8_t { none, user, assistant, system, tool };

/// "user", "assistant", ... as the document has it.
std::string_view role_name(Role role);
/// The role of that name; nothing for other words.
std::optional<Role> parse_role(std::string_view name);

/// Milliseconds since 1970 UTC, with a fraction where the source has one.
using Time = double;

/// One node of the tree (docs/protocol/conversation.md#a-turn). Empty strings mean "not known".
struct Turn {
  std::string id;
  std::optional<std::string> parent;  ///< nothing: a root
  Role role = Role::none;
  std::optional<Time> time;
  std::optional<Time> updated;
  std::optional<double> index;  ///< position among the children of `parent`
  std::string name;
  std::string model;
  std::string provider;
  std::string recipient;
  std::string channel;
  std::string status;
  std::string content;  ///< CID of the verbatim source node
  std::vector<Part> parts;
  std::string text;  ///< the words, Markdown
  bool hidden = false;
  bool deleted = false;

  friend bool operator==(const Turn&, const Turn&) = default;
};

/// Where a conversation came from (docs/protocol/conversation.md#provenance); all empty if it was
/// begun here.
struct Provenance {
  std::string provider;
  std::string original_id;
  std::string source;       ///< CID of the source object without its turns
  std::string source_hash;  ///< SHA-256 of the source object, hexadecimal
  std::optional<Time> imported;
  std::string title;  ///< as imported

  friend bool operator==(const Provenance&, const Provenance&) = default;
};

/// Somebody who edits.
struct Participant {
  std::string id;
  std::string name;
  std::string colour;

  friend bool operator==(const Participant&, const Participant&) = default;
};

/// A conversation as a plain value: what importers make, documents hold and exporters write.
struct Conversation {
  std::string title;
  std::optional<Time> created;
  std::optional<Time> updated;
  std::string current;  ///< turn id of the leaf shown first; may be empty
  std::string model;
  Provenance provenance;
  std::vector<Participant> participants;
  std::vector<Turn> turns;

  friend bool operator==(const Conversation&, const Conversation&) = default;
};

/// The address of immutable bytes.
struct ContentId {
  std::array<std::uint8_t, 32> digest{};

  /// SHA-256 of `bytes`.
  static ContentId of(BytesView bytes);
  /// CIDv1, raw codec, base32: `bafkrei...`.
  std::string to_text() const;

  auto operator<=>(const ContentId&) const = default;
};

/// What a person would search for in a turn: its words, then transcripts, code, quotes and results,
/// one line each.
std::string searchable_text(const Turn& turn);

}  // namespace vivim::chat
