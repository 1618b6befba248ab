// What was said in circles, for members who were away.
#include "vivim/message/circles.hpp"

namespace vivim::message {

namespace {

/// What a sealed clock is bound to: no topic has this name.
std::string clock_label(const CircleId& id) {
  return CircleTopic{.circle = id, .subtopic = {}}.to_text() + "?clock";
}

}  // namespace

rt::Co<Result<void>> Circles::forget_old() {
  const auto now = loop_.clock().wall_now_ms();
  co_return co_await store_.write([now](store::Database& database) -> Result<void> {
    VIVIM_TRYV(store::CircleLog(database).expire(now));
    return {};
  });
}

std::vector<PeerId> Circles::neighbours(const CircleId& id) const {
  const auto topic = CircleTopic{.circle = id, .subtopic = {}}.to_text();
  return gossip_.peers ? gossip_.peers(topic) : std::vector<PeerId>();
}

Result<Ask> Circles::ask(const CircleId& id) {
  const auto found = members_.find(id);
  if (found == members_.end()) {
    return fail(MessageError::unknown);
  }
  return Ask{.circle = id,
             .sealed_clock =
                 found->second->circle.seal(self_, clock_label(id), encode(found->second->kept),
                                            [this](MutableBytes out) { rng_.fill(out); })};
}

rt::Co<Result<Said>> Circles::said_since(PeerId asker, Ask ask) {
  const auto found = members_.find(ask.circle);
  if (found == members_.end()) {
    co_return fail(MessageError::unknown);
  }
  const auto opened = found->second->circle.open(asker, clock_label(ask.circle), ask.sealed_clock);
  const auto clock = opened ? decode_clock(*opened) : Result<VectorClock>(fail(opened.error()));
  if (!clock) {
    co_return fail(MessageError::unknown);  // as to those who ask for a circle that is none
  }
  const auto now = loop_.clock().wall_now_ms();
  const auto wants = [&](BytesView sender, std::uint64_t number) {
    const auto from = PeerId::from_bytes(sender);
    return from && number > clock->at(*from);  // the asker's own too: it may have forgotten
  };
  constexpr std::size_t k_framing_bytes = 4096;
  VIVIM_CO_TRY(auto rows, co_await store_.read([&](store::Database& database) {
    return store::CircleLog(database).list(ask.circle.view(), now, k_mails_max,
                                           k_mails_bytes_max - k_framing_bytes, wants);
  }));
  Said said;
  for (auto& row : rows) {
    said.envelopes.push_back(std::move(row.envelope));
  }
  co_return std::move(said);
}

rt::Co<Circles::CaughtUp> Circles::take_said(CircleId id, Said said) {
  CaughtUp caught;
  for (const auto& envelope : said.envelopes) {
    const auto found = members_.find(id);
    if (found == members_.end()) {
      co_return caught;  // we left it
    }
    auto opened = open(envelope);
    const auto* name = opened ? opened->message.topic() : nullptr;
    const auto topic = name != nullptr ? CircleTopic::parse(*name)
                                       : Result<CircleTopic>(fail(MessageError::malformed));
    if (!topic || topic->circle != id) {
      ++counts_.refused;
      caught.honest = false;
      break;
    }
    const auto came =
        take_in(*found->second, *topic, std::move(opened->message), envelope, Way::asked);
    if (came == Came::refused) {
      caught.honest = false;
      break;
    }
    if (came == Came::throttled) {
      break;  // the rest is told again
    }
    caught.fresh += came == Came::fresh || came == Came::own ? 1 : 0;
  }
  while (writing_ > 0 && !failing_ && !tasks_.stopping()) {
    written_.reset();
    co_await written_.wait();
  }
  co_return caught;
}

}  // namespace vivim::message
