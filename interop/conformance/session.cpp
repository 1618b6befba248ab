#include "interop/conformance/session.hpp"

#include <algorithm>
#include <utility>

#include "interop/conformance/told.hpp"
#include "vivim/crdt/event.hpp"

namespace vivim::interop::conformance {

using crdt::Any;
using crdt::UpdateFormat;

namespace {

// U+FFFD for each half of a surrogate pair. A replica that cut a pair has made that of it, and need
// not have told the others: edits that come to nothing cut, too.
std::string without_pairs(const std::string& utf8) {
  std::string text;
  for (std::size_t at = 0; at < utf8.size(); ++at) {
    if (static_cast<unsigned char>(utf8[at]) >= 0xf0) {
      text += "\xef\xbf\xbd\xef\xbf\xbd";
      at += 3;
    } else {
      text += utf8[at];
    }
  }
  return text;
}

// The same of every replica that knows the same.
Any comparable(const Any& value) {
  if (const auto* object = value.if_object()) {
    Any::Object members;
    for (const auto& [key, member] : *object) {
      members.emplace_back(key, comparable(member));
    }
    std::ranges::sort(members, {}, &std::pair<std::string, Any>::first);
    return Any(std::move(members));
  }
  if (const auto* array = value.if_array()) {
    Any::Array values;
    for (const Any& element : *array) {
      values.push_back(comparable(element));
    }
    return Any(std::move(values));
  }
  if (const auto* text = value.if_string()) {
    return Any(without_pairs(*text));
  }
  return value;
}

}  // namespace

Any content_of(crdt::Doc& doc) {
  Any::Object roots;
  roots.emplace_back("t", told(doc.text("t").to_delta()));
  roots.emplace_back("attributes", Any(doc.text("t").attributes()));
  roots.emplace_back("m", doc.map("m").to_any());
  roots.emplace_back("a", doc.array("a").to_any());
  roots.emplace_back("x", Any(doc.xml_fragment("x").to_string()));
  return Any(std::move(roots));
}

Session::Session(const Program& program, Peers& peers, bool gaps) : peers_(&peers) {
  chance_.seed(program.seed);
  swarm_ = chance_.one_in(4);
  live_ = swarm_ && chance_.one_in(2);
  const bool yrs = live_ && chance_.one_in(2);
  content_ = yrs                 ? Content::flat
             : chance_.one_in(3) ? Content::plain
             : chance_.one_in(3) ? Content::formatted
             : swarm_            ? Content::rich_without_hooks
                                 : Content::rich;
  // Who cuts a pair makes something else of it in each engine.
  const bool emoji = !live_ && (content_ == Content::plain || chance_.one_in(2));
  chance_.use_emoji(emoji);
  editor_ = std::make_unique<Editor>(chance_, content_);
  const std::size_t count = 2 + chance_.pick(chance_.one_in(4) ? 7 : 3);
  for (std::size_t i = 0; i < count; ++i) {
    make_replica(i);
  }
  if (live_) {
    invite(yrs);
  }
  if (gaps && !emoji) {
    gap_reader_ = std::make_unique<GapReader>(program.seed, content_, out_);
  }
  // Nobody else's id: replicas and guests have 1 to 11, modulo 16. Two things of one id diverge in
  // Yjs, too.
  forger_ = 108 + chance_.pick(4) + (chance_.one_in(2) ? 0 : std::uint64_t{1} << 40);
  for (const std::uint64_t number : program.steps) {
    if (!failure_) {
      step(number);
      step_gap_reader(number);
    }
  }
  settle();
  compare_replicas();
}

void Session::step_gap_reader(std::uint64_t number) {
  if (!gap_reader_) {
    return;
  }
  gap_reader_->step(
      number, [this](std::size_t i) -> const crdt::Doc& { return *replicas_[i]->doc; },
      replicas_.size());
  if (gap_reader_->failure()) {
    fail(*gap_reader_->failure());
  }
}

void Session::make_replica(std::size_t index) {
  constexpr std::uint64_t k_widths[] = {0x7f, 0xffff'ffff, crdt::k_number_max};
  const std::uint64_t drawn = chance_.number();
  const std::uint64_t client =
      1 + index +
      (drawn & k_widths[chance_.pick(live_ || (swarm_ && !chance_.one_in(8)) ? 2 : 3)]) / 16 * 16;
  auto replica = std::make_unique<Replica>();
  replica->collects = !chance_.one_in(4);
  replica->doc = std::make_unique<crdt::Doc>(
      crdt::ClientId{client}, crdt::DocOptions{.collect_garbage = replica->collects,
                                               .formatting_cleanup = crdt::FormattingCleanup::yjs});
  for (const UpdateFormat format : {UpdateFormat::v1, UpdateFormat::v2}) {
    auto& heard = format == UpdateFormat::v1 ? replica->v1 : replica->v2;
    replica->subscriptions.push_back(replica->doc->on_update(
        [&heard](BytesView update, crdt::Origin) { heard.push_back(to_bytes(update)); }, format));
  }
  replica->doc->text("t");
  replica->doc->map("m");
  replica->doc->array("a");
  replica->doc->xml_fragment("x");
  const bool observed = chance_.one_in(2);
  if (observed) {
    observe(*replica);
  }
  out_.var_uint(k_make);
  out_.var_uint(replica->collects ? 1 : 0);
  out_.var_uint(client);
  out_.var_uint(observed ? 1 : 0);
  replicas_.push_back(std::move(replica));
  if (content_ != Content::plain && !chance_.one_in(3)) {
    make_undo(replicas_.size() - 1);
  }
}

void Session::observe(Replica& replica) {
  crdt::Doc& doc = *replica.doc;
  const auto tell = [&replica](const std::string& line) { replica.told += line + "\n"; };
  const auto deep = [tell](const std::vector<crdt::Event>& events) {
    for (const crdt::Event& event : events) {
      tell(told(event));
    }
  };
  replica.subscriptions.push_back(doc.text("t").observe(
      [tell](const crdt::TextEvent& event) { tell(told({}, told(event.delta), event.keys)); }));
  replica.subscriptions.push_back(doc.map("m").observe_deep(deep));
  replica.subscriptions.push_back(doc.array("a").observe_deep(deep));
  replica.subscriptions.push_back(doc.xml_fragment("x").observe_deep(deep));
  replica.subscriptions.push_back(
      doc.on_subdocuments([tell](const crdt::SubdocumentEvent& event) { tell(told(event)); }));
}

// Everybody hears everything, at last, and what they make of it: clean-ups of formatting.
void Session::settle() {
  if (!log_.empty()) {
    deliver(0, merge(log_, UpdateFormat::v1));
  }
  for (int round = 0; round < 8 && !failure_ && (round == 0 || !settled()); ++round) {
    settle_guests();
    for (std::size_t i = 1; i < replicas_.size() && !failure_; ++i) {
      synchronise(0, i);
    }
    for (std::size_t i = 1; i < replicas_.size() && !failure_; ++i) {
      synchronise(i, 0);
    }
  }
}

bool Session::settled() const {
  return std::ranges::all_of(replicas_, [&](const auto& replica) {
    return snapshot(*replica->doc) == snapshot(*replicas_.front()->doc);
  });
}

// A document that never cleans up formatting, and so has no twin, shows the same in the end.
void Session::compare_reader(crdt::Doc& first) {
  crdt::Doc reader(crdt::ClientId{0});
  for (const Bytes& update : log_) {
    if (!apply_update(reader, update)) {
      fail("a reader refuses an update");
    }
  }
  if (!apply_update(reader, encode_state_as_update(first))) {
    fail("a reader refuses a state");
  }
  if (snapshot(reader) != snapshot(first) ||
      comparable(content_of(reader)) != comparable(content_of(first))) {
    fail("a reader shows different content");
  }
}

void Session::compare_replicas() {
  crdt::Doc& first = *replicas_.front()->doc;
  for (std::size_t i = 0; i < replicas_.size() && !failure_; ++i) {
    crdt::Doc& other = *replicas_[i]->doc;
    expect_structs(i);
    if (has_pending(other)) {
      fail("something still waits");
    }
    if (snapshot(other) != snapshot(first)) {
      fail("replicas know different things");
    }
    const Any ours = comparable(content_of(other));
    const Any theirs = comparable(content_of(first));
    if (ours != theirs) {
      fail("replicas show different content: " + std::to_string(i) + " " + ours.to_json() +
           "\n  the first " + theirs.to_json());
    }
  }
  compare_reader(first);
  if (gap_reader_ && !failure_) {
    gap_reader_->settle(first);
    transactions_ += gap_reader_->transactions();
    if (gap_reader_->failure()) {
      fail(*gap_reader_->failure());
    }
  }
  compare_guests();
  if (swarm_) {
    out_.var_uint(k_swarm);
    out_.var_uint(0);
  }
}

}  // namespace vivim::interop::conformance
