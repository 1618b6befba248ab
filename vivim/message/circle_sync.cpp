#include "vivim/message/circle_sync.hpp"

#include <algorithm>

#include "vivim/libp2p/metrics/family.hpp"
#include "vivim/libp2p/transport/reset_code.hpp"

namespace vivim::message {

CircleSync::CircleSync(libp2p::Host& host, rt::Loop& loop, rt::Rng& rng, Circles& circles,
                       CircleSyncOptions options)
    : host_(host),
      loop_(loop),
      rng_(rng),
      circles_(circles),
      options_(options),
      streams_(options.streams),
      rates_(options.rates),
      timer_(loop.make_timer()),
      tasks_(loop) {}

CircleSync::~CircleSync() = default;

Result<void> CircleSync::start() {
  VIVIM_TRYV(
      host_.handle(std::string(k_circle_protocol_id),
                   [this](libp2p::InboundStream inbound) { return serve(std::move(inbound)); },
                   {.allow_limited = true}));
  tasks_.on_stop([this] { timer_->cancel(); });
  tasks_.spawn("circles: catch up", look());
  return {};
}

rt::Co<void> CircleSync::stop() {
  co_await tasks_.stop();
}

void CircleSync::ask(const PeerId& peer, const CircleId& circle) {
  if (asking_.size() < options_.asks_max && !tasks_.stopping() &&
      asking_.emplace(peer, circle).second) {
    tasks_.spawn("circle: ask", ask_one(peer, circle));
  }
}

void CircleSync::joined(const CircleId& circle) {
  constexpr std::size_t k_asked = 3;
  const auto near = circles_.neighbours(circle);
  for (std::size_t i = 0; i < std::min(k_asked, near.size()); ++i) {
    ask(near[i], circle);
  }
}

rt::Co<void> CircleSync::look() {
  for (std::size_t round = 1; !tasks_.stopping(); ++round) {
    timer_->expire_at(loop_.clock().now() + options_.interval);
    (void)co_await timer_->wait();
    if (tasks_.stopping()) {
      co_return;
    }
    for (const auto& [circle, waits] : circles_.waiting()) {
      const auto near = circles_.neighbours(circle);
      if (!near.empty() && (waits || round % options_.rounds_idle == 0)) {
        ask(near[rng_.below(near.size())], circle);
      }
    }
  }
}

rt::Co<void> CircleSync::ask_one(PeerId peer, CircleId circle) {
  co_await converse(peer, circle);
  asking_.erase({peer, circle});
}

rt::Co<void> CircleSync::converse(PeerId peer, CircleId circle) {
  const std::vector<std::string> protocols{std::string(k_circle_protocol_id)};
  auto opened = co_await host_.open_stream(peer, protocols, {.allow_limited = true});
  if (!opened) {
    co_return;
  }
  ++counts_.asked;
  Conversation conversation(std::move(opened->stream), loop_, options_.wait_max,
                            k_mails_bytes_max + k_frame_bytes_max);
  for (std::size_t i = 0; i < options_.answers_max && !tasks_.stopping(); ++i) {
    auto question = circles_.ask(circle);
    if (!question || !co_await conversation.write(std::move(*question))) {
      co_return;
    }
    auto frame = co_await conversation.read();
    auto* said = frame ? std::get_if<Said>(&*frame) : nullptr;
    if (said == nullptr) {
      co_return;
    }
    const bool more = !said->envelopes.empty();  // as far as we know: who asks again finds out
    const auto caught = co_await circles_.take_said(circle, std::move(*said));
    counts_.dishonest += caught.honest ? 0 : 1;
    if (!caught.honest) {
      co_return;
    }
    if (!more || caught.fresh == 0) {
      break;
    }
  }
  co_await conversation.finish();
}

rt::Co<void> CircleSync::serve(libp2p::InboundStream inbound) {
  const auto place = streams_.enter(inbound.peer);
  if (!place) {
    inbound.stream->reset(to_value(libp2p::ResetCode::limit_exceeded));
    co_return;
  }
  Conversation conversation(std::move(inbound.stream), loop_, options_.wait_max);
  for (std::size_t i = 0; i < options_.answers_max; ++i) {
    auto frame = co_await conversation.read_or_end();
    if (frame && !*frame) {
      co_await conversation.finish();
      co_return;
    }
    auto* question = frame ? std::get_if<Ask>(&**frame) : nullptr;
    if (question == nullptr) {
      co_return;
    }
    auto answered = co_await answer(inbound.peer, std::move(*question));
    if (!co_await conversation.write(std::move(answered))) {
      co_return;
    }
  }
}

rt::Co<Frame> CircleSync::answer(PeerId peer, Ask ask) {
  if (!rates_.take(peer, loop_.clock().now().time_since_epoch())) {
    ++counts_.throttled;
    co_return Receipt{.id = {}, .status = Status::slow_down};
  }
  auto said = co_await circles_.said_since(peer, std::move(ask));
  if (!said && said.error().is(MessageError::unknown)) {
    ++counts_.strangers;
    co_return Receipt{.id = {}, .status = Status::refused};
  }
  if (!said) {
    co_return Receipt{.id = {}, .status = Status::full};
  }
  ++counts_.answered;
  co_return std::move(*said);
}

void CircleSync::publish_metrics(libp2p::metrics::Registry& registry) const {
  using libp2p::metrics::Family;
  using libp2p::metrics::Type;
  Family(registry, "vivim_circle_questions_total", Type::counter,
         "questions for what was missed in circles, by what became of them", "result")
      .set("asked", counts_.asked)
      .set("answered", counts_.answered)
      .set("strangers", counts_.strangers)
      .set("throttled", counts_.throttled)
      .set("dishonest", counts_.dishonest);
  Family(registry, "vivim_circle_streams_refused_total", Type::counter,
         "streams refused because there were too many")
      .set(streams_.refused());
}

}  // namespace vivim::message
