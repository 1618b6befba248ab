#include "vivim/message/outbox.hpp"

#include <algorithm>

#include "vivim/base/assert.hpp"

namespace vivim::message {

Result<void> Outbox::has_room(const Outgoing& message) const {
  const auto lane = lanes_.find(message.to);
  const auto* others = lane == lanes_.end() ? nullptr : &lane->second.messages;
  if (others != nullptr && others->contains(message.id)) {
    return fail(MessageError::full);
  }
  if (message.kind == Kind::receipt) {
    return receipts_ < limits_.receipts_max ? Result<void>()
                                            : fail(MessageError::full, limits_.receipts_max);
  }
  if (size_ - receipts_ >= limits_.messages_max) {
    return fail(MessageError::full, limits_.messages_max);
  }
  if (bytes_ + message.envelope.size() > limits_.bytes_max) {
    return fail(MessageError::full, limits_.bytes_max);
  }
  if (others != nullptr && others->size() >= limits_.messages_per_recipient_max) {
    return fail(MessageError::full, limits_.messages_per_recipient_max);
  }
  return {};
}

std::optional<Outgoing> Outbox::make_room_for_receipt() {
  if (receipts_ < limits_.receipts_max) {
    return std::nullopt;
  }
  const Outgoing* first = nullptr;
  for (const auto* message : all()) {
    if (message->kind == Kind::receipt &&
        (first == nullptr || message->expires_ms < first->expires_ms)) {
      first = message;
    }
  }
  return first == nullptr ? std::nullopt : remove(PeerId(first->to), MessageId(first->id));
}

Result<void> Outbox::add(Outgoing message, rt::TimePoint now) {
  VIVIM_TRYV(has_room(message));
  const auto found = lanes_.try_emplace(message.to, Lane{.due = now}).first;
  ++size_;
  receipts_ += message.kind == Kind::receipt ? 1 : 0;
  bytes_ += message.envelope.size();
  Lane& lane = found->second;
  const MessageId id = message.id;
  auto& entry = lane.messages.emplace(id, Entry{.message = std::move(message)}).first->second;
  if (!entry.message.stored) {
    enqueue(lane, entry);
    lane.due = std::min(lane.due, now);  // something new is worth another try
  }
  return {};
}

void Outbox::enqueue(Lane& lane, Entry& entry) {
  if (!entry.queued && std::ranges::count(lane.in_flight, entry.message.id) == 0) {
    entry.queued = true;
    lane.queue.push(entry.message.priority, entry.message.id);
  }
}

bool Outbox::has_work(const Lane& lane) {
  return !lane.busy && !lane.queue.empty();
}

std::optional<Outbox::Batch> Outbox::next(rt::TimePoint now) {
  if (busy_ >= limits_.busy_max) {
    return std::nullopt;
  }
  for (;;) {
    Lanes::iterator first = lanes_.end();
    for (auto lane = lanes_.begin(); lane != lanes_.end(); ++lane) {
      if (has_work(lane->second) && lane->second.due <= now &&
          (first == lanes_.end() || lane->second.due < first->second.due)) {
        first = lane;
      }
    }
    if (first == lanes_.end()) {
      return std::nullopt;
    }
    Batch batch = take_batch(first->first, first->second);
    if (!batch.messages.empty()) {
      first->second.busy = true;
      ++busy_;
      return batch;
    }
  }
}

Outbox::Batch Outbox::take_batch(const PeerId& to, Lane& lane) {
  Batch batch{.to = to, .messages = {}};
  std::size_t bytes = 0;
  while (batch.messages.size() < limits_.batch_messages_max) {
    const auto id = lane.queue.pop();
    if (!id) {
      break;
    }
    const auto found = lane.messages.find(*id);
    if (found == lane.messages.end()) {
      continue;  // acknowledged while it waited
    }
    auto& [message, queued] = found->second;
    if (!message.stored) {
      bytes += message.envelope.size();
      if (bytes > limits_.batch_bytes_max && !batch.messages.empty()) {
        lane.queue.push_front(message.priority, *id);
        break;
      }
      lane.in_flight.push_back(*id);
      batch.messages.push_back(message);
    }
    queued = false;
  }
  return batch;
}

void Outbox::end(const PeerId& to, BatchEnd how, rt::TimePoint now, std::uint64_t random) {
  const auto found = lanes_.find(to);
  if (found == lanes_.end()) {
    return;
  }
  Lane& lane = found->second;
  VIVIM_ASSERT(lane.busy);
  lane.busy = false;
  --busy_;
  lane.failures = how == BatchEnd::answered ? 0 : std::min(lane.failures + 1, 32U);
  lane.due = lane.failures == 0 ? now : now + pause(lane.failures, random);
  const auto batch = std::exchange(lane.in_flight, {});
  for (auto id = batch.rbegin(); id != batch.rend(); ++id) {
    const auto message = lane.messages.find(*id);
    if (message == lane.messages.end()) {
      continue;
    }
    Entry& entry = message->second;
    if (entry.message.delivery == Delivery::best_effort) {
      count_out(entry.message);
      lane.messages.erase(message);
    } else if (!entry.message.stored && !entry.queued) {
      entry.queued = true;
      lane.queue.push_front(entry.message.priority, *id);
    }
  }
  if (lane.messages.empty()) {
    lanes_.erase(found);
  }
}

rt::Duration Outbox::pause(unsigned failures, std::uint64_t random) const {
  rt::Duration pause = times_.retry_min;
  for (unsigned i = 1; i < failures && pause < times_.retry_max; ++i) {
    pause *= 2;
  }
  pause = std::min(pause, times_.retry_max);
  // Between half of it and all of it.
  const auto half = static_cast<std::uint64_t>(pause.count() / 2);
  return pause - rt::Duration(static_cast<std::int64_t>(half == 0 ? 0 : random % half));
}

void Outbox::count_out(const Outgoing& message) {
  --size_;
  receipts_ -= message.kind == Kind::receipt ? 1 : 0;
  bytes_ -= message.envelope.size();
}

std::optional<Outgoing> Outbox::erase(Lanes::iterator lane, const MessageId& id) {
  auto& messages = lane->second.messages;
  const auto found = messages.find(id);
  if (found == messages.end()) {
    return std::nullopt;
  }
  std::optional<Outgoing> message(std::move(found->second.message));
  messages.erase(found);
  count_out(*message);
  if (messages.empty() && !lane->second.busy) {
    lanes_.erase(lane);
  }
  return message;
}

std::optional<Outgoing> Outbox::remove(const PeerId& to, const MessageId& id) {
  const auto lane = lanes_.find(to);
  return lane == lanes_.end() ? std::nullopt : erase(lane, id);
}

bool Outbox::stored(const PeerId& to, const MessageId& id) {
  const auto lane = lanes_.find(to);
  if (lane == lanes_.end()) {
    return false;
  }
  const auto found = lane->second.messages.find(id);
  if (found == lane->second.messages.end()) {
    return false;
  }
  found->second.message.stored = true;
  return true;
}

std::vector<Outgoing> Outbox::to_be_stored(const PeerId& to, std::size_t messages_max) const {
  std::vector<const Outgoing*> wanted;
  if (const auto lane = lanes_.find(to); lane != lanes_.end()) {
    for (const auto& [id, entry] : lane->second.messages) {
      if (!entry.message.stored && entry.message.delivery != Delivery::best_effort) {
        wanted.push_back(&entry.message);
      }
    }
  }
  std::ranges::sort(wanted, {}, &Outgoing::priority);
  std::vector<Outgoing> out;
  for (const auto* message : wanted) {
    if (out.size() < messages_max) {
      out.push_back(*message);
    }
  }
  return out;
}

void Outbox::available(const PeerId& to, rt::TimePoint now) {
  const auto found = lanes_.find(to);
  if (found == lanes_.end()) {
    return;
  }
  Lane& lane = found->second;
  lane.failures = 0;
  lane.due = std::min(lane.due, now);
  for (auto& [id, entry] : lane.messages) {
    entry.message.stored = false;
    enqueue(lane, entry);
  }
}

std::vector<Outgoing> Outbox::expire(std::int64_t wall_now_ms) {
  std::vector<Outgoing> out;
  for (auto lane = lanes_.begin(); lane != lanes_.end();) {
    std::vector<MessageId> over;
    for (const auto& [id, entry] : lane->second.messages) {
      if (entry.message.expires_ms <= wall_now_ms) {
        over.push_back(id);
      }
    }
    const auto current = lane++;
    for (const auto& id : over) {
      out.push_back(std::move(*erase(current, id)));
    }
  }
  return out;
}

std::optional<rt::TimePoint> Outbox::next_deadline() const {
  std::optional<rt::TimePoint> first;
  if (busy_ >= limits_.busy_max) {
    return first;
  }
  for (const auto& [to, lane] : lanes_) {
    if (has_work(lane) && (!first || lane.due < *first)) {
      first = lane.due;
    }
  }
  return first;
}

std::vector<const Outgoing*> Outbox::all() const {
  std::vector<const Outgoing*> out;
  for (const auto& [to, lane] : lanes_) {
    for (const auto& [id, entry] : lane.messages) {
      out.push_back(&entry.message);
    }
  }
  return out;
}

}  // namespace vivim::message
