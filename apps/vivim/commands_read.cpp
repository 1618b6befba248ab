#include <cstdio>

#include "apps/vivim/commands.hpp"
#include "apps/vivim/conversation_view.hpp"
#include "apps/vivim/table.hpp"
#include "apps/vivim/text.hpp"
#include "apps/vivim/units.hpp"
#include "vivim/node/home.hpp"

namespace vivim::cli {

namespace {

constexpr std::uint64_t k_listed = 50;
constexpr std::uint64_t k_page = 500;

/// Conversations of as many pages as it takes.
struct Listing {
  boost::json::array conversations;
  std::string next;  ///< more follow
};

Outcome<Listing> list(Api& api, const std::string& sort, std::uint64_t limit) {
  Listing listing;
  do {
    const auto wanted = std::min(limit - listing.conversations.size(), k_page);
    std::string path = "/api/v2/conversations?sort=" + sort + "&limit=" + std::to_string(wanted);
    if (!listing.next.empty()) {
      path += "&after=" + percent_encode(listing.next);
    }
    VIVIM_TRY(const auto page, get_json(api, std::move(path)));
    for (const auto& conversation : items_at(page, "conversations")) {
      listing.conversations.push_back(conversation);
    }
    listing.next = text_at(page, "next");
  } while (!listing.next.empty() && listing.conversations.size() < limit);
  return listing;
}

std::string title_of(const Json& value) {
  const std::string title = one_line(text_at(value, "title"));
  return title.empty() ? "(untitled)" : title;
}

std::string when(const Json& value, std::string_view name, std::int64_t now_ms) {
  const auto time = number_at(value, name);
  return time && *time > 0 ? format_relative(*time, now_ms) : "";
}

std::string render_list(const Context& context, const Listing& listing) {
  if (listing.conversations.empty()) {
    return "No conversations yet. Bring some in with: vivim import FILE\n";
  }
  Table table({{.header = "ID", .style = Style::cyan},
               {.header = "UPDATED"},
               {.header = "TURNS", .align = Align::right},
               {.header = "FROM"},
               {.header = "SHARED"},
               {.header = "TITLE"}});
  for (const auto& conversation : listing.conversations) {
    table.add(
        {short_id(text_at(conversation, "id")), when(conversation, "updated", context.now_ms()),
         format_count(count_at(conversation, "turns")), one_line(text_at(conversation, "provider")),
         flag_at(conversation, "shared") ? "yes" : "", title_of(conversation)});
  }
  std::string out = table.render(context.out);
  if (!listing.next.empty()) {
    out += styled(context.out, Style::dim, "There are more. See all with: vivim ls --all") + "\n";
  }
  return out;
}

std::string render_snippet(const Terminal& terminal, const Json& hit) {
  std::string out;
  for (const auto& segment : items_at(hit, "snippet")) {
    std::string text;
    for (const char c : sanitize(text_at(segment, "text"))) {
      const bool space = c == '\n' || c == '\t' || c == ' ';
      if (!space || text.empty() || text.back() != ' ') {
        text.push_back(space ? ' ' : c);
      }
    }
    out += styled(terminal, flag_at(segment, "match") ? Style::yellow : Style::plain, text);
  }
  return out;
}

std::string render_hit(const Context& context, const Json& hit) {
  std::string out = styled(context.out, Style::cyan, short_id(text_at(hit, "conversation"))) +
                    "  " + styled(context.out, Style::bold, title_of(hit));
  std::string facts = one_line(text_at(hit, "role"));
  if (const auto time = when(hit, "time", context.now_ms()); !time.empty()) {
    facts += (facts.empty() ? "" : ", ") + time;
  }
  if (!facts.empty()) {
    out += styled(context.out, Style::dim, "  " + facts);
  }
  return out + "\n    " + render_snippet(context.out, hit) + "\n";
}

std::string render_hits(const Context& context, const Json& result) {
  std::string out;
  for (const auto& hit : items_at(result, "hits")) {
    out += render_hit(context, hit);
  }
  if (out.empty()) {
    out = "Nothing found.\n";
  }
  if (const auto pending = count_at(member(result, "indexing"), "pending"); pending > 0) {
    out += styled(context.out, Style::dim,
                  format_count_of(pending, "conversation") + " still to be indexed: ask again.") +
           "\n";
  }
  return out;
}

}  // namespace

Outcome<void> execute(Context& context, const ListArguments& arguments) {
  VIVIM_TRY(const auto api, open_api(context, ApiUse::existing));
  const bool all = arguments.all || (context.common.json && !arguments.limit);
  const std::uint64_t limit = all ? UINT64_MAX : arguments.limit.value_or(k_listed);
  VIVIM_TRY(auto listing, list(*api, arguments.sort, limit));
  if (context.common.json) {
    print_json(boost::json::object{{"conversations", std::move(listing.conversations)}});
  } else {
    print(render_list(context, listing));
  }
  return {};
}

Outcome<void> execute(Context& context, const ShowArguments& arguments) {
  VIVIM_TRY(const auto api, open_api(context, ApiUse::existing));
  const std::string path = conversation_path(arguments.id);
  VIVIM_TRY(const auto branch, get(*api, path + "?branch=" + percent_encode(arguments.branch)));
  if (context.common.json) {
    print_json(branch);
    return {};
  }
  VIVIM_TRY(const auto conversation, parse_answer(branch));
  VIVIM_TRY(const auto whole, get_json(*api, path));
  print(render_conversation(context.out, conversation, whole,
                            arguments.hidden ? HiddenTurns::shown : HiddenTurns::counted));
  return {};
}

Outcome<void> execute(Context& context, const SearchArguments& arguments) {
  std::string words;
  for (const auto& word : arguments.words) {
    words += (words.empty() ? "" : " ") + word;
  }
  VIVIM_TRY(const auto api, open_api(context, ApiUse::existing));
  VIVIM_TRY(const auto body, get(*api, "/api/v2/search?q=" + percent_encode(words) +
                                           "&sort=" + (arguments.best ? "best" : "newest") +
                                           "&limit=" + std::to_string(arguments.limit)));
  if (context.common.json) {
    print_json(body);
    return {};
  }
  VIVIM_TRY(const auto result, parse_answer(body));
  print(render_hits(context, result));
  return {};
}

Outcome<void> execute(Context& context, const ExportArguments& arguments) {
  VIVIM_TRY(const auto api, open_api(context, ApiUse::existing));
  VIVIM_TRY(const auto body,
            get(*api, conversation_path(arguments.id) + "/export?format=" + arguments.format));
  if (arguments.output.empty() || arguments.output == "-") {
    if (context.common.json && arguments.format != "json") {
      print_json(boost::json::object{{"format", arguments.format}, {"content", body}});
    } else {
      print(body);
    }
    return {};
  }
  VIVIM_TRYV(node::write_private(arguments.output, body));
  if (context.common.json) {
    print_json(boost::json::object{{"file", arguments.output}, {"bytes", body.size()}});
  } else {
    print("Wrote " + arguments.output + " (" + format_bytes(body.size()) + ").\n");
  }
  return {};
}

}  // namespace vivim::cli
