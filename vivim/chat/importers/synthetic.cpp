#include "vivim/chat/importers/synthetic.hpp"

#include <array>

#include "vivim/chat/json_writer.hpp"

namespace vivim::chat {

namespace {

/// SplitMix64 (S. Vigna, public domain description): small, and the same everywhere.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15U;
    auto z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }

 private:
  std::uint64_t state_;
};

constexpr std::array<std::string_view, 40> k_words = {"the",
                                                      "document",
                                                      "of",
                                                      "a",
                                                      "conversation",
                                                      "that",
                                                      "merges",
                                                      "without",
                                                      "conflict",
                                                      "because",
                                                      "every",
                                                      "edit",
                                                      "has",
                                                      "its",
                                                      "own",
                                                      "place",
                                                      "therefore",
                                                      "we",
                                                      "measure",
                                                      "twice",
                                                      "and",
                                                      "**bold**",
                                                      "`code`",
                                                      "caf\xc3\xa9",
                                                      "\xf0\x9f\x98\x80",
                                                      "\xe6\x97\xa5\xe6\x9c\xac",
                                                      "latency",
                                                      "throughput",
                                                      "is",
                                                      "bounded",
                                                      "by",
                                                      "memory",
                                                      "which",
                                                      "grows",
                                                      "slowly",
                                                      "with",
                                                      "\"quoted\"",
                                                      "users,",
                                                      "models.",
                                                      "\n\n- item"};

class Maker {
 public:
  Maker(const SyntheticOptions& options, const std::function<void(std::string_view)>& write)
      : options_(options), write_(write), dice_(options.seed) {}

  void run() {
    write_("[");
    std::uint64_t done = 0;
    while (done == 0 || done < options_.bytes) {
      text_.clear();
      JsonWriter writer(text_);
      options_.claude ? claude(writer) : chatgpt(writer);
      std::string piece = done == 0 ? "" : ",";
      piece += options_.indented ? indent(text_) : text_;
      write_(piece);
      done += piece.size();
    }
    write_("]");
  }

 private:
  std::string id() {
    constexpr std::string_view k_hex = "0123456789abcdef";
    std::string out(36, '-');
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (i != 8 && i != 13 && i != 18 && i != 23) {
        out[i] = k_hex[dice_.below(16)];
      }
    }
    return out;
  }

  std::string words(std::uint64_t most) {
    std::string out;
    for (auto n = 1 + dice_.below(most); n > 0; --n) {
      out += k_words.at(dice_.below(k_words.size()));
      out += ' ';
    }
    return out;
  }

  static void member(JsonWriter& writer, std::string_view key, std::string_view text) {
    writer.key(key);
    writer.string(text);
  }

  void chatgpt(JsonWriter& writer) {
    const double time = 1.7e9 + static_cast<double>(dice_.below(100'000'000));
    std::vector<std::string> ids{"client-created-root"};
    for (auto n = 2 + dice_.below(40); n > 0; --n) {
      ids.push_back(id());
    }
    writer.begin_object();
    member(writer, "title", words(8));
    member(writer, "conversation_id", id());
    writer.key("create_time");
    writer.number(time);
    writer.key("update_time");
    writer.number(time + 1000);
    member(writer, "current_node", ids.back());
    member(writer, "default_model_slug", "gpt-5-2");
    writer.key("mapping");
    writer.begin_object();
    for (std::size_t i = 0; i < ids.size(); ++i) {
      node(writer, ids, i, time);
    }
    writer.end_object();
    writer.end_object();
  }

  /// A line of turns where every eighth begins a branch: its parent is two further up.
  static std::size_t parent_of(std::size_t i) { return i % 8 == 0 && i > 8 ? i - 3 : i - 1; }

  void node(JsonWriter& writer, const std::vector<std::string>& ids, std::size_t i, double time) {
    writer.key(ids[i]);
    writer.begin_object();
    member(writer, "id", ids[i]);
    writer.key("message");
    i == 0 ? writer.null() : message(writer, ids[i], i, time);
    writer.key("parent");
    i == 0 ? writer.null() : writer.string(ids[parent_of(i)]);
    writer.key("children");
    writer.begin_array();
    for (std::size_t child = i + 1; child < ids.size() && child <= i + 3; ++child) {
      if (parent_of(child) == i) {
        writer.string(ids[child]);
      }
    }
    writer.end_array();
    writer.end_object();
  }

  void message(JsonWriter& writer, const std::string& own, std::size_t i, double time) {
    constexpr std::array<std::string_view, 4> k_roles = {"system", "user", "assistant", "tool"};
    const auto role = i == 1 ? 0 : dice_.one_in(8) ? 3 : 1 + i % 2;
    writer.begin_object();
    member(writer, "id", own);
    writer.key("author");
    writer.raw(R"({"role":")" + std::string(k_roles.at(role)) + R"(","name":null,"metadata":{}})");
    writer.key("create_time");
    writer.number(time + static_cast<double>(i) * 7.25);
    writer.key("update_time");
    writer.null();
    writer.key("content");
    content(writer, role);
    writer.raw(
        R"("status":"finished_successfully","end_turn":true,"weight":1.0,"recipient":"all","channel":null)");
    writer.key("metadata");
    metadata(writer, role);
    writer.end_object();
  }

  void content(JsonWriter& writer, std::size_t role) {
    writer.begin_object();
    if (role == 3) {
      member(writer, "content_type", dice_.one_in(2) ? "tether_quote" : "execution_output");
      member(writer, "url", "https://example.org/page");
      member(writer, "title", words(5));
      member(writer, "text", words(900));
    } else if (role == 2 && dice_.one_in(6)) {
      member(writer, "content_type", "thoughts");
      writer.key("thoughts");
      writer.begin_array();
      writer.begin_object();
      member(writer, "summary", words(6));
      member(writer, "content", words(120));
      writer.end_object();
      writer.end_array();
    } else {
      pieces(writer, role);
    }
    writer.end_object();
  }

  void pieces(JsonWriter& writer, std::size_t role) {
    const bool picture = dice_.one_in(15);
    member(writer, "content_type", picture ? "multimodal_text" : "text");
    writer.key("parts");
    writer.begin_array();
    if (picture) {
      writer.raw(
          R"({"content_type":"image_asset_pointer","asset_pointer":"sediment://file_00000000069c7246",)"
          R"("width":1024,"height":1536,"size_bytes":2497545,"metadata":{"dalle":{"prompt":""}}})");
    }
    writer.string(role == 0 ? "" : words(role == 1 ? 80 : 700));
    writer.end_array();
  }

  void metadata(JsonWriter& writer, std::size_t role) {
    writer.begin_object();
    if (role == 0) {
      writer.key("is_visually_hidden_from_conversation");
      writer.boolean(true);
    }
    if (role >= 2) {
      member(writer, "model_slug", "gpt-5-2");
      member(writer, "request_id", id());
      writer.raw(
          R"("finish_details":{"type":"stop","stop_tokens":[200002]},"is_complete":true,"citations":[],"content_references":[])");
    }
    member(writer, "turn_exchange_id", id());
    writer.end_object();
  }

  void claude(JsonWriter& writer) {
    writer.begin_object();
    member(writer, "uuid", id());
    member(writer, "name", words(8));
    member(writer, "created_at", "2026-03-29T07:06:34.500000Z");
    member(writer, "updated_at", "2026-03-29T08:06:34.500000Z");
    writer.key("chat_messages");
    writer.begin_array();
    std::string parent = "00000000-0000-4000-8000-000000000000";
    for (auto n = 2 + dice_.below(30); n > 0; --n) {
      parent = claude_message(writer, parent, n % 2 == 0);
    }
    writer.end_array();
    writer.end_object();
  }

  std::string claude_message(JsonWriter& writer, const std::string& parent, bool human) {
    auto own = id();
    writer.begin_object();
    member(writer, "uuid", own);
    member(writer, "sender", human ? "human" : "assistant");
    member(writer, "created_at", "2026-03-29T07:06:35.552627Z");
    member(writer, "parent_message_uuid", parent);
    writer.key("content");
    writer.begin_array();
    if (!human && dice_.one_in(3)) {
      writer.begin_object();
      member(writer, "type", "tool_use");
      member(writer, "name", "search");
      writer.key("input");
      writer.raw(R"({"query":"latest news","limit":10})");
      writer.end_object();
    }
    writer.begin_object();
    member(writer, "type", "text");
    member(writer, "text", words(human ? 80 : 700));
    writer.end_object();
    writer.end_array();
    writer.raw(R"("attachments":[],"files":[])");
    writer.end_object();
    return own;
  }

  /// Four spaces a level and a line for each value, as a pretty-printer does.
  static std::string indent(std::string_view json) {
    std::string out;
    std::size_t depth = 1;
    bool quoted = false;
    const auto line = [&] {
      out += '\n';
      out.append(depth * 2, ' ');
    };
    for (std::size_t i = 0; i < json.size(); ++i) {
      const char c = json[i];
      if (quoted || c == '"') {
        quoted = c == '"' ? !quoted : true;
        out += c;
        if (c == '\\') {
          out += json[++i];
        }
        continue;
      }
      if (c == '}' || c == ']') {
        --depth;
        line();
      }
      out += c;
      if (c == '{' || c == '[') {
        ++depth;
        line();
      } else if (c == ',') {
        line();
      } else if (c == ':') {
        out += ' ';
      }
    }
    return out;
  }

  const SyntheticOptions& options_;
  const std::function<void(std::string_view)>& write_;
  Dice dice_;
  std::string text_;
};

}  // namespace

void write_synthetic_export(const SyntheticOptions& options,
                            const std::function<void(std::string_view piece)>& write) {
  Maker(options, write).run();
}

}  // namespace vivim::chat
