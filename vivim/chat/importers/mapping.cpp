#include "vivim/chat/importers/mapping.hpp"

#include <charconv>
#include <chrono>

#include "vivim/chat/importers/error.hpp"
#include "vivim/chat/importers/mapping_detail.hpp"

namespace vivim::chat {

void ImportReport::add_failure(ImportFailure failure) {
  ++failed;
  if (failures.size() < k_failures_kept_max) {
    failures.push_back(std::move(failure));
  }
}

Provider detect_provider(const JsonValue& conversation) {
  if (conversation["mapping"].is_object()) {
    return Provider::chatgpt;
  }
  if (conversation["chat_messages"].is_array()) {
    return Provider::claude;
  }
  return Provider::unknown;
}

std::string_view provider_name(Provider provider) {
  switch (provider) {
    case Provider::chatgpt:
      return "chatgpt";
    case Provider::claude:
      return "claude";
    case Provider::unknown:
      return "unknown";
  }
  return "unknown";
}

Result<void> map_conversation(const JsonValue& root, const MapContext& context,
                              Imported& imported) {
  const auto provider = detect_provider(root);
  if (provider == Provider::unknown) {
    return fail(ImportError::not_a_conversation);
  }
  VIVIM_TRYV(provider == Provider::chatgpt ? map_chatgpt(root, context, imported)
                                           : map_claude(root, context, imported));
  auto& providers = context.report.providers;
  if (std::ranges::find(providers, provider_name(provider)) == providers.end()) {
    providers.emplace_back(provider_name(provider));
  }
  detail::count(imported.conversation, context.report);
  return {};
}

namespace {

/// Reads `digits` digits, then skips `separator` (0: none).
std::optional<int> take_number(std::string_view& text, std::size_t digits, char separator) {
  int value = 0;
  if (text.size() < digits) {
    return std::nullopt;
  }
  const auto result = std::from_chars(text.data(), text.data() + digits, value);
  if (result.ec != std::errc() || result.ptr != text.data() + digits || value < 0) {
    return std::nullopt;
  }
  text.remove_prefix(digits);
  if (separator != 0) {
    if (text.empty() || (text.front() != separator && !(separator == 'T' && text.front() == ' '))) {
      return std::nullopt;
    }
    text.remove_prefix(1);
  }
  return value;
}

/// ".552627" as milliseconds.
double take_fraction(std::string_view& text) {
  double value = 0;
  if (text.empty() || text.front() != '.') {
    return 0;
  }
  text.remove_prefix(1);
  for (double scale = 100; !text.empty() && text.front() >= '0' && text.front() <= '9';
       scale /= 10) {
    value += scale * (text.front() - '0');
    text.remove_prefix(1);
  }
  return value;
}

/// "Z", "", "+02:00": minutes to subtract.
std::optional<int> zone_minutes(std::string_view text) {
  if (text.empty() || text == "Z") {
    return 0;
  }
  const int sign = text.front() == '-' ? -1 : 1;
  if (text.front() != '+' && text.front() != '-') {
    return std::nullopt;
  }
  text.remove_prefix(1);
  const auto hours = take_number(text, 2, text.size() == 5 ? ':' : '\0');
  const auto minutes = hours && !text.empty() ? take_number(text, 2, '\0')
                       : hours                ? std::optional(0)
                                              : std::nullopt;
  if (!minutes || !text.empty()) {
    return std::nullopt;
  }
  return sign * (*hours * 60 + *minutes);
}

}  // namespace

std::optional<Time> parse_iso_time(std::string_view text) {
  const auto year = take_number(text, 4, '-');
  const auto month = year ? take_number(text, 2, '-') : std::nullopt;
  const auto day = month ? take_number(text, 2, 'T') : std::nullopt;
  const auto hour = day ? take_number(text, 2, ':') : std::nullopt;
  const auto minute = hour ? take_number(text, 2, ':') : std::nullopt;
  const auto second = minute ? take_number(text, 2, '\0') : std::nullopt;
  if (!second) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date(std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  const double fraction = take_fraction(text);
  const auto zone = zone_minutes(text);
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60 || !zone) {
    return std::nullopt;
  }
  const double days = static_cast<double>(std::chrono::sys_days(date).time_since_epoch().count());
  const int minutes = *hour * 60 + *minute - *zone;
  return ((days * 1440 + minutes) * 60 + *second) * 1000 + fraction;
}

namespace detail {

void TurnParts::words(std::string text) {
  if (!marked_) {
    marked_ = true;
    add(TextPart{});
  }
  if (text.empty()) {
    return;
  }
  if (turn_.text.empty()) {
    turn_.text = std::move(text);
  } else {
    turn_.text += "\n\n";
    turn_.text += text;
  }
}

void TurnParts::unknown(std::string kind, const JsonValue& value) {
  auto& kinds = context_.report.unknown_kinds;
  if (kinds.size() < k_unknown_kinds_max || kinds.contains(kind)) {
    ++kinds[kind];
  }
  add(UnknownPart{.kind = std::move(kind), .raw = json_of(value).text});
}

void TurnParts::media(MediaPart part) {
  if (context_.assets != nullptr && !part.asset.empty()) {
    part.cid = context_.assets->resolve(part.asset);
  }
  add(std::move(part));
}

std::string UniqueIds::take(std::string id) {
  if (taken_.insert(id).second) {
    return id;
  }
  for (int i = 2;; ++i) {
    auto unique = id + "~" + std::to_string(i);
    if (taken_.insert(unique).second) {
      return unique;
    }
  }
}

std::string add_block(Imported& imported, std::string_view bytes) {
  const auto id = ContentId::of(as_bytes(bytes));
  imported.blocks.push_back({.id = id, .bytes = bytes});
  return id.to_text();
}

void set_provenance(Imported& imported, const MapContext& context, Provider provider,
                    std::string original_id, const JsonValue& turns, std::string_view empty) {
  const std::string_view whole(imported.source.data(), imported.source.size());
  const auto begin = static_cast<std::size_t>(turns.raw().data() - whole.data());
  const auto before = whole.substr(0, begin);
  const auto after = whole.substr(begin + turns.raw().size());
  auto& head = imported.head;
  head.reserve(before.size() + empty.size() + after.size());
  for (const auto piece : {before, empty, after}) {
    head.insert(head.end(), piece.begin(), piece.end());
  }
  auto& provenance = imported.conversation.provenance;
  provenance.provider = provider_name(provider);
  provenance.source = add_block(imported, {head.data(), head.size()});
  provenance.source_hash = to_hex(ContentId::of(as_bytes(whole)).digest);
  // one without an id is known again by its content
  provenance.original_id =
      original_id.empty() ? "sha256:" + provenance.source_hash : std::move(original_id);
  provenance.imported = context.imported;
  provenance.title = imported.conversation.title;
}

void count(const Conversation& conversation, ImportReport& report) {
  ++report.conversations;
  report.turns += conversation.turns.size();
  std::vector<std::pair<std::string_view, std::uint64_t>> types;  // few: faster than the map
  for (const auto& turn : conversation.turns) {
    report.hidden_turns += turn.hidden ? 1 : 0;
    report.parts += turn.parts.size();
    for (const auto& part : turn.parts) {
      const auto type = part_type(part);
      const auto found = std::ranges::find(types, type, [](const auto& t) { return t.first; });
      found == types.end() ? void(types.emplace_back(type, 1)) : void(++found->second);
    }
  }
  for (const auto& [type, parts] : types) {
    report.parts_by_type[std::string(type)] += parts;
  }
}

Json json_of(const JsonValue& value) {
  return {.text = sanitize_utf8(value.raw())};
}

MediaKind media_kind(std::string_view mime) {
  if (mime.starts_with("image/")) {
    return MediaKind::image;
  }
  if (mime.starts_with("audio/")) {
    return MediaKind::audio;
  }
  return mime.starts_with("video/") ? MediaKind::video : MediaKind::file;
}

}  // namespace detail

}  // namespace vivim::chat
