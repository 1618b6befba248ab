#include "apps/vivim/import_view.hpp"

#include <vector>

#include "apps/vivim/table.hpp"
#include "apps/vivim/text.hpp"
#include "apps/vivim/units.hpp"

namespace vivim::cli {

namespace {

constexpr std::size_t k_failures_shown = 10;

/// "image 12, code 3": the members of an object of numbers.
std::string list_counts(const Json& counts) {
  std::string out;
  if (const auto* object = counts.if_object()) {
    for (const auto& [name, value] : *object) {
      out += (out.empty() ? "" : ", ") + one_line({name.data(), name.size()}) + " " +
             format_count(count_at(counts, {name.data(), name.size()}));
    }
  }
  return out;
}

std::string list_texts(const boost::json::array& texts) {
  std::string out;
  for (const auto& item : texts) {
    if (const auto* text = item.if_string()) {
      out += (out.empty() ? "" : ", ") + one_line({text->data(), text->size()});
    }
  }
  return out;
}

std::string conversations_line(const Json& report) {
  std::string line = format_count_of(count_at(report, "conversations"), "conversation");
  std::string how;
  for (const std::string_view name : {"added", "updated", "unchanged"}) {
    if (number_at(report, name)) {
      how += (how.empty() ? "" : ", ") + format_count(count_at(report, name)) + " " +
             std::string(name);
    }
  }
  return how.empty() ? line : line + ": " + how;
}

std::string attachments_line(const Json& report) {
  std::string line = format_count(count_at(report, "attachments")) + " kept (" +
                     format_bytes(count_at(report, "attachment_bytes")) + ")";
  if (const auto missing = count_at(report, "attachments_missing"); missing > 0) {
    line += ", " + format_count(missing) + " not in the export";
  }
  if (const auto large = count_at(report, "attachments_too_large"); large > 0) {
    line += ", " + format_count(large) + " too large";
  }
  return line;
}

std::string failure_lines(const Terminal& terminal, const Json& report) {
  const auto& failures = items_at(report, "failures");
  std::string out;
  for (std::size_t i = 0; i < std::min(failures.size(), k_failures_shown); ++i) {
    const Json& failure = failures[i];
    std::string where = one_line(text_at(failure, "file"));
    if (const auto line = count_at(failure, "line"); line > 0) {
      where += ", line " + std::to_string(line);
    }
    out += styled(terminal, Style::red, "Could not read ") + where + ", byte " +
           format_count(count_at(failure, "byte")) + ": " + one_line(text_at(failure, "message")) +
           "\n";
  }
  const auto failed = count_at(report, "failed");
  if (failed > std::min(failures.size(), k_failures_shown)) {
    out += "In all " + format_count(failed) + " could not be read; what was readable is kept.\n";
  }
  return out;
}

}  // namespace

std::string render_import_report(const Terminal& terminal, const Json& report) {
  std::vector<std::pair<std::string, std::string>> facts;
  const auto add = [&](const std::string& name, const std::string& value) {
    if (!value.empty()) {
      facts.emplace_back(name, value);
    }
  };
  add("Imported", conversations_line(report));
  add("From", list_texts(items_at(report, "providers")));
  std::string turns = format_count_of(count_at(report, "turns"), "turn");
  if (const auto hidden = count_at(report, "hidden_turns"); hidden > 0) {
    turns += ", " + format_count(hidden) + " of them hidden by the provider";
  }
  add("Turns", turns);
  add("Parts", list_counts(member(report, "parts_by_type")));
  if (count_at(report, "attachments") + count_at(report, "attachments_missing") > 0) {
    add("Attachments", attachments_line(report));
  }
  if (const auto unknown = list_counts(member(report, "unknown_kinds")); !unknown.empty()) {
    add("Not understood", unknown + " (kept as they are)");
  }
  return render_facts(terminal, facts) + failure_lines(terminal, report);
}

}  // namespace vivim::cli
