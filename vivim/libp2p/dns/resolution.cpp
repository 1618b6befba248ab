#include "vivim/libp2p/dns/resolution.hpp"

#include <algorithm>
#include <span>

#include "vivim/base/assert.hpp"

namespace vivim::libp2p::dns {

namespace {

using multiformats::Component;
using multiformats::Protocol;
using Components = std::span<const Component>;

bool is_name(Protocol protocol) {
  return protocol == Protocol::dns || protocol == Protocol::dns4 || protocol == Protocol::dns6 ||
         protocol == Protocol::dnsaddr;
}

std::string text_of(Components components) {
  std::string text;
  for (const auto& component : components) {
    text += '/';
    text += component.name();
    const std::string value = component.text();
    // A path carries its own slash.
    text += value.empty() || value.starts_with('/') ? value : "/" + value;
  }
  return text;
}

/// What follows a name that was resolved: TLS keeps the name (/wss becomes /tls/sni/<name>/ws).
std::string tail_text(Components tail, const std::string& name) {
  for (std::size_t i = 0; i < tail.size(); ++i) {
    const bool named = i + 1 < tail.size() && tail[i + 1].protocol == Protocol::sni;
    if (tail[i].protocol == Protocol::wss) {
      return text_of(tail.first(i)) + "/tls/sni/" + name + "/ws" + text_of(tail.subspan(i + 1));
    }
    if (tail[i].protocol == Protocol::tls && !named && i + 1 < tail.size() &&
        tail[i + 1].protocol == Protocol::ws) {
      return text_of(tail.first(i + 1)) + "/sni/" + name + text_of(tail.subspan(i + 1));
    }
  }
  return text_of(tail);
}

bool same(const Component& a, const Component& b) {
  return a.protocol == b.protocol && same_bytes(a.value, b.value);
}

}  // namespace

bool has_name(const Multiaddr& address) {
  return std::ranges::any_of(address.components(), is_name, &Component::protocol);
}

Resolution::Resolution(const Multiaddr& address) {
  add(address, 0);
}

void Resolution::add(Multiaddr address, std::size_t depth) {
  const bool full = results_.size() >= k_results_max || seen_.size() >= k_waiting_max;
  if (full || !seen_.insert(address).second) {
    return;
  }
  const auto parts = address.components();
  const auto name = std::ranges::find_if(parts, is_name, &Component::protocol);
  if (name == parts.end()) {
    results_.push_back(std::move(address));
    return;
  }
  if (depth >= k_depth_max) {
    failure_ = Error(DnsError::too_deep, k_depth_max);
    return;
  }
  const std::string text = name->text();
  const Item item{.address = address, .depth = depth};
  if (name->protocol == Protocol::dnsaddr) {
    ask({.kind = Question::Kind::text, .name = "_dnsaddr." + text}, item);
    return;
  }
  if (name->protocol != Protocol::dns6) {
    ask({.kind = Question::Kind::v4, .name = text}, item);
  }
  if (name->protocol != Protocol::dns4) {
    ask({.kind = Question::Kind::v6, .name = text}, item);
  }
}

void Resolution::ask(Question question, Item item) {
  auto found = known_.find(question);
  if (found == known_.end()) {
    if (known_.size() >= k_questions_max) {
      failure_ = Error(DnsError::too_many, k_questions_max);
      return;
    }
    found = known_.emplace(question, Known{}).first;
    questions_.push_back(question);
  }
  if (found->second.answered) {
    apply(question, found->second, item);
  } else {
    found->second.waiting.push_back(std::move(item));
  }
}

std::optional<Question> Resolution::next_question() {
  if (questions_.empty()) {
    return std::nullopt;
  }
  std::optional<Question> question(std::move(questions_.front()));
  questions_.pop_front();
  ++asked_;
  return question;
}

void Resolution::take_addresses(const Question& question,
                                const std::vector<rt::IpAddress>& answer) {
  known_.at(question).addresses = answer;
  answered(question);
}

void Resolution::take_texts(const Question& question, const std::vector<std::string>& answer) {
  known_.at(question).texts = answer;
  answered(question);
}

void Resolution::take_failure(const Question& question, Error error) {
  failure_ = error;
  answered(question);
}

void Resolution::answered(const Question& question) {
  Known& known = known_.at(question);
  VIVIM_ASSERT(asked_ > 0 && !known.answered);
  --asked_;
  known.answered = true;
  const auto waiting = std::exchange(known.waiting, {});
  for (const auto& item : waiting) {
    apply(question, known, item);
  }
}

void Resolution::apply(const Question& question, const Known& known, const Item& item) {
  if (question.kind == Question::Kind::text) {
    for (const auto& text : known.texts) {
      apply_text(text, item);
    }
    return;
  }
  const auto parts = item.address.components();
  const auto name = std::ranges::find_if(parts, is_name, &Component::protocol);
  const auto at = static_cast<std::size_t>(name - parts.begin());
  for (const auto& ip : known.addresses) {
    const auto resolved = Multiaddr::parse(
        text_of(Components(parts).first(at)) + (ip.is_v6 ? "/ip6/" : "/ip4/") + ip.to_string() +
        tail_text(Components(parts).subspan(at + 1), name->text()));
    if (resolved) {
      add(*resolved, item.depth + 1);
    }
  }
}

void Resolution::apply_text(const std::string& text, const Item& item) {
  constexpr std::string_view k_prefix = "dnsaddr=";
  if (!text.starts_with(k_prefix)) {
    return;
  }
  const auto target = Multiaddr::parse(std::string_view(text).substr(k_prefix.size()));
  if (!target) {
    return;
  }
  const auto parts = item.address.components();
  const auto name = std::ranges::find_if(parts, is_name, &Component::protocol);
  const auto at = static_cast<std::size_t>(name - parts.begin());
  const auto suffix = Components(parts).subspan(at + 1);
  const auto found = target->components();
  if (found.size() < suffix.size() ||
      !std::ranges::equal(Components(found).last(suffix.size()), suffix, same)) {
    return;
  }
  const auto resolved = Multiaddr::parse(text_of(Components(parts).first(at)) + text_of(found));
  if (resolved) {
    add(*resolved, item.depth + 1);
  }
}

Result<std::vector<Multiaddr>> Resolution::results() const {
  if (results_.empty()) {
    return fail(failure_.value_or(Error(DnsError::no_addresses)));
  }
  return results_;
}

}  // namespace vivim::libp2p::dns
