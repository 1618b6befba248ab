#pragma once

#include <string>
#include <vector>

#include "apps/vivim/terminal.hpp"
#include "apps/vivim/text.hpp"

namespace vivim::cli {

struct Column {
  std::string header;
  Align align = Align::left;
  Style style = Style::plain;
};

/// Rows in aligned columns, two spaces apart. The last column takes what is left of the line and is
/// cut off there; the others are as wide as their widest cell.
class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// One sanitized, single-line cell per column.
  void add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  std::string render(const Terminal& terminal) const;

 private:
  std::vector<std::size_t> widths() const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// "name   value" lines, names aligned and dim.
std::string render_facts(const Terminal& terminal,
                         const std::vector<std::pair<std::string, std::string>>& facts);

}  // namespace vivim::cli
