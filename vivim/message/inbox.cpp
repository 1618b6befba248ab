#include "vivim/message/inbox.hpp"

namespace vivim::message {

bool Inbox::is_ours(const Message& message) const {
  return message.recipient() != nullptr && *message.recipient() == self_ && message.from != self_;
}

Inbox::Judged Inbox::judge(BytesView envelope, Now now) {
  auto opened = open(envelope);
  if (!opened || !is_ours(opened->message)) {
    ++counts_.refused;
    return {.message = {}, .answer = Status::refused};
  }
  Judged judged{.message = std::move(opened->message), .answer = {}};
  const Message& message = *judged.message;
  if (recent_.find({message.from, message.id}) != nullptr) {
    ++counts_.known;
    judged.answer = Status::arrived;
  } else if (!check_time(message, now.wall_ms)) {
    // Ours may be the clock that is wrong, and what is refused is lost. Who keeps it until it
    // arrives forgets it when it is over by their own clock.
    ++counts_.untimely;
    judged.answer = Status::slow_down;
  } else if (!rates_.take(message.from, now.monotonic.time_since_epoch())) {
    ++counts_.throttled;
    judged.answer = Status::slow_down;
  }
  return judged;
}

void Inbox::taken(const Message& message) {
  ++counts_.taken;
  recent_.put({message.from, message.id}, true);
}

}  // namespace vivim::message
