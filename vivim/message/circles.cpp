#include "vivim/message/circles.hpp"

#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/base/log.hpp"
#include "vivim/libp2p/metrics/family.hpp"
#include "vivim/store/error.hpp"

namespace vivim::message {

namespace {

/// How long a message of a circle may take.
constexpr std::chrono::seconds k_lifetime = std::chrono::hours(24);
/// Between attempts to write what came: twice as long after each that failed.
constexpr rt::Duration k_retry_min = std::chrono::seconds(1);
constexpr rt::Duration k_retry_max = std::chrono::seconds(30);

store::MessageRow row_of(const CircleMessage& said, std::int64_t received_ms) {
  const Message& message = said.message;
  return {.sender = to_bytes(message.from.bytes()),
          .id = to_bytes(message.id.view()),
          .topic = said.topic.to_text(),
          .priority = static_cast<int>(message.priority),
          .delivery = static_cast<int>(message.delivery),
          .sent = message.time_ms,
          .received = received_ms,
          .payload = message.payload};
}

store::SaidRow said_row(const Message& message, const Bytes& envelope) {
  return {.sender = to_bytes(message.from.bytes()),
          .number = message.clock.at(message.from),
          .expires = message.expires_ms(),
          .envelope = envelope};
}

/// Keeps what was said for others, and counts it as had, in the transaction of what it is.
Result<void> log_said(store::Database& database, const CircleId& circle, const Message& message,
                      const Bytes& envelope, const store::CircleLogQuota& quota) {
  store::Circles circles(database);
  const auto row = said_row(message, envelope);
  VIVIM_TRY(const Bytes kept, circles.clock(circle.view()));
  VIVIM_TRY(auto clock, decode_clock(kept));
  VIVIM_TRYV(clock.raise(message.from, row.number));
  VIVIM_TRYV(circles.set_clock(circle.view(), encode(clock)));
  return store::CircleLog(database, quota).add(circle.view(), row);
}

}  // namespace

Circles::Circles(rt::Loop& loop, store::Store& store, rt::Rng& rng, Signer signer, Gossip gossip,
                 CirclesOptions options)
    : loop_(loop),
      store_(store),
      rng_(rng),
      signer_(std::move(signer)),
      self_(PeerId::of(signer_.key)),
      gossip_(std::move(gossip)),
      options_(std::move(options)),
      rates_(options_.rates),
      recent_(options_.recent_max),
      to_write_(loop, options_.writing_max + store::k_circles_max * options_.causal.messages_max),
      written_(loop),
      timer_(loop.make_timer()),
      retry_(loop.make_timer()),
      tasks_(loop) {}

Circles::~Circles() = default;

rt::Co<Result<void>> Circles::start() {
  VIVIM_CO_TRY(const auto rows, co_await store_.read([](store::Database& database) {
    return store::Circles(database).list();
  }));
  for (const auto& row : rows) {
    VIVIM_CO_TRYV(enter(row));
  }
  tasks_.on_stop([this] {
    timer_->cancel();
    retry_->cancel();
    to_write_.close();
  });
  VIVIM_CO_TRYV(co_await forget_old());
  tasks_.spawn("circles: keep", write_all());
  tasks_.spawn("circles: gaps", wait_for_gaps());
  co_return Result<void>();
}

rt::Co<void> Circles::stop() {
  co_await tasks_.stop();
}

Result<void> Circles::enter(const store::CircleRow& row) {
  VIVIM_TRY(auto clock, decode_clock(row.clock));
  auto member = std::make_unique<Member>(Circle(CircleSecret(row.secret)), row.name,
                                         options_.causal, std::move(clock));
  const CircleId id = member->circle.id();
  VIVIM_TRYV(subscribe(*member, CircleTopic{.circle = id, .subtopic = {}}.to_text()));
  members_[id] = std::move(member);
  return {};
}

Result<void> Circles::subscribe(Member& member, const std::string& topic) {
  if (member.topics.contains(topic)) {
    return {};
  }
  if (member.topics.size() > k_subtopics_max) {
    return fail(MessageError::full, k_subtopics_max);
  }
  VIVIM_TRYV(gossip_.subscribe(topic));
  member.topics.insert(topic);
  return {};
}

rt::Co<Result<Circles::Joined>> Circles::join(CircleSecret secret, std::string name) {
  if (name.size() > k_circle_name_bytes_max) {
    co_return fail(MessageError::too_large, name.size());
  }
  const Circle circle(std::move(secret));
  if (const auto found = members_.find(circle.id()); found != members_.end()) {
    co_return Joined{.id = circle.id(), .name = found->second->name, .had = true};
  }
  const store::CircleRow row{.id = to_bytes(circle.id().view()),
                             .secret = to_bytes(circle.secret().view()),
                             .name = std::move(name),
                             .clock = {},
                             .joined = loop_.clock().wall_now_ms()};
  VIVIM_CO_TRYV(co_await store_.write(
      [&row](store::Database& database) { return store::Circles(database).add(row); }));
  VIVIM_CO_TRYV(enter(row));
  co_return Joined{.id = circle.id(), .name = row.name};
}

rt::Co<Result<void>> Circles::leave(CircleId id) {
  const auto found = members_.find(id);
  if (found == members_.end()) {
    co_return fail(MessageError::unknown);
  }
  for (const auto& topic : found->second->topics) {
    gossip_.unsubscribe(topic);
  }
  members_.erase(found);
  recent_ = decltype(recent_)(options_.recent_max);  // what is told when we join again is new
  co_return co_await store_.write(
      [&id](store::Database& database) { return store::Circles(database).remove(id.view()); });
}

Result<void> Circles::follow(const CircleTopic& topic) {
  const auto found = members_.find(topic.circle);
  if (found == members_.end()) {
    return fail(MessageError::unknown);
  }
  VIVIM_TRY(const auto checked, CircleTopic::parse(topic.to_text()));
  return subscribe(*found->second, checked.to_text());
}

std::vector<Circles::Info> Circles::list() const {
  std::vector<Info> all;
  for (const auto& [id, member] : members_) {
    all.push_back({.id = id,
                   .name = member->name,
                   .secret_hex = to_hex(member->circle.secret().view()),
                   .members = member->buffer.seen().size()});
  }
  return all;
}

std::vector<std::pair<CircleId, bool>> Circles::waiting() const {
  std::vector<std::pair<CircleId, bool>> all;
  for (const auto& [id, member] : members_) {
    all.emplace_back(id, member->buffer.waiting() > 0);
  }
  return all;
}

rt::Co<Result<MessageId>> Circles::publish(CircleTopic topic, Bytes payload, Priority priority) {
  VIVIM_CO_TRYV(follow(topic));
  if (payload.size() > k_payload_bytes_max - k_circle_overhead_bytes) {
    co_return fail(MessageError::too_large, payload.size());
  }
  Member& member = *members_.at(topic.circle);
  const std::string name = topic.to_text();
  Message message{.time_ms = loop_.clock().wall_now_ms(),
                  .lifetime = k_lifetime,
                  .ttl = k_hops_max,
                  .from = self_,
                  .to = name,
                  .priority = priority,
                  .delivery = Delivery::best_effort};
  rng_.fill(message.id.bytes);
  VIVIM_CO_TRY(message.clock, member.buffer.stamp(self_));
  message.payload =
      member.circle.seal(self_, name, payload, [this](MutableBytes out) { rng_.fill(out); });
  VIVIM_CO_TRY(const auto envelope, seal(signer_, message));
  // Before anybody hears it: after a crash the next message must not have this number again.
  VIVIM_CO_TRYV(co_await store_.write([&](store::Database& database) {
    return log_said(database, topic.circle, message, envelope, options_.log);
  }));
  if (const auto found = members_.find(topic.circle); found != members_.end()) {
    (void)found->second->kept.raise(self_, message.clock.at(self_));
  }
  VIVIM_CO_TRYV(gossip_.publish(name, envelope));
  ++counts_.published;
  co_return message.id;
}

TopicVerdict Circles::take(std::string_view topic, BytesView data) {
  const auto parsed = CircleTopic::parse(topic);
  const auto found = parsed ? members_.find(parsed->circle) : members_.end();
  if (found == members_.end()) {
    return TopicVerdict::ignore;
  }
  auto opened = open(data);
  if (!opened || opened->message.topic() == nullptr || *opened->message.topic() != topic) {
    ++counts_.refused;
    return TopicVerdict::reject;
  }
  switch (take_in(*found->second, *parsed, std::move(opened->message), data, Way::gossip)) {
    case Came::fresh:
      return TopicVerdict::accept;
    case Came::refused:
      return TopicVerdict::reject;
    case Came::own:
    case Came::known:
    case Came::over:
    case Came::throttled:
      break;
  }
  return TopicVerdict::ignore;
}

Circles::Came Circles::take_in(Member& member, const CircleTopic& topic, Message message,
                               BytesView envelope, Way way) {
  if (message.from == self_) {
    return take_own(member, message);
  }
  const std::pair key(message.from, message.id);
  if (recent_.find(key) != nullptr || member.envelopes.contains(key)) {
    ++counts_.known;
    return Came::known;
  }
  if (!check_time(message, loop_.clock().wall_now_ms())) {
    ++counts_.refused;
    return Came::over;
  }
  // What is counted must reach the disk: others are not asked for it again.
  if (writing_ >= options_.writing_max) {
    ++counts_.throttled;
    return Came::throttled;
  }
  // What we asked for comes as fast as we ask.
  if (way == Way::gossip && !rates_.take(message.from, loop_.clock().now().time_since_epoch())) {
    ++counts_.throttled;
    return Came::throttled;
  }
  auto plain = member.circle.open(message.from, topic.to_text(), message.payload);
  if (!plain) {
    ++counts_.refused;
    return Came::refused;
  }
  message.payload = std::move(*plain);
  recent_.put(key, true);
  member.envelopes[key] = to_bytes(envelope);
  counts_.caught_up += way == Way::asked ? 1 : 0;
  deliver(member, member.buffer.add(std::move(message), loop_.clock().now()));
  arm();
  return Came::fresh;
}

/// After we left and joined again, or went back to an older database, others know numbers of ours
/// that we do not, and would take the next message for an old one.
Circles::Came Circles::take_own(Member& member, const Message& message) {
  const auto number = message.clock.at(self_);
  if (number <= member.kept.at(self_)) {
    ++counts_.known;
    return Came::known;
  }
  (void)member.buffer.said(self_, number);
  (void)member.kept.raise(self_, number);
  return Came::own;
}

void Circles::deliver(Member& member, std::vector<Ordered> messages) {
  for (auto& [message, order] : messages) {
    counts_.gaps += order == Order::gap || order == Order::late ? 1 : 0;
    const std::pair key(message.from, message.id);
    auto node = member.envelopes.extract(key);
    auto envelope = node.empty() ? Bytes() : std::move(node.mapped());
    auto topic = *CircleTopic::parse(*message.topic());
    const bool queued = to_write_.try_send(
        {.said = {.topic = std::move(topic), .message = std::move(message), .order = order},
         .envelope = std::move(envelope)});
    VIVIM_ASSERT(queued || tasks_.stopping());
    writing_ += queued ? 1 : 0;
  }
}

void Circles::arm() {
  std::optional<rt::TimePoint> first;
  for (const auto& [id, member] : members_) {
    const auto due = member->buffer.next_deadline();
    if (due && (!first || *due < *first)) {
      first = due;
    }
  }
  if (first) {
    timer_->expire_at(*first);
  }
}

rt::Co<void> Circles::wait_for_gaps() {
  while (!tasks_.stopping()) {
    (void)co_await timer_->wait();
    if (tasks_.stopping()) {
      co_return;
    }
    const auto now = loop_.clock().now();
    for (const auto& [id, member] : members_) {
      deliver(*member, member->buffer.on_deadline(now));
    }
    timer_->expire_at(now + options_.causal.wait_max);
    arm();
  }
}

rt::Co<void> Circles::write_all() {
  while (const auto heard = co_await to_write_.receive()) {
    co_await keep(*heard);
    if (--writing_ == 0) {
      written_.set();
    }
  }
  written_.set();
}

/// One after the other, each until it is durable: were one passed over, others would not be asked
/// for it again.
rt::Co<void> Circles::keep(const Heard& heard) {
  const auto& said = heard.said;
  for (rt::Duration pause = k_retry_min; members_.contains(said.topic.circle);) {  // else we left
    const auto kept = co_await write(heard);
    failing_ = !kept;
    if (kept) {
      note(said, *kept);
      co_return;
    }
    ++counts_.retried;
    written_.set();  // nobody waits for the disk's recovery
    log::write(log::Level::warning, "circles", "what was said could not be kept",
               {{"error", kept.error().message()}});
    if (tasks_.stopping()) {
      co_return;  // it is asked for in the next life
    }
    retry_->expire_at(loop_.clock().now() + pause);
    (void)co_await retry_->wait();
    pause = std::min(2 * pause, k_retry_max);
  }
}

rt::Co<Result<store::Messages::Taken>> Circles::write(const Heard& heard) {
  using Kept = store::Messages::Taken;
  const auto& said = heard.said;
  const auto row = row_of(said, loop_.clock().wall_now_ms());
  const auto until = said.message.expires_ms() + k_clock_skew_max.count();
  const bool numbered = said.message.clock.at(said.message.from) > 0 && !heard.envelope.empty();
  co_return co_await store_.write(
      [&](store::Database& database) -> Result<Kept> {
        VIVIM_TRY(const Kept taken, store::Messages(database, options_.quota).take(row, until));
        if (!numbered) {
          return taken;
        }
        VIVIM_TRYV(store::CircleLog(database).expire(row.received));
        const auto logged =
            log_said(database, said.topic.circle, said.message, heard.envelope, options_.log);
        // We may have left meanwhile, and more members than a clock counts are heard all the same.
        if (!logged && !logged.error().is(store::StoreError::not_found) &&
            !logged.error().is(MessageError::clock_full)) {
          return fail(logged.error());
        }
        return taken;
      },
      row.payload.size() + heard.envelope.size());
}

void Circles::note(const CircleMessage& said, store::Messages::Taken kept) {
  const PeerId& from = said.message.from;
  if (const auto found = members_.find(said.topic.circle); found != members_.end()) {
    (void)found->second->kept.raise(from, said.message.clock.at(from));
  }
  if (kept != store::Messages::Taken::fresh) {
    ++counts_.known;
    return;
  }
  ++counts_.received;
  if (options_.on_message) {
    options_.on_message(said);
  }
}

void Circles::publish_metrics(libp2p::metrics::Registry& registry) const {
  using libp2p::metrics::Family;
  using libp2p::metrics::Type;
  Family(registry, "vivim_circles", Type::gauge, "circles that we are in").set(members_.size());
  Family(registry, "vivim_circle_messages_total", Type::counter,
         "messages of circles, by what became of them", "result")
      .set("published", counts_.published)
      .set("received", counts_.received)
      .set("caught_up", counts_.caught_up)
      .set("known", counts_.known)
      .set("gaps", counts_.gaps)
      .set("throttled", counts_.throttled)
      .set("refused", counts_.refused)
      .set("retried", counts_.retried);
}

}  // namespace vivim::message
