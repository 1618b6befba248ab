#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "vivim/crdt/attributes_detail.hpp"
#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/equivocation_detail.hpp"
#include "vivim/crdt/event.hpp"
#include "vivim/crdt/inspect.hpp"
#include "vivim/crdt/item_detail.hpp"
#include "vivim/crdt/limits.hpp"
#include "vivim/crdt/observers_detail.hpp"
#include "vivim/crdt/run_list_detail.hpp"
#include "vivim/crdt/sequence_detail.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crdt/value.hpp"
#include "vivim/crdt/wire_detail.hpp"

/// What an Engine keeps: keys, types, writers, transactions, documents within.
namespace vivim::crdt::detail {

/// Strings that occur often (map keys, root names), numbered.
class KeyTable {
 public:
  KeyRef intern(std::string_view key);
  /// k_none if it was never interned.
  KeyRef find(std::string_view key) const;
  const std::string& name(KeyRef key) const { return *names_[key]; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  std::unordered_map<std::string, KeyRef, Hash, std::equal_to<>> refs_;
  std::vector<const std::string*> names_;
};

/// From keys to the last item of each key's list, in order of first appearance.
class KeyMap {
 public:
  struct Entry {
    KeyRef key = k_none;
    ItemRef item = k_none;
  };
  ItemRef find(KeyRef key) const;
  void set(KeyRef key, ItemRef item);
  void clear();
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  static constexpr std::size_t k_scanned_max = 12;
  std::vector<Entry> entries_;
  std::unique_ptr<std::unordered_map<KeyRef, std::uint32_t>> index_;
};

/// Who wants to hear of a type.
struct TypeObservers {
  Observers<const TextEvent&> text;
  Observers<const MapEvent&> map;
  Observers<const ArrayEvent&> array;
  Observers<const XmlEvent&> xml;
  Observers<const std::vector<Event>&> deep;

  bool direct() const { return !text.empty() || !map.empty() || !array.empty() || !xml.empty(); }
};

/// A shared type: root or nested.
struct Type {
  TypeKind kind = TypeKind::unknown;
  bool has_formatting = false;
  bool dead = false;      ///< deleted and its content forgotten
  ItemRef item = k_none;  ///< the item that holds it; none for roots
  KeyRef root_name = k_none;
  ItemRef start = k_none;
  ItemRef tail = k_none;           ///< last of the list
  std::uint32_t length = 0;        ///< visible units of the list
  ItemRef cursor = k_none;         ///< where the last local edit was,
  std::uint32_t cursor_start = 0;  ///< and the visible units before it
  KeyMap map;
  std::unique_ptr<Sequence> sequence;
  Bytes name;  ///< of XML elements and hooks, as encoded
  std::unique_ptr<TypeObservers> observers;
  std::uint32_t depth = 0;         ///< types around it
  std::uint64_t changed_in = 0;    ///< the last transaction that noted a change of it,
  std::uint32_t changed_slot = 0;  ///< and where
};

/// What is known of a writer.
struct Client {
  explicit Client(std::uint64_t id) : id(id), wire_id(lib0::Encoder::short_var_uint(id)) {}

  std::uint64_t id;
  lib0::Encoder::Short wire_id;
  std::uint32_t state = 0;      ///< the next clock
  std::uint32_t gaps = 0;       ///< how many runs are gaps (Kind::skip; GapMode::v14 only)
  std::uint32_t first_gap = 0;  ///< where the first of them begins
  std::uint32_t arrival = 0;    ///< the how many-th writer of the document it is
  RunList runs;
  mutable std::vector<ClockRange>
      deleted;  ///< grows with each deletion, put in order when it is read
};

/// Clients by id, and where something of each is.
using ClientOrder = std::vector<std::pair<std::uint64_t, ClientIndex>>;

/// Largest state that is kept as bytes for the next one who asks (Engine::encode).
inline constexpr std::size_t k_kept_state_bytes_max = std::size_t{4} << 20;

/// Ranges of one client's clocks.
using ClientRanges = std::pair<ClientIndex, std::vector<ClockRange>>;

/// Where in a list a client's entry is: looked through while the list is short.
class ClientSlots {
 public:
  /// k_none if it has none. `client_of` says whose an entry is.
  template <class List, class ClientOf>
  std::uint32_t find(const List& list, ClientIndex client, ClientOf client_of) const {
    if (list.size() > k_scanned_max) {
      return client < slots_.size() && slots_[client] > 0 ? slots_[client] - 1 : k_none;
    }
    for (std::uint32_t i = 0; i < list.size(); ++i) {
      if (client_of(list[i]) == client) {
        return i;
      }
    }
    return k_none;
  }
  /// `list` has one more entry, the last.
  template <class List, class ClientOf>
  void added(const List& list, ClientOf client_of) {
    note(list, list.size() == k_scanned_max + 1 ? 0 : list.size() - 1, client_of);
  }
  /// `list` is in another order.
  template <class List, class ClientOf>
  void reordered(const List& list, ClientOf client_of) {
    note(list, 0, client_of);
  }
  void clear() { slots_.clear(); }

 private:
  static constexpr std::size_t k_scanned_max = 6;

  template <class List, class ClientOf>
  void note(const List& list, std::size_t first, ClientOf client_of) {
    for (std::size_t i = first; list.size() > k_scanned_max && i < list.size(); ++i) {
      const ClientIndex client = client_of(list[i]);
      if (slots_.size() <= client) {
        slots_.resize(std::max<std::size_t>(client + 1, 2 * slots_.size()));
      }
      slots_[client] = static_cast<std::uint32_t>(i) + 1;
    }
  }

  std::vector<std::uint32_t> slots_;  ///< by client: which entry + 1
};

/// Ranges of many clients' clocks, each client's in the order in which they were added.
class RangesByClient {
 public:
  void add(ClientIndex client, std::uint32_t clock, std::uint32_t len);
  /// Nothing if it has none.
  const std::vector<ClockRange>* find(ClientIndex client) const;
  bool contains(DenseId id);

 private:
  std::vector<ClientRanges> all_;
  ClientSlots slots_;
};

/// What a transaction did to gaps.
struct GapChanges {
  RangesByClient left_out;  ///< became gaps
  RangesByClient filled;    ///< came into gaps, also into those
};

/// A transaction that is running or waiting for its clean-up.
struct TransactionState {
  struct Changed {
    TypeRef type = k_none;
    bool list = false;
    std::vector<KeyRef> keys;
  };
  /// What happened to a type: either delta, by its kind.
  struct Told {
    TextDelta text;
    ArrayDelta list;
    std::vector<MapChange> keys;
    bool ready = false;  ///< computed when somebody wants to know, for that may change something
  };
  std::uint64_t serial = 0;
  Origin origin;
  bool local = true;
  struct Touched {
    ClientIndex client = 0;
    std::uint32_t before = 0;  ///< its state at the begin
    std::uint32_t after = 0;   ///< and when clean-up began
  };
  std::vector<Touched> touched;
  ClientSlots touched_slots;
  std::size_t settled = 0;  ///< how many of `touched` were when clean-up began
  std::vector<ClientRanges> deleted;
  ClientSlots deleted_slots;
  bool erased = false;            ///< something that was there is deleted now
  std::vector<DenseId> to_merge;  ///< Yjs: _mergeStructs
  std::vector<Changed> changed;
  std::vector<Told> told;  ///< beside `changed`
  /// Every changed type and all above it (Yjs: changedParentTypes): which of `changed`.
  std::vector<std::pair<TypeRef, std::vector<std::uint32_t>>> parents;
  std::unordered_map<TypeRef, std::uint32_t> parent_slots;
  std::vector<Id> subdocuments_added;
  std::vector<Id> subdocuments_removed;
  std::vector<Id> subdocuments_loaded;
  std::vector<Id> subdocuments_gone;   ///< came and went
  const void* undo_manager = nullptr;  ///< who undoes or redoes here
  std::unique_ptr<GapChanges> gaps;    ///< if there were any

  bool any_subdocuments() const {
    return !subdocuments_added.empty() || !subdocuments_removed.empty() ||
           !subdocuments_loaded.empty() || !subdocuments_gone.empty();
  }
};

/// What is known of a document within.
struct SubdocumentEntry {
  SubdocumentOptions options;
  ItemRef item = k_none;
  bool should_load = false;
  bool leaving = false;  ///< its place is gone
};

}  // namespace vivim::crdt::detail
