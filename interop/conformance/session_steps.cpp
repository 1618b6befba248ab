#include <algorithm>

#include "interop/conformance/session.hpp"

namespace vivim::interop::conformance {

using crdt::UpdateFormat;
using crdt::lib0::Encoder;

void Session::step(std::uint64_t number) {
  chance_.seed(number);
  if (!guests_.empty() && chance_.one_in(3)) {
    guest_step();
    return;
  }
  const std::size_t index = chance_.pick(replicas_.size());
  const std::size_t choice = chance_.pick(32);
  if (choice < 13) {
    edit(index);
  } else if (choice < 18) {
    deliver_one(index);
  } else if (choice < 20) {
    deliver_merged(index);
  } else if (choice < 21) {
    deliver_difference(index);
  } else if (choice < 23) {
    synchronise(index, chance_.pick(replicas_.size()));
  } else if (choice < 24) {
    take_snapshot(index);
  } else if (choice < 25) {
    restore_version(index);
  } else if (choice < 28) {
    for (std::size_t count = 1 + chance_.pick(3); count > 0; --count) {
      undo(index);
    }
  } else if (choice < 29) {
    make_position(index);
  } else if (choice < 30) {
    chance_.one_in(2) ? load_documents(index) : wait();
  } else if (!swarm_) {
    forge();
  }
}

void Session::edit(std::size_t index) {
  Replica& replica = *replicas_[index];
  const std::size_t count = 1 + (chance_.one_in(3) ? chance_.pick(5) : 0);
  const crdt::Origin origin{chance_.one_in(2) ? 0 : chance_.pick(4)};
  Encoder program;
  replica.doc->transact(
      [&](crdt::Transaction& transaction) {
        for (std::size_t i = 0; i < count; ++i) {
          editor_->edit(*replica.doc, replica.last_position, transaction, program);
        }
      },
      origin);
  out_.var_uint(k_edit);
  out_.var_uint(index);
  out_.var_uint(origin.id);
  out_.var_uint(count);
  out_.raw(program.view());
  check(index);
}

// To all others, but for those on whose way it is lost.
void Session::broadcast(const Bytes& update, std::size_t from) {
  log_.push_back(update);
  if (gap_reader_) {
    gap_reader_->hear(update);
  }
  for (std::size_t to = 0; to < replicas_.size(); ++to) {
    if (to != from && !chance_.one_in(16)) {
      replicas_[to]->inbox.push_back(update);
    }
  }
  for (std::size_t guest = 0; guest < guests_.size(); ++guest) {
    if (replicas_.size() + guest != from && !chance_.one_in(16)) {
      guests_[guest].inbox.push_back(update);
    }
  }
}

// An update from the way, mostly the oldest; sometimes it comes once more.
Bytes Session::take(Replica& replica) {
  const std::size_t at = chance_.one_in(2) ? 0 : chance_.pick(replica.inbox.size());
  Bytes update = replica.inbox[at];
  if (!chance_.one_in(8)) {
    replica.inbox.erase(replica.inbox.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return update;
}

// Applies `update` (v1), in either format. The first that the replica emits then is the update once
// more, what follows is its own.
void Session::deliver(std::size_t index, BytesView update) {
  crdt::Doc& doc = *replicas_[index]->doc;
  const UpdateFormat by = format();
  const crdt::Origin origin{chance_.pick(5)};
  const Bytes bytes = by == UpdateFormat::v1 ? to_bytes(update) : convert(update, UpdateFormat::v1);
  if (const auto applied = apply_update(doc, bytes, origin, by); !applied) {
    fail("our side refuses an update: " + applied.error().message() + " " + to_hex(bytes));
  }
  out_.var_uint(k_apply);
  out_.var_uint(index);
  out_.var_uint(origin.id);
  out_.var_uint(static_cast<std::uint64_t>(by));
  out_.var_bytes(bytes);
  check(index, 1);
}

void Session::deliver_one(std::size_t index) {
  Replica& replica = *replicas_[index];
  if (!replica.inbox.empty()) {
    deliver(index, take(replica));
  }
}

Bytes Session::convert(BytesView update, UpdateFormat from) {
  const UpdateFormat to = from == UpdateFormat::v1 ? UpdateFormat::v2 : UpdateFormat::v1;
  auto converted = crdt::convert_update(update, from, to);
  if (!converted) {
    fail("our side does not convert an update: " + converted.error().message() + " " +
         to_hex(update));
    return {};
  }
  out_.var_uint(k_convert);
  out_.var_uint(static_cast<std::uint64_t>(from));
  out_.var_bytes(update);
  expect(*converted);
  return std::move(*converted);
}

Bytes Session::merge(const std::vector<Bytes>& updates, UpdateFormat by) {
  const std::vector<BytesView> views(updates.begin(), updates.end());
  auto merged = crdt::merge_updates(views, by);
  if (!merged) {
    fail("our side does not merge updates: " + merged.error().message());
    return {};
  }
  out_.var_uint(k_merge);
  out_.var_uint(static_cast<std::uint64_t>(by));
  out_.var_uint(updates.size());
  for (const Bytes& update : updates) {
    out_.var_bytes(update);
  }
  expect(*merged);
  return std::move(*merged);
}

void Session::deliver_merged(std::size_t index) {
  Replica& replica = *replicas_[index];
  const UpdateFormat by = format();
  std::vector<Bytes> parts;
  for (std::size_t count = 2 + chance_.pick(3); count > 0 && !replica.inbox.empty(); --count) {
    Bytes part = take(replica);
    parts.push_back(by == UpdateFormat::v1 ? std::move(part) : convert(part, UpdateFormat::v1));
  }
  if (parts.empty()) {
    return;
  }
  Bytes merged = merge(parts, by);
  if (by == UpdateFormat::v2) {
    merged = convert(merged, UpdateFormat::v2);
  }
  inspect(merged);
  deliver(index, merged);
}

// What can be told of an update without a document.
void Session::inspect(BytesView update) {
  const Bytes v2 = convert(update, UpdateFormat::v1);
  for (const UpdateFormat by : {UpdateFormat::v1, UpdateFormat::v2}) {
    const BytesView bytes = by == UpdateFormat::v1 ? update : BytesView(v2);
    out_.var_uint(k_vector);
    out_.var_uint(static_cast<std::uint64_t>(by));
    out_.var_bytes(bytes);
    expect(crdt::state_vector_from_update(bytes, by).value());
    out_.var_uint(k_obfuscate);
    out_.var_uint(static_cast<std::uint64_t>(by));
    out_.var_bytes(bytes);
    expect(crdt::obfuscate_update(bytes, {}, by).value());
  }
}

void Session::deliver_difference(std::size_t index) {
  Replica& replica = *replicas_[index];
  if (replica.inbox.empty()) {
    return;
  }
  const UpdateFormat by = format();
  Bytes update = take(replica);
  if (by == UpdateFormat::v2) {
    update = convert(update, UpdateFormat::v1);
  }
  const Bytes known = chance_.one_in(2) ? encode_state_vector(*replica.doc) : some_state();
  Bytes difference = crdt::diff_update(update, known, by).value();
  out_.var_uint(k_diff);
  out_.var_uint(static_cast<std::uint64_t>(by));
  out_.var_bytes(update);
  out_.var_bytes(known);
  expect(difference);
  deliver(index, by == UpdateFormat::v1 ? difference : convert(difference, UpdateFormat::v2));
}

void Session::synchronise(std::size_t to, std::size_t from) {
  const Bytes known = encode_state_vector(*replicas_[to]->doc);
  deliver(to, encode_state_as_update(*replicas_[from]->doc, known).value());
}

}  // namespace vivim::interop::conformance
