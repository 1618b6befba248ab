#include "word_edits.hpp"

namespace vivim::sim {

using std::chrono_literals::operator""ms;

rt::Co<void> WordEdits::edit(std::size_t who, rt::TimePoint deadline, rt::Duration interval) {
  auto& rng = stage_.world().rng();
  for (std::size_t number = 0; stage_.world().now() < deadline; ++number) {
    co_await stage_.pause_between(1ms, 2 * interval);
    if (!editors_.at(who).running()) {
      continue;
    }
    const std::size_t document = rng.below(editors_.documents());
    auto word = std::to_string(who) + "." + std::to_string(number);
    const auto place = rng.u64();
    if (co_await editors_.edit(who, document, word, place)) {
      acknowledged_[document].push_back(std::move(word));
      ++acknowledged_count_;
    } else {
      ++unanswered_;
    }
  }
}

rt::Co<std::optional<std::string>> WordEdits::difference() {
  for (std::size_t document = 0; document < editors_.documents(); ++document) {
    const auto first = co_await editors_.encoded(0, document);
    for (std::size_t who = 0; who < editors_.size(); ++who) {
      const auto other = co_await editors_.encoded(who, document);
      if (!first || !other) {
        co_return "a document cannot be opened after the last restart";
      }
      if (*other != *first) {
        co_return "document " + std::to_string(document) + " differs between p0 and p" +
            std::to_string(who);
      }
    }
    const auto found = co_await editors_.words(0, document);
    if (!found) {
      co_return "a document cannot be opened after the last restart";
    }
    for (const auto& word : acknowledged_[document]) {
      const auto at = found->find(word);
      const int times = at == found->end() ? 0 : at->second;
      if (times != 1) {
        co_return "acknowledged edit " + word + " is in document " + std::to_string(document) +
            " " + std::to_string(times) + " times";
      }
    }
  }
  co_return std::nullopt;
}

}  // namespace vivim::sim
