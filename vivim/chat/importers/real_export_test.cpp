// The real export, node by node, against an independent reading by Boost.JSON.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include <boost/json.hpp>
#include <doctest/doctest.h>

#include "cmake/test_paths.hpp"
#include "vivim/chat/importers/test_support_detail.hpp"
#include "vivim/chat/tree.hpp"

using namespace vivim;
using namespace vivim::chat;
namespace json = boost::json;

namespace {

std::optional<std::string> real_export() {
  const auto path = test_paths::shared_data() + "/chatgpt-export/conversations.json";
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    return std::nullopt;
  }
  return std::string(std::istreambuf_iterator<char>(in), {});
}

std::string text_or_empty(const json::value& value) {
  return value.is_string() ? std::string(value.as_string()) : std::string();
}

/// The words that a message's content has, as the source has them.
std::string expected_words(const json::object& content) {
  std::string words;
  if (const auto* parts = content.if_contains("parts")) {
    for (const auto& part : parts->as_array()) {
      if (part.is_string() && !part.as_string().empty()) {
        words += (words.empty() ? "" : "\n\n") + std::string(part.as_string());
      }
    }
  }
  return words;
}

std::size_t expected_parts(const json::object& message) {
  const auto& content = message.at("content").as_object();
  std::size_t count = 0;
  if (const auto* parts = content.if_contains("parts")) {
    bool words = false;
    for (const auto& part : parts->as_array()) {
      count += part.is_object() ? 1 : 0;
      words = words || part.is_string();
    }
    count += words ? 1 : 0;
  } else {
    count = 1;
  }
  const auto& metadata = message.at("metadata").as_object();
  for (const auto* list : {"attachments", "citations"}) {
    if (const auto* values = metadata.if_contains(list)) {
      count += values->as_array().size();
    }
  }
  if (const auto* references = metadata.if_contains("content_references")) {
    for (const auto& reference : references->as_array()) {
      std::size_t sources = 0;
      for (const auto* list : {"items", "sources"}) {
        if (const auto* values = reference.as_object().if_contains(list);
            values && values->is_array()) {
          sources += values->as_array().size();
        }
      }
      count += std::max<std::size_t>(1, sources);
    }
  }
  return count;
}

void check_message(const Turn& turn, const json::object& message) {
  const auto& author = message.at("author").as_object();
  CHECK(role_name(turn.role) == text_or_empty(author.at("role")));
  CHECK(turn.name == text_or_empty(author.at("name")));
  const auto& time = message.at("create_time");
  CHECK(turn.time.has_value() == time.is_number());
  if (turn.time) {
    CHECK(*turn.time == doctest::Approx(time.to_number<double>() * 1000).epsilon(1e-15));
  }
  const auto& metadata = message.at("metadata").as_object();
  if (const auto* model = metadata.if_contains("model_slug")) {
    CHECK(turn.model == text_or_empty(*model));
  }
  if (const auto* hidden = metadata.if_contains("is_visually_hidden_from_conversation")) {
    CHECK((turn.hidden || hidden->as_bool() == false));
  }
  CHECK(turn.text == expected_words(message.at("content").as_object()));
  CHECK(turn.parts.size() == expected_parts(message));
  const auto recipient = text_or_empty(message.at("recipient"));
  CHECK(turn.recipient == (recipient == "all" ? "" : recipient));
  CHECK(turn.channel == text_or_empty(message.at("channel")));
}

void check_node(const Turn& turn, const json::object& node, const json::object& mapping,
                std::string_view raw) {
  CHECK(json::parse(raw) == json::value(node));
  CHECK(turn.content == ContentId::of(as_bytes(raw)).to_text());
  CHECK(turn.parent.value_or("") == text_or_empty(node.at("parent")));
  if (turn.parent) {
    const auto& children = mapping.at(*turn.parent).as_object().at("children").as_array();
    REQUIRE(turn.index.has_value());
    CHECK(text_or_empty(children.at(static_cast<std::size_t>(*turn.index))) == turn.id);
  }
  if (node.at("message").is_object()) {
    check_message(turn, node.at("message").as_object());
  } else {
    CHECK(turn.role == Role::none);
    CHECK(turn.parts.empty());
  }
}

void check_conversation(const Imported& imported, const json::object& source) {
  const auto& conversation = imported.conversation;
  CHECK(conversation.title == text_or_empty(source.at("title")));
  CHECK(conversation.current == text_or_empty(source.at("current_node")));
  CHECK(conversation.model == text_or_empty(source.at("default_model_slug")));
  CHECK(conversation.created == source.at("create_time").as_double() * 1000);
  CHECK(conversation.updated == source.at("update_time").as_double() * 1000);
  CHECK(conversation.provenance.original_id == text_or_empty(source.at("conversation_id")));
  CHECK(conversation.provenance.title == conversation.title);
  const auto& mapping = source.at("mapping").as_object();
  REQUIRE(conversation.turns.size() == mapping.size());
  REQUIRE(imported.blocks.size() == mapping.size() + 1);
  for (std::size_t i = 0; i < conversation.turns.size(); ++i) {
    const auto& turn = conversation.turns[i];
    REQUIRE(mapping.contains(turn.id));
    check_node(turn, mapping.at(turn.id).as_object(), mapping, imported.blocks[i].bytes);
  }
  auto without_turns = source;
  without_turns["mapping"] = json::object();
  CHECK(json::parse(std::string_view(imported.blocks.back().bytes)) == json::value(without_turns));
  CHECK(conversation.provenance.source == imported.blocks.back().id.to_text());
  CHECK(Tree(conversation).main_branch().back() == Tree(conversation).find(conversation.current));
}

}  // namespace

TEST_CASE("the real export: every node, role, part and time") {
  const auto text = real_export();
  if (!text) {
    MESSAGE("skipped: no real export");
    return;
  }
  KeepingSink sink;
  MemoryExport files({{"conversations.json", *text}});
  const auto report = import_files(files, "real", sink);
  REQUIRE(report.has_value());
  const auto source = json::parse(*text).as_array();
  REQUIRE(sink.conversations.size() == source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    check_conversation(sink.conversations[i], source[i].as_object());
  }
  CHECK(report->turns == 38);
  CHECK(report->failed == 0);
  CHECK(report->unknown_kinds.empty());
  CHECK(report->providers == std::vector<std::string>{"chatgpt"});
  CHECK(report->bytes < text->size());
  std::map<std::string, std::uint64_t> types = report->parts_by_type;
  CHECK(types["quote"] == 5);
  CHECK(types["browsing"] == 3);
  CHECK(types["code"] == 2);
  CHECK(types["image"] == 2);
  CHECK(report->attachments_missing > 0);
}

TEST_CASE("the real export from the disk, with progress") {
  const auto path = test_paths::shared_data() + "/chatgpt-export";
  if (!std::filesystem::exists(path)) {
    MESSAGE("skipped: no real export");
    return;
  }
  KeepingSink sink;
  std::uint64_t seen = 0;
  std::uint64_t all = 0;
  const auto report =
      import_export(path, sink, {.progress = [&](std::uint64_t bytes, std::uint64_t total) {
                      CHECK(bytes >= seen);
                      seen = bytes;
                      all = total;
                    }});
  REQUIRE(report.has_value());
  CHECK(report->conversations == 3);
  CHECK(seen == all);
  CHECK(seen == std::filesystem::file_size(path + "/conversations.json"));
}

TEST_CASE("the real export, cut at every 997th byte: what came before is kept") {
  const auto text = real_export();
  if (!text) {
    MESSAGE("skipped: no real export");
    return;
  }
  KeepingSink whole;
  MemoryExport all({{"conversations.json", *text}});
  REQUIRE(import_files(all, "real", whole).has_value());
  std::vector<std::size_t> ends;
  std::size_t at = 0;
  for (const auto& imported : whole.conversations) {
    const std::string_view element(imported.source.data(), imported.source.size());
    at = text->find(element, at) + element.size();
    ends.push_back(at);
  }
  for (std::size_t cut = 0; cut < text->size(); cut += 997) {
    KeepingSink sink;
    MemoryExport files({{"conversations.json", text->substr(0, cut)}});
    const auto report = import_files(files, "cut", sink);
    const auto complete = static_cast<std::size_t>(
        std::ranges::count_if(ends, [&](std::size_t end) { return end <= cut; }));
    REQUIRE(sink.conversations.size() == complete);
    REQUIRE(report.has_value() == (complete > 0));
    if (report) {
      REQUIRE(report->failed == 1);
      CHECK(report->failures[0].byte == cut);
      CHECK(report->failures[0].line > 1);
    } else {
      CHECK(report.error().kind == ProblemKind::bad_input);
      CHECK_FALSE(report.error().hint.empty());
    }
  }
}
