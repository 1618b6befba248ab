#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "vivim/chat/exporters/exporter.hpp"
#include "vivim/chat/tree.hpp"

namespace vivim::chat::detail {

/// A run of turns to show, one after the other.
struct Branch {
  std::optional<std::size_t> from;  ///< the turn that it grows from; nothing for the main branch
  std::vector<std::size_t> turns;
};

/// The main branch, then every other branch, each turn once; only turns to be shown.
std::vector<Branch> branches(const Conversation& conversation, const Tree& tree,
                             const ExportOptions& options);

/// "You", "Assistant", or the author's name.
std::string speaker(const Turn& turn);
/// "2026-03-05 06:28:34 UTC"; empty if it is not known.
std::string time_text(std::optional<Time> time);
/// True for http and https: what may become a link.
bool is_web_address(std::string_view url);
/// A part in a few words: "image: cat.png".
std::string part_label(const Part& part);
/// The longest text of a part; empty if it has none.
std::string part_text(const Part& part);

void write_markdown(const Conversation& conversation, const TextSink& sink,
                    const ExportOptions& options);
void write_html(const Conversation& conversation, const TextSink& sink,
                const ExportOptions& options);
void write_json(const Conversation& conversation, const TextSink& sink);

}  // namespace vivim::chat::detail
