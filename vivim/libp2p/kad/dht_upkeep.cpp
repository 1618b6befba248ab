#include <algorithm>

#include "vivim/libp2p/kad/dht_detail.hpp"

namespace vivim::libp2p::kad {

namespace {

/// Keys that are published in one go between other work.
constexpr std::size_t k_publish_batch = 16;
/// Of keys by chance, in one refresh.
constexpr std::size_t k_sizing_lookups_max = 4;
/// The first refresh shows a network that we hardly know; the next one is not left to the interval.
constexpr auto k_second_refresh = std::chrono::seconds(30);

}  // namespace

/// Somebody whom we knew in an earlier life: it comes into the table if it answers.
rt::Co<void> Dht::greet(Contact contact) {
  Message request{.type = Type::find_node, .key = to_bytes(host_.peer_id().bytes())};
  ++requests_;
  ++asked_;
  const auto answer = co_await rpc_.ask(contact, std::move(request));
  --requests_;
  if (answer) {
    note_answer(contact);
    refresh_soon_ = true;
    if (!stopping()) {
      house_timer_->expire_at(now());
    }
  }
}

rt::Co<void> Dht::keep_house() {
  rt::TimePoint refresh_at{};
  bool first = true;
  while (!stopping()) {
    house_timer_->expire_at(now() + options_.times.check);
    (void)co_await house_timer_->wait();
    if (stopping()) {
      co_return;
    }
    rpc_.tidy(now());
    records_.expire(now());
    providers_.expire(now());
    if (table_.size() == 0) {
      continue;
    }
    if (refresh_soon_ || now() >= refresh_at) {
      refresh_soon_ = false;
      refresh_at = now() + (first ? k_second_refresh : options_.times.refresh);
      const std::size_t whole = options_.table.bucket_size;
      co_await refresh(std::exchange(first, false) ? (whole + 1) / 2 : whole);
    }
    co_await check_one();
    co_await publish_due();
  }
}

/// Looks up our own place, and one in each bucket that nobody looked into for long, until `enough`
/// of it have answered lately: a lookup brings nobody into a full bucket. Half of it is enough to
/// begin with: those who ask us fill the rest. The first of these lookups go to their end, and
/// others if they are too few: how large the network is follows from them.
rt::Co<void> Dht::refresh(std::size_t enough) {
  const auto own = co_await find_closest(to_bytes(host_.peer_id().bytes()));
  // All who are nearer than the last of the nearest are known now.
  unsigned known_from = k_preimage_bits_max;
  if (own && own->end == QueryEnd::complete && own->closest.size() >= options_.query.replication) {
    const unsigned reach = table_.key().common_prefix(Key::of(own->closest.back().peer)) + 1;
    known_from = std::min(known_from, reach);
  }
  for (const unsigned bucket : table_.stale_buckets(now(), options_.times.refresh)) {
    table_.refreshed(bucket, now());
    if (bucket < known_from && !stopping()) {
      co_await fill(bucket, enough);
    }
  }
  for (std::size_t i = 0; i < k_sizing_lookups_max && !network_size() && !stopping(); ++i) {
    (void)co_await find_closest(preimage({}, 0, static_cast<std::uint32_t>(rng_.u64())));
  }
}

rt::Co<void> Dht::fill(unsigned bucket, std::size_t enough) {
  const auto filled = [this, bucket, enough] {
    return network_size().has_value() &&
           table_.heard_since(bucket, now() - options_.times.refresh) >= enough;
  };
  if (filled()) {
    co_return;
  }
  const Key near = table_.key().flipped(bucket);
  Bytes key = preimage(near, bucket + 1, static_cast<std::uint32_t>(rng_.u64()));
  Message request{.type = Type::find_node, .key = key};
  (void)co_await look_up(std::move(key), std::move(request),
                         [&filled](Lookup& lookup, const Contact&, const Message&) {
                           if (filled()) {
                             lookup.query.stop();
                           }
                         });
}

rt::Co<void> Dht::check_one() {
  const auto contact = table_.to_check(now());
  if (!contact || stopping()) {
    co_return;
  }
  std::vector<Contact> nodes{*contact};
  Message request{.type = Type::find_node, .key = to_bytes(contact->peer.bytes())};
  co_await ask_each(std::move(nodes), std::move(request), {});
}

rt::Co<void> Dht::publish_due() {
  for (std::size_t i = 0; i < k_publish_batch && !stopping(); ++i) {
    const auto due = std::ranges::min_element(published_, {},
                                              [](const auto& entry) { return entry.second.due; });
    if (due == published_.end() || due->second.due > now()) {
      co_return;
    }
    const Bytes key = due->first;
    const auto make_value = due->second.make_value;
    const auto stored = make_value ? co_await put_value(key, make_value()) : co_await provide(key);
    // It may have been changed or given up meanwhile.
    if (const auto again = published_.find(key); again != published_.end()) {
      again->second.due =
          now() + (stored ? options_.times.republish : options_.times.republish_retry);
    }
  }
}

Result<void> Dht::keep_publishing(const Bytes& key, Published published) {
  if (!published_.contains(key) && published_.size() >= options_.limits.published_max) {
    return fail(KadError::too_many_provided, options_.limits.published_max);
  }
  published_[key] = std::move(published);
  if (table_.size() > 0 && !stopping()) {
    house_timer_->expire_at(now());
  }
  return {};
}

Result<void> Dht::keep_providing(const Bytes& key) {
  if (!is_provided_key(key)) {
    return fail(KadError::bad_key, key.size());
  }
  return keep_publishing(key, {.make_value = {}, .due = now()});
}

Result<void> Dht::keep_putting(const Bytes& key, std::function<Bytes()> make) {
  VIVIM_TRYV(validators_.validate(key, make(), wall()));
  return keep_publishing(key, {.make_value = std::move(make), .due = now()});
}

void Dht::stop_publishing(const Bytes& key) {
  published_.erase(key);
}

}  // namespace vivim::libp2p::kad
