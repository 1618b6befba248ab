#include "vivim/gateway/gossip_topics.hpp"

namespace vivim::gateway {

namespace {

using libp2p::gossipsub::Delivered;
using libp2p::gossipsub::GossipsubError;

Problem no_gossip() {
  return {.kind = ProblemKind::unavailable,
          .code = "no_gossip",
          .message = "This node does not gossip.",
          .hint =
              "Set 'enabled = true' under [pubsub] in config.toml, and start it with: vivim "
              "run"};
}

Problem not_subscribed(const std::string& topic) {
  return {.kind = ProblemKind::not_found,
          .code = "not_subscribed",
          .message = "Nobody subscribed to '" + topic + "' on this node.",
          .hint = "Topics are listed by: vivim topic ls"};
}

Problem problem_of(const Error& error, const std::string& topic) {
  auto problem = Problem::from(error, "Could not use the topic '" + topic + "'");
  problem.code = "bad_topic";
  problem.kind = ProblemKind::bad_input;
  if (error.is(GossipsubError::duplicate)) {
    problem.kind = ProblemKind::conflict;
    problem.code = "duplicate_message";
    problem.hint = "Anonymous messages of the same text are one message: add a time or a number.";
  } else if (error.is(GossipsubError::too_many_topics)) {
    problem.kind = ProblemKind::refused;
    problem.code = "too_many_topics";
    problem.hint = "Leave another one: vivim topic leave TOPIC";
  }
  return problem;
}

}  // namespace

void GossipTopics::attach(libp2p::gossipsub::Service* service) {
  observed_ = {};
  service_ = service;
  if (service_ != nullptr) {
    observed_ =
        service_->observe([this](const libp2p::gossipsub::Event& event) { on_event(event); });
  }
}

void GossipTopics::on_event(const libp2p::gossipsub::Event& event) {
  const auto* it = std::get_if<Delivered>(&event);
  if (it == nullptr || !ours_.contains(it->message->topic())) {
    return;
  }
  const auto author = it->message->author();
  keep({.number = ++last_,
        .topic = std::string(it->message->topic()),
        .id = to_hex(it->message->id()),
        .author = author ? author->to_string() : std::string(),
        .data = to_bytes(it->message->data()),
        .received_ms = loop_.clock().wall_now_ms()});
}

void GossipTopics::keep(TopicMessage message) {
  events_.publish(topic_message_event(message));
  bytes_ += message.data.size();
  messages_.push_back(std::move(message));
  while (messages_.size() > k_topic_messages_max || bytes_ > k_topic_messages_bytes_max) {
    bytes_ -= messages_.front().data.size();
    messages_.pop_front();
  }
}

Co<Outcome<std::vector<TopicStatus>>> GossipTopics::topics() {
  if (service_ == nullptr) {
    co_return std::unexpected(no_gossip());
  }
  std::vector<TopicStatus> all;
  for (const auto& topic : service_->router().topics()) {
    all.push_back({.topic = topic.name,
                   .subscribed = topic.subscribed,
                   .peers = topic.peers,
                   .mesh_peers = topic.mesh});
  }
  co_return std::move(all);
}

Co<Outcome<bool>> GossipTopics::subscribe(std::string topic) {
  if (service_ == nullptr) {
    co_return std::unexpected(no_gossip());
  }
  if (ours_.contains(topic)) {
    co_return false;
  }
  if (ours_.size() >= k_api_topics_max) {
    co_return std::unexpected(
        problem_of(Error(GossipsubError::too_many_topics, k_api_topics_max), topic));
  }
  if (const auto done = service_->subscribe(topic); !done) {
    co_return std::unexpected(problem_of(done.error(), topic));
  }
  ours_.insert(std::move(topic));
  co_return true;
}

Co<Outcome<void>> GossipTopics::unsubscribe(std::string topic) {
  if (service_ == nullptr) {
    co_return std::unexpected(no_gossip());
  }
  const auto found = ours_.find(topic);
  if (found == ours_.end()) {
    co_return std::unexpected(not_subscribed(topic));
  }
  service_->unsubscribe(topic);
  ours_.erase(found);
  std::erase_if(messages_, [this, &topic](const TopicMessage& message) {
    bytes_ -= message.topic == topic ? message.data.size() : 0;
    return message.topic == topic;
  });
  co_return Outcome<void>{};
}

Co<Outcome<PublishedStatus>> GossipTopics::publish(std::string topic, Bytes data) {
  if (service_ == nullptr) {
    co_return std::unexpected(no_gossip());
  }
  const auto published = service_->publish(topic, data);
  if (!published) {
    co_return std::unexpected(problem_of(published.error(), topic));
  }
  co_return PublishedStatus{.id = to_hex(published->message->id()), .peers = published->peers};
}

Co<Outcome<TopicMessages>> GossipTopics::messages(std::string topic, std::uint64_t after) {
  if (service_ == nullptr) {
    co_return std::unexpected(no_gossip());
  }
  if (!ours_.contains(topic)) {
    co_return std::unexpected(not_subscribed(topic));
  }
  TopicMessages found{.messages = {}, .last = last_};
  for (const TopicMessage& message : messages_) {
    if (message.number > after && message.topic == topic) {
      found.messages.push_back(message);
    }
  }
  co_return std::move(found);
}

}  // namespace vivim::gateway
