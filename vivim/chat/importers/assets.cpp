#include "vivim/chat/importers/assets.hpp"

#include <algorithm>

namespace vivim::chat {

namespace {

bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

std::string_view base_name(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string_view asset_key(std::string_view pointer_or_name) {
  auto name = base_name(pointer_or_name.substr(0, pointer_or_name.find_first_of("#?")));
  constexpr std::size_t k_prefix = 5;
  if (!name.starts_with("file-") && !name.starts_with("file_")) {
    return name.substr(0, name.find('.'));
  }
  const auto end = std::find_if_not(name.begin() + k_prefix, name.end(), is_word);
  return {name.begin(), end};
}

Result<std::optional<Bytes>> read_member(ExportFiles& files, const ExportMember& member,
                                         std::uint64_t bytes_max) {
  if (member.size > bytes_max) {
    return std::nullopt;
  }
  VIVIM_TRY(auto source, files.open(member));
  constexpr std::size_t k_step = 256 << 10;
  Bytes bytes;
  while (bytes.size() <= bytes_max) {
    const auto had = bytes.size();
    bytes.resize(had + k_step);
    VIVIM_TRY(const auto count, source->read(MutableBytes(bytes).subspan(had)));
    bytes.resize(had + count);
    if (count == 0) {
      return std::optional(std::move(bytes));
    }
  }
  return std::nullopt;
}

Assets::Assets(ExportFiles& files, Sink& sink, ImportReport& report, std::uint64_t bytes_max)
    : files_(files), sink_(sink), report_(report), bytes_max_(bytes_max) {
  for (const auto& member : files.members()) {
    if (const auto key = asset_key(member.name); !key.empty()) {
      by_key_.try_emplace(std::string(key), &member);
    }
  }
}

const ExportMember* Assets::find(std::string_view asset) const {
  const auto found = by_key_.find(std::string(asset_key(asset)));
  return found == by_key_.end() ? nullptr : found->second;
}

std::string Assets::resolve(std::string_view asset) {
  const auto* member = find(asset);
  if (member == nullptr) {
    ++report_.attachments_missing;
    return {};
  }
  const auto [at, fresh] = handed_.try_emplace(member);
  if (fresh) {
    at->second = hand_over(*member);
  }
  return at->second;
}

std::string Assets::hand_over(const ExportMember& member) {
  auto bytes = read_member(files_, member, bytes_max_);
  if (!bytes) {
    report_.add_failure({.file = member.name, .message = bytes.error().message()});
    return {};
  }
  if (!*bytes) {
    ++report_.attachments_too_large;
    return {};
  }
  const auto id = ContentId::of(**bytes);
  report_.attachment_bytes += (*bytes)->size();
  ++report_.attachments;
  auto outcome =
      sink_.file({.name = member.name, .id = id, .bytes = std::move(**bytes), .attachment = true});
  if (!outcome) {
    sink_error_ = outcome.error();
  }
  return id.to_text();
}

}  // namespace vivim::chat
