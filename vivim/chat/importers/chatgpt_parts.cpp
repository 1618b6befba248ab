#include <algorithm>
#include <array>
#include <string>

#include "vivim/chat/importers/mapping_detail.hpp"

namespace vivim::chat::detail {

namespace {

void join(std::string& text, const std::string& more) {
  if (!more.empty()) {
    text += text.empty() ? "" : "\n\n";
    text += more;
  }
}

void map_image(const JsonValue& value, TurnParts& parts) {
  const auto metadata = value["metadata"];
  MediaPart part{.kind = MediaKind::image,
                 .asset = value["asset_pointer"].string(),
                 .mime = value["mime_type"].string(),
                 .prompt = metadata["dalle"]["prompt"].string(),
                 .width = value["width"].number(),
                 .height = value["height"].number(),
                 .bytes = value["size_bytes"].number()};
  parts.media(std::move(part));
}

void map_sound(const JsonValue& value, MediaKind kind, TurnParts& parts) {
  const auto format = value["format"].string();
  const std::string_view type = kind == MediaKind::audio ? "audio/" : "video/";
  MediaPart part{.kind = kind,
                 .asset = value["asset_pointer"].string(),
                 .mime = format.empty() ? std::string() : std::string(type) + format,
                 .width = value["width"].number(),
                 .height = value["height"].number(),
                 .bytes = value["size_bytes"].number()};
  parts.media(std::move(part));
}

/// A moment of a voice conversation: sound, and perhaps a film and its frames.
void map_real_time(const JsonValue& value, TurnParts& parts) {
  if (const auto sound = value["audio_asset_pointer"]; sound.is_object()) {
    map_sound(sound, MediaKind::audio, parts);
  }
  if (const auto film = value["video_container_asset_pointer"]; film.is_object()) {
    map_sound(film, MediaKind::video, parts);
  }
  value["frames_asset_pointers"].for_each_element(
      [&](JsonValue frame) { map_image(frame, parts); });
}

/// One entry of `parts`.
void map_piece(const JsonValue& piece, TurnParts& parts) {
  const auto kind = piece["content_type"];
  if (piece.is_string()) {
    parts.words(piece.string());
  } else if (piece.is_nothing()) {
    return;
  } else if (kind.equals("text") && piece["text"].is_string()) {
    parts.words(piece["text"].string());
  } else if (kind.equals("image_asset_pointer")) {
    map_image(piece, parts);
  } else if (kind.equals("audio_asset_pointer")) {
    map_sound(piece, MediaKind::audio, parts);
  } else if (kind.equals("video_asset_pointer") || kind.equals("video_container_asset_pointer")) {
    map_sound(piece, MediaKind::video, parts);
  } else if (kind.equals("real_time_user_audio_video_asset_pointer")) {
    map_real_time(piece, parts);
  } else if (kind.equals("audio_transcription")) {
    parts.add(MediaPart{.kind = MediaKind::audio, .text = piece["text"].string()});
  } else {
    parts.unknown(kind.is_string() ? kind.string() : "part", piece);
  }
}

void map_pieces(const JsonValue& content, TurnParts& parts) {
  if (content["parts"].is_array()) {
    content["parts"].for_each_element([&](JsonValue piece) { map_piece(piece, parts); });
  } else if (content["text"].is_string()) {
    parts.words(content["text"].string());
  } else {
    parts.unknown(content["content_type"].string(), content);
  }
}

void map_code(const JsonValue& content, TurnParts& parts) {
  parts.add(CodePart{.language = content["language"].string(), .text = content["text"].string()});
}

void map_output(const JsonValue& content, TurnParts& parts) {
  parts.add(OutputPart{.text = content["text"].string()});
}

void map_quote(const JsonValue& content, TurnParts& parts) {
  auto text = content["text"].string();
  parts.add(QuotePart{.url = content["url"].string(),
                      .domain = content["domain"].string(),
                      .title = content["title"].string(),
                      .text = text.empty() ? content["snippet"].string() : std::move(text)});
}

void map_browsing(const JsonValue& content, TurnParts& parts) {
  parts.add(
      BrowsingPart{.text = content["result"].string(), .summary = content["summary"].string()});
}

void map_thoughts(const JsonValue& content, TurnParts& parts) {
  ThoughtsPart part{.text = content["text"].string()};
  content["thoughts"].for_each_element([&](JsonValue thought) {
    part.thoughts.push_back(
        {.summary = thought["summary"].string(), .content = thought["content"].string()});
  });
  parts.add(std::move(part));
}

void map_recap(const JsonValue& content, TurnParts& parts) {
  auto text = content["content"].string();
  parts.add(RecapPart{.text = text.empty() ? content["text"].string() : std::move(text)});
}

void map_context(const JsonValue& content, TurnParts& parts) {
  ContextPart part;
  for (const auto* key : {"user_profile", "user_instructions", "model_set_context", "repo_summary",
                          "structured_context"}) {
    join(part.text, content[key].string());
  }
  parts.add(std::move(part));
}

void map_app(const JsonValue& content, TurnParts& parts) {
  ContextPart part;
  join(part.text, content["shared_prefix"].string());
  content["workspaces"].for_each_element([&](JsonValue workspace) {
    join(part.text, workspace["app_name"].string());
    join(part.text, workspace["title"].string());
  });
  content["context_parts"].for_each_element([&](JsonValue piece) {
    join(part.text, piece.is_string() ? piece.string() : piece["text"].string());
  });
  if (part.text.empty()) {
    parts.unknown(content["content_type"].string(), content);
  } else {
    parts.add(std::move(part));
  }
}

void map_error(const JsonValue& content, TurnParts& parts) {
  parts.add(ErrorPart{.text = content["text"].string(), .name = content["name"].string()});
}

void map_computer(const JsonValue& content, TurnParts& parts) {
  if (const auto screen = content["screenshot"]; screen.is_object()) {
    map_image(screen, parts);
  }
  parts.add(ToolResultPart{.name = "computer",
                           .id = content["computer_id"].string(),
                           .output = json_of(content["state"])});
}

struct ContentType {
  std::string_view name;
  void (*map)(const JsonValue& content, TurnParts& parts);
};

constexpr std::array<ContentType, 15> k_types{{
    {"text", map_pieces},
    {"multimodal_text", map_pieces},
    {"code", map_code},
    {"execution_output", map_output},
    {"tether_quote", map_quote},
    {"sonic_webpage", map_quote},
    {"tether_browsing_display", map_browsing},
    {"thoughts", map_thoughts},
    {"reasoning_recap", map_recap},
    {"user_editable_context", map_context},
    {"model_editable_context", map_context},
    {"app_pairing_content", map_app},
    {"system_error", map_error},
    {"computer_output", map_computer},
    {"image_asset_pointer", map_image},
}};

void map_content(const JsonValue& content, TurnParts& parts) {
  const auto kind = content["content_type"].string();
  const auto* const found = std::ranges::find(k_types, kind, &ContentType::name);
  if (found != k_types.end()) {
    found->map(content, parts);
  } else if (!content.is_nothing()) {
    parts.unknown(kind.empty() ? "content" : kind, content);
  }
}

void map_citation(const JsonValue& citation, TurnParts& parts) {
  const auto source = citation["metadata"];
  parts.add(CitationPart{.url = source["url"].string(),
                         .title = source["title"].string(),
                         .text = source["text"].string(),
                         .start = citation["start_ix"].number(),
                         .end = citation["end_ix"].number()});
}

void add_reference(const JsonValue& source, const JsonValue& reference, TurnParts& parts) {
  auto text = source["snippet"].string();
  auto title = source["title"].string();
  parts.add(CitationPart{.url = source["url"].string(),
                         .title = title.empty() ? source["name"].string() : std::move(title),
                         .text = text.empty() ? source["alt"].string() : std::move(text),
                         .start = reference["start_idx"].number(),
                         .end = reference["end_idx"].number()});
}

/// A place in the words and what it refers to: one source, or several in `items` or `sources`.
void map_reference(const JsonValue& reference, TurnParts& parts) {
  bool found = false;
  for (const auto* list : {"items", "sources"}) {
    reference[list].for_each_element([&](JsonValue source) {
      found = true;
      add_reference(source, reference, parts);
    });
  }
  if (!found) {
    add_reference(reference, reference, parts);
  }
}

/// "file-service://file-abc" and "file-abc" are the same file.
std::string_view asset_name(std::string_view asset) {
  const auto scheme = asset.find("://");
  return scheme == std::string_view::npos ? asset : asset.substr(scheme + 3);
}

MediaPart* find_media(Turn& turn, std::string_view asset) {
  for (auto& part : turn.parts) {
    auto* media = std::get_if<MediaPart>(&part);
    if (media != nullptr && !asset.empty() && asset_name(media->asset) == asset) {
      return media;
    }
  }
  return nullptr;
}

/// The list of files says more about those that are also parts.
void map_attachment(const JsonValue& attachment, TurnParts& parts) {
  const auto id = attachment["id"].string();
  auto mime = attachment["mime_type"].string();
  if (mime.empty()) {
    mime = attachment["mimeType"].string();
  }
  if (auto* known = find_media(parts.turn(), id)) {
    known->name = attachment["name"].string();
    known->mime = known->mime.empty() ? mime : known->mime;
    return;
  }
  parts.media({.kind = media_kind(mime),
               .asset = id,
               .mime = mime,
               .name = attachment["name"].string(),
               .width = attachment["width"].number(),
               .height = attachment["height"].number(),
               .bytes = attachment["size"].number()});
}

/// Pictures that code drew.
void map_drawing(const JsonValue& drawing, TurnParts& parts) {
  if (drawing["message_type"].equals("image") && drawing["image_url"].is_string()) {
    parts.media({.kind = MediaKind::image,
                 .asset = drawing["image_url"].string(),
                 .width = drawing["width"].number(),
                 .height = drawing["height"].number()});
  }
}

}  // namespace

void chatgpt_parts(const JsonValue& message, TurnParts& parts) {
  map_content(message["content"], parts);
  const auto metadata = message["metadata"];
  metadata["aggregate_result"]["messages"].for_each_element(
      [&](JsonValue drawing) { map_drawing(drawing, parts); });
  metadata["citations"].for_each_element(
      [&](JsonValue citation) { map_citation(citation, parts); });
  metadata["content_references"].for_each_element(
      [&](JsonValue reference) { map_reference(reference, parts); });
  metadata["attachments"].for_each_element(
      [&](JsonValue attachment) { map_attachment(attachment, parts); });
}

}  // namespace vivim::chat::detail
