#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/crdt/any.hpp"
#include "vivim/crdt/gap_mode.hpp"
#include "vivim/crdt/id.hpp"
#include "vivim/crdt/subscription.hpp"
#include "vivim/crdt/transaction.hpp"
#include "vivim/crdt/update_format.hpp"

namespace vivim::crdt {

class Array;
class Map;
class Subdocument;
class Text;
class XmlElement;
class XmlFragment;
class XmlText;
struct SubdocumentEvent;

/// Whether a document deletes format marks that say nothing any more after it applied an update.
/// Yjs does: then every receiver writes updates of its own. Documents of both kinds converge.
enum class FormattingCleanup : std::uint8_t { off, yjs };

/// How a document behaves.
struct DocOptions {
  /// Forget the content of what was deleted, as Yjs does unless told otherwise.
  bool collect_garbage = true;
  FormattingCleanup formatting_cleanup = FormattingCleanup::off;
  GapMode gap_mode = GapMode::v13;
};

/// A replicated document that Yjs 13 can read and write: named root types, edited in transactions,
/// merged by updates (see update.hpp). Neither copyable nor movable; used by one thread. Handles
/// (Text, Map, Array) point into it and must not outlive it; a handle of something deleted reads as
/// empty and ignores edits.
class Doc {
 public:
  /// `client` must differ from every other writer's of this document: make a random one of 32 or 53
  /// bits per session.
  explicit Doc(ClientId client, DocOptions options = {});
  ~Doc();
  Doc(const Doc&) = delete;
  Doc& operator=(const Doc&) = delete;

  ClientId client_id() const;

  /// The root type of that name, made on first use. The same name must always be asked for as the
  /// same type; asking changes nothing that others see.
  Text text(std::string_view name);
  Map map(std::string_view name);
  Array array(std::string_view name);
  XmlFragment xml_fragment(std::string_view name);
  XmlElement xml_element(std::string_view name);
  XmlText xml_text(std::string_view name);

  /// Names of root types that exist, in order of first use.
  std::vector<std::string> root_names() const;

  /// Runs `body` in a transaction, then tells the observers, then on_update. A call inside a
  /// transaction joins it. Edits made by an observer form a following transaction.
  void transact(const std::function<void(Transaction&)>& body, Origin origin = {});

  /// Calls `observer` with the update of every transaction that changed something, local or
  /// applied. Byte for byte what Yjs emits for the same transaction; clean-up deletions of
  /// formatting only if DocOptions asks for them.
  Subscription on_update(std::function<void(BytesView update, Origin origin)> observer,
                         UpdateFormat format = UpdateFormat::v1);

  /// The documents within, in no particular order.
  std::vector<Subdocument> subdocuments();
  /// Calls `observer` after every transaction that added, removed or asked to load a document
  /// within.
  Subscription on_subdocuments(std::function<void(const SubdocumentEvent& event)> observer);

  /// The internals, for this module's own files.
  detail::Engine& engine() { return *engine_; }
  const detail::Engine& engine() const { return *engine_; }

 private:
  std::unique_ptr<detail::Engine> engine_;
};

/// Checks every invariant of the document's structures, slowly: for tests and `doctor`.
bool consistent(const Doc& doc);

}  // namespace vivim::crdt
