#include "vivim/crdt/effects.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/engine_detail.hpp"
#include "vivim/crdt/wire_detail.hpp"

namespace vivim::crdt {
namespace detail {
namespace {

/// Where a struct of the update lies, once it was asked: a number of a place, or one of these.
using Whereabouts = std::uint32_t;
constexpr Whereabouts k_unasked = 0xffff'ffff;
constexpr Whereabouts k_unknown = 0xffff'fffe;

}  // namespace

/// Looks for the place of everything in an update, in it and in the document.
class Surveyor {
 public:
  Surveyor(const Engine& engine, const DecodedUpdate& update) : engine_(engine), update_(update) {
    for (std::size_t i = 0; i < update.groups.size(); ++i) {
      if (!update.groups[i].empty()) {
        groups_.emplace(update.groups[i].front().client, i);
      }
      found_.emplace_back(update.groups[i].size(), k_unasked);
    }
  }

  UpdateEffects run() {
    for (std::size_t group = 0; group < update_.groups.size(); ++group) {
      for (std::size_t i = 0; i < update_.groups[group].size(); ++i) {
        insert(group, i);
      }
    }
    for (const auto& [client, ranges] : update_.deletes) {
      for (const ClockRange& range : ranges) {
        erase(client, range);
      }
    }
    effects_.unplaced = effects_.unplaced || !can_be_integrated();
    for (std::size_t i = 0; i < places_.size(); ++i) {
      auto& counts = effects_.places[places_[i].place];
      for (const auto& [client, units] : counts_[i].inserted) {
        counts.inserted[client] += units;
        if (const auto maker = places_[i].maker) {
          counts.keyed[*maker] += units;
        }
      }
      for (const auto& [client, units] : counts_[i].deleted) {
        counts.deleted[client] += units;
      }
    }
    std::erase_if(effects_.places, [](const auto& entry) {
      return entry.second.inserted.empty() && entry.second.deleted.empty();
    });
    return std::move(effects_);
  }

 private:
  struct Ref {
    std::size_t group = 0;
    std::size_t index = 0;
  };

  // Whether no struct would have to wait: for what is missing, or in a circle. What waits is
  // integrated later, when what was asked about may have changed. Goes through the clients' structs
  // in the order in which they can be integrated: who needs another's waits on the stack.
  bool can_be_integrated() const {
    std::vector<std::size_t> next(update_.groups.size(), 0);
    std::vector<bool> waits(update_.groups.size(), false);
    std::vector<Ref> stack;
    const auto want = [&](Ref ref) {
      stack.push_back(ref);
      waits[ref.group] = true;
    };
    for (std::size_t group = 0; group < update_.groups.size(); ++group) {
      if (!update_.groups[group].empty()) {
        want({group, update_.groups[group].size() - 1});
      }
      while (!stack.empty()) {
        const Ref wanted = stack.back();
        const Ref at{wanted.group, next[wanted.group]};
        if (at.index > wanted.index) {
          waits[at.group] = false;
          stack.pop_back();
          continue;
        }
        const Need need = needs(at, next);
        if (need.missing || (need.first && waits[need.first->group])) {
          return false;
        }
        if (need.first) {
          want(*need.first);
        } else {
          ++next[at.group];
        }
      }
    }
    return true;
  }

  /// What a struct needs that is not integrated.
  struct Need {
    bool missing = false;      ///< it is nowhere
    std::optional<Ref> first;  ///< it is in the update
  };

  // `next` says how far each group is.
  Need needs(Ref ref, const std::vector<std::size_t>& next) const {
    const auto group = update_.groups[ref.group];
    const WireStruct& item = group[ref.index];
    const std::uint64_t known = engine_.state_of(item.client);
    if (item.kind == Kind::skip || item.end() <= known) {
      return {};
    }
    const bool behind_a_gap = ref.index == 0 || group[ref.index - 1].kind == Kind::skip;
    Need need{.missing = behind_a_gap && item.clock > known && !engine_.over_gaps(),
              .first = std::nullopt};
    const auto look_for = [&](Id id) {
      if (known_item(id) == nullptr) {
        const auto at = struct_at(value_of(id.client), id.clock);
        need.missing = need.missing || !at;
        if (at && at->index >= next[at->group]) {
          need.first = at;
        }
      }
    };
    if (item.has_origin) {
      look_for(item.origin);
    }
    if (item.has_right_origin) {
      look_for(item.right_origin);
    }
    if (item.parent == ParentRef::item) {
      look_for(item.parent_item);
    }
    return need;
  }

  void insert(std::size_t group, std::size_t index) {
    const WireStruct& item = update_.groups[group][index];
    std::uint64_t fresh = 0;
    engine_.each_part(
        item.client, {item.clock, item.end()}, [](ClockRange) {},
        [&](ClockRange part) { fresh += part.to - part.from; });
    if (item.kind == Kind::skip || fresh == 0) {
      return;
    }
    effects_.writers.insert(ClientId{item.client});
    if (item.kind == Kind::gc) {
      return;
    }
    const Whereabouts place = find({group, index});
    if (place == k_unknown) {
      effects_.unplaced = true;
    } else {
      counts_[place].inserted[ClientId{item.client}] += fresh;
      replace(item, place);
    }
  }

  // A new value of a key takes the place of the one that is there. (Of several in one update the
  // first counts: the others take its place.)
  void replace(const WireStruct& item, Whereabouts place) {
    const ItemRef current = value_beside(item);
    if (current == k_none || engine_.items_[current].deleted() ||
        !replaced_.insert(current).second) {
      return;
    }
    const Item& value = engine_.items_[current];
    const std::uint64_t client = engine_.clients_[engine_.items_.client(value)].id;
    if (!says_deleted(client, value.clock)) {
      counts_[place].deleted[ClientId{client}] += value.len;
    }
  }

  // Whether the update itself lists it as deleted, as an honest one does.
  bool says_deleted(std::uint64_t client, std::uint64_t clock) const {
    const auto at = update_.deletes.find(client);
    return at != update_.deletes.end() &&
           std::ranges::any_of(at->second, [clock](const ClockRange& range) {
             return range.from <= clock && clock < range.to;
           });
  }

  // The value of the key under which `item` comes, if it comes under one.
  ItemRef value_beside(const WireStruct& item) const {
    TypeRef type = k_none;
    KeyRef key = k_none;
    if (item.parent == ParentRef::from_neighbour) {
      if (const Item* beside = known_item(neighbour(item))) {
        type = engine_.items_.parent(*beside);
        key = engine_.items_.key(*beside);
      }
    } else if (item.has_key) {
      key = engine_.keys_.find(item.key);
      if (item.parent == ParentRef::root) {
        const auto root = engine_.roots_.find(engine_.keys_.find(item.root));
        type = root == engine_.roots_.end() ? k_none : root->second;
      } else if (const Item* holder = known_item(item.parent_item)) {
        type = holder->kind() == Kind::type && !holder->deleted() ? holder->content : k_none;
      }
    }
    return type == k_none || key == k_none ? k_none : engine_.types_[type].map.find(key);
  }

  const Item* known_item(Id id) const {
    const std::uint64_t client = value_of(id.client);
    if (!engine_.knows(id)) {
      return nullptr;
    }
    return &engine_.items_[engine_.item_at(
        {engine_.client_indexes_.at(client), static_cast<std::uint32_t>(id.clock)})];
  }

  void erase(std::uint64_t client, ClockRange range) {
    engine_.each_part(
        client, range, [&](ClockRange known) { erase_known(client, known); },
        [&](ClockRange part) { erase_unknown(client, part); });
  }

  void erase_unknown(std::uint64_t client, ClockRange range) {
    for (std::uint64_t clock = range.from; clock < range.to;) {
      const auto ref = struct_at(client, clock);
      if (!ref) {
        effects_.unplaced = true;
        return;
      }
      const WireStruct& item = update_.groups[ref->group][ref->index];
      const std::uint64_t end = std::min(item.end(), range.to);
      if (item.kind != Kind::gc && item.kind != Kind::deleted) {
        if (const Whereabouts place = find(*ref); place != k_unknown) {
          counts_[place].deleted[ClientId{client}] += end - clock;
        }
      }
      clock = end;
    }
  }

  void erase_known(std::uint64_t client, ClockRange range) {
    const ClientIndex index = engine_.client_indexes_.at(client);
    const RunList& runs = engine_.clients_[index].runs;
    for (auto position = runs.find(engine_.items_, static_cast<std::uint32_t>(range.from));;
         position = runs.next(position)) {
      const Item& item = engine_.items_[runs.at(position)];
      if (item.clock >= range.to) {
        return;
      }
      if (!item.deleted()) {
        counts_[place_of(item)].deleted[ClientId{client}] +=
            std::min<std::uint64_t>(item.end(), range.to) -
            std::max<std::uint64_t>(item.clock, range.from);
      }
      if (runs.is_last(position)) {
        return;
      }
    }
  }

  /// A place, or what lies there under a key of a type that `maker` made.
  struct Spot {
    Place place;
    std::optional<ClientId> maker;
  };

  Whereabouts add(Spot spot) {
    places_.push_back(std::move(spot));
    counts_.emplace_back();
    return static_cast<Whereabouts>(places_.size() - 1);
  }

  Whereabouts place_in_root(std::string_view root, std::string_view key) {
    const auto [it, fresh] = named_.try_emplace({root, key}, k_unknown);
    if (fresh) {
      it->second = add(
          {.place = {.root = std::string(root), .key = std::string(key)}, .maker = std::nullopt});
    }
    return it->second;
  }

  Whereabouts keyed_in(Whereabouts place, ClientId maker) {
    const auto [it, fresh] = keyed_.try_emplace({place, maker}, k_unknown);
    if (fresh) {
      it->second = add({.place = places_[place].place, .maker = maker});
    }
    return it->second;
  }

  // What is garbage, or will be, has no place, and nobody sees it.
  Whereabouts nowhere() { return place_in_root({}, {}); }

  // Of a struct of the document.
  Whereabouts place_of(const Item& item) {
    std::vector<TypeRef> way;
    const Item* at = &item;
    std::optional<Whereabouts> place;
    while (!place) {
      const Shape& shape = engine_.items_.shape(*at);
      if (shape.parent == k_none) {
        place = nowhere();
      } else if (const auto it = within_.find(shape.parent); it != within_.end()) {
        place = it->second;
      } else if (const Type& type = engine_.types_[shape.parent]; type.item != k_none) {
        way.push_back(shape.parent);
        at = &engine_.items_[type.item];
      } else if (type.root_name == k_none) {
        place = nowhere();
      } else {
        place =
            place_in_root(engine_.keys_.name(type.root_name),
                          shape.key == k_none ? std::string_view()
                                              : std::string_view(engine_.keys_.name(shape.key)));
      }
    }
    for (const TypeRef type : way) {
      within_.emplace(type, *place);
    }
    return *place;
  }

  std::optional<Ref> struct_at(std::uint64_t client, std::uint64_t clock) const {
    const auto group = groups_.find(client);
    if (group == groups_.end()) {
      return std::nullopt;
    }
    const auto& items = update_.groups[group->second];
    const auto it = std::ranges::upper_bound(items, clock, {}, &WireStruct::clock);
    if (it == items.begin() || std::prev(it)->end() <= clock || std::prev(it)->kind == Kind::skip) {
      return std::nullopt;
    }
    return Ref{.group = group->second,
               .index = static_cast<std::size_t>(std::prev(it) - items.begin())};
  }

  // What the struct stands beside or in.
  static Id neighbour(const WireStruct& item) {
    return item.has_origin         ? item.origin
           : item.has_right_origin ? item.right_origin
                                   : item.parent_item;
  }

  // Follows neighbours until a place is known, and then tells it to all on the way.
  Whereabouts find(Ref ref) {
    std::vector<Ref> way;
    Whereabouts place = k_unknown;
    for (std::optional<Ref> at = ref; at; at = step(*at, place)) {
      Whereabouts& found = found_[at->group][at->index];
      if (found != k_unasked) {
        place = found;  // unknown when it stands in a circle
        break;
      }
      found = k_unknown;
      way.push_back(*at);
    }
    for (const Ref& on_way : way) {
      found_[on_way.group][on_way.index] = place;
    }
    return place;
  }

  // The next struct to ask, or nothing, with the place if it is known.
  std::optional<Ref> step(Ref ref, Whereabouts& place) {
    const WireStruct& item = update_.groups[ref.group][ref.index];
    if (item.kind == Kind::gc) {
      place = nowhere();  // what stands beside garbage becomes garbage
      return std::nullopt;
    }
    if (item.parent == ParentRef::root) {
      place = place_in_root(item.root, item.has_key ? item.key : std::string_view());
      return std::nullopt;
    }
    const Id id = neighbour(item);
    const std::uint64_t client = value_of(id.client);
    if (!engine_.knows(id)) {
      return struct_at(client, id.clock);
    }
    const Item& known = *known_item(id);
    place = place_of(known);
    if (const auto maker = maker_beside(item, known)) {
      place = keyed_in(place, *maker);
    }
    return std::nullopt;
  }

  // Who made the type under a key of which `item` comes, in or beside `known`; nobody makes roots.
  std::optional<ClientId> maker_beside(const WireStruct& item, const Item& known) const {
    const Item* holder = nullptr;
    if (item.parent == ParentRef::item) {
      holder = item.has_key ? &known : nullptr;
    } else if (const Shape& shape = engine_.items_.shape(known);
               shape.key != k_none && shape.parent != k_none) {
      const ItemRef of_type = engine_.types_[shape.parent].item;
      holder = of_type == k_none ? nullptr : &engine_.items_[of_type];
    }
    return holder == nullptr
               ? std::nullopt
               : std::optional(ClientId{engine_.clients_[engine_.items_.client(*holder)].id});
  }

  const Engine& engine_;
  const DecodedUpdate& update_;
  std::unordered_map<std::uint64_t, std::size_t> groups_;
  std::vector<std::vector<Whereabouts>> found_;
  std::vector<Spot> places_;
  std::vector<PlaceEffects> counts_;
  std::map<std::pair<std::string_view, std::string_view>, Whereabouts> named_;
  std::map<std::pair<Whereabouts, ClientId>, Whereabouts> keyed_;
  std::unordered_map<TypeRef, Whereabouts> within_;
  std::unordered_set<ItemRef> replaced_;
  UpdateEffects effects_;
};

}  // namespace detail

Result<UpdateEffects> effects_of(const Doc& doc, BytesView update, UpdateFormat format) {
  VIVIM_TRY(const auto decoded, detail::decode_update(update, format));
  return detail::Surveyor(doc.engine(), decoded).run();
}

}  // namespace vivim::crdt
