#include "vivim/libp2p/dns/resolver.hpp"

#include <algorithm>

#include "vivim/rt/error.hpp"
#include "vivim/rt/task_group.hpp"
#include "vivim/rt/wait.hpp"

namespace vivim::libp2p::dns {

struct DnsAddressResolver::Work {
  Work(rt::Loop& loop, const Multiaddr& address, rt::TimePoint until_)
      : resolution(address), answered(loop), until(until_) {}

  Resolution resolution;
  rt::Event answered;
  rt::TimePoint until;
};

rt::Co<Result<std::vector<Multiaddr>>> DnsAddressResolver::resolve(Multiaddr address,
                                                                   rt::Duration timeout) {
  Work work(loop_, address, loop_.clock().now() + timeout);
  rt::TaskGroup questions(loop_);
  const auto cancels = cancels_;
  while (!work.resolution.done()) {
    if (cancels != cancels_) {
      co_await questions.stop();
      co_return fail(rt::RtError::closed);
    }
    work.answered.reset();
    while (auto question = work.resolution.next_question()) {
      questions.spawn("dns question", ask(work, std::move(*question)));
    }
    co_await work.answered.wait();
  }
  co_await questions.stop();
  co_return work.resolution.results();
}

rt::Co<void> DnsAddressResolver::ask(Work& work, Question question) {
  const rt::Duration left = work.until - loop_.clock().now();
  const rt::Duration time = std::clamp<rt::Duration>(left, rt::Duration(0), question_max_);
  if (question.kind == Question::Kind::text) {
    const auto texts = co_await resolver_.texts(question.name, time);
    texts ? work.resolution.take_texts(question, *texts)
          : work.resolution.take_failure(question, texts.error());
  } else {
    const auto family =
        question.kind == Question::Kind::v4 ? rt::AddressFamily::v4 : rt::AddressFamily::v6;
    const auto addresses = co_await resolver_.addresses(question.name, family, time);
    addresses ? work.resolution.take_addresses(question, *addresses)
              : work.resolution.take_failure(question, addresses.error());
  }
  work.answered.set();
}

}  // namespace vivim::libp2p::dns
