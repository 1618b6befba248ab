#include "vivim/libp2p/kad/records.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "vivim/libp2p/kad/snapshot_detail.hpp"

namespace vivim::libp2p::kad {

namespace {

/// Looking through everything is not for every request.
constexpr rt::Duration k_tidy_records_interval = std::chrono::minutes(1);

constexpr std::uint8_t k_values_version = 1;

}  // namespace

std::string format_time(rt::WallMs wall) {
  const std::chrono::sys_time<std::chrono::milliseconds> at{std::chrono::milliseconds(wall)};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(at - day);
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()),
                static_cast<int>(time.subseconds().count()));
  return text.data();
}

Result<void> Records::make_room(const PeerId& sender, const Distance& distance, std::size_t bytes) {
  if (const auto own = by_sender_.find(sender);
      own != by_sender_.end() && own->second >= limits_.per_peer_max) {
    return fail(KadError::no_room, own->second);
  }
  while (entries_.size() >= limits_.records_max || bytes_ + bytes > limits_.bytes_max) {
    if (by_distance_.empty() || by_distance_.rbegin()->first <= distance) {
      return fail(KadError::no_room);
    }
    erase(entries_.find(by_distance_.rbegin()->second));
  }
  return {};
}

void Records::erase(Entries::iterator at) {
  const Entry& entry = at->second;
  bytes_ -= at->first.size() + entry.record.value.size();
  by_distance_.erase({entry.distance, at->first});
  if (const auto own = by_sender_.find(entry.sender); --own->second == 0) {
    by_sender_.erase(own);
  }
  entries_.erase(at);
}

Result<void> Records::put(const PeerId& sender, const Bytes& key, const Bytes& value,
                          rt::TimePoint now, rt::WallMs wall) {
  if (now >= tidy_at_) {
    expire(now);
  }
  auto known = entries_.find(key);
  if (known != entries_.end() && known->second.record.value == value) {
    known->second.expires = now + limits_.ttl;  // it was valid; get() of others checks again
    known->second.record.time_received = format_time(wall);
    return {};
  }
  VIVIM_TRYV(validators_.validate(key, value, wall));
  if (known != entries_.end()) {
    if (!validators_.better(key, value, known->second.record.value) &&
        validators_.validate(key, known->second.record.value, wall)) {
      return fail(KadError::worse_record);
    }
    erase(known);
  }
  const Distance distance = Key::of(key).distance(self_);
  VIVIM_TRYV(make_room(sender, distance, key.size() + value.size()));
  entries_.emplace(key,
                   Entry{.record = {.key = key, .value = value, .time_received = format_time(wall)},
                         .sender = sender,
                         .distance = distance,
                         .expires = now + limits_.ttl});
  by_distance_.emplace(distance, key);
  ++by_sender_[sender];
  bytes_ += key.size() + value.size();
  return {};
}

const Record* Records::get(const Bytes& key, rt::TimePoint now) const {
  const auto found = entries_.find(key);
  return found == entries_.end() || found->second.expires <= now ? nullptr : &found->second.record;
}

void Records::expire(rt::TimePoint now) {
  tidy_at_ = now + k_tidy_records_interval;
  for (auto at = entries_.begin(); at != entries_.end();) {
    const auto here = at++;
    if (here->second.expires <= now) {
      erase(here);
    }
  }
}

Bytes Records::encode(rt::TimePoint now, rt::WallMs wall) const {
  Bytes out{k_values_version};
  for (const auto& [distance, key] : by_distance_) {
    const Entry& entry = entries_.at(key);
    if (entry.expires <= now) {
      continue;
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(entry.expires - now);
    Bytes one;
    append_block(one, entry.sender.bytes());
    append_block(one, key);
    append_block(one, entry.record.value);
    append_varint(one, static_cast<std::uint64_t>(std::max<rt::WallMs>(wall, 0) + left.count()));
    if (out.size() + one.size() > k_values_snapshot_bytes_max) {
      break;
    }
    append(out, one);
  }
  return out;
}

Result<void> Records::adopt(BytesView snapshot, rt::TimePoint now, rt::WallMs wall) {
  if (snapshot.empty() || snapshot.front() != k_values_version ||
      snapshot.size() > k_values_snapshot_bytes_max) {
    return fail(KadError::bad_snapshot);
  }
  BytesView in = snapshot.subspan(1);
  while (!in.empty()) {
    VIVIM_TRY(const auto id, take_block(in));
    VIVIM_TRY(const auto sender, PeerId::from_bytes(id));
    VIVIM_TRY(const auto key_block, take_block(in));
    VIVIM_TRY(const auto value, take_block(in));
    VIVIM_TRY(const auto until, decode_varint(in));
    in = in.subspan(until.size);
    const auto wall_now = static_cast<std::uint64_t>(std::max<rt::WallMs>(wall, 0));
    const Bytes key = to_bytes(key_block);
    if (until.value <= wall_now || !put(sender, key, to_bytes(value), now, wall)) {
      continue;
    }
    const auto most = std::chrono::duration_cast<std::chrono::milliseconds>(limits_.ttl);
    const auto left =
        std::min<std::uint64_t>(until.value - wall_now, static_cast<std::uint64_t>(most.count()));
    entries_.at(key).expires = now + std::chrono::milliseconds(left);
  }
  return {};
}

}  // namespace vivim::libp2p::kad
