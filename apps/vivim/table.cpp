#include "apps/vivim/table.hpp"

#include "vivim/base/assert.hpp"

namespace vivim::cli {

namespace {

constexpr std::size_t k_gap = 2;
constexpr std::size_t k_last_columns_min = 16;

}  // namespace

void Table::add(std::vector<std::string> cells) {
  VIVIM_ASSERT(cells.size() == columns_.size());
  rows_.push_back(std::move(cells));
}

std::vector<std::size_t> Table::widths() const {
  std::vector<std::size_t> widths;
  for (std::size_t column = 0; column < columns_.size(); ++column) {
    std::size_t width = display_width(columns_[column].header);
    for (const auto& row : rows_) {
      width = std::max(width, display_width(row[column]));
    }
    widths.push_back(width);
  }
  return widths;
}

std::string Table::render(const Terminal& terminal) const {
  auto columns = widths();
  std::size_t used = 0;
  for (std::size_t i = 0; i + 1 < columns.size(); ++i) {
    used += columns[i] + k_gap;
  }
  const std::size_t left = terminal.columns > used ? terminal.columns - used : 0;
  const std::size_t last_max = std::max(left, k_last_columns_min);
  std::string out;
  const auto line = [&](const auto& cell_of, const auto& style_of) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const bool last = i + 1 == columns_.size();
      std::string cell = last && terminal.is_terminal ? truncate(cell_of(i), last_max) : cell_of(i);
      if (!last || columns_[i].align == Align::right) {
        cell = pad(std::move(cell), columns[i], columns_[i].align);
      }
      out += styled(terminal, style_of(i), cell) + (last ? "\n" : std::string(k_gap, ' '));
    }
  };
  line([&](std::size_t i) { return columns_[i].header; }, [](std::size_t) { return Style::dim; });
  for (const auto& row : rows_) {
    line([&](std::size_t i) { return row[i]; }, [&](std::size_t i) { return columns_[i].style; });
  }
  return out;
}

std::string render_facts(const Terminal& terminal,
                         const std::vector<std::pair<std::string, std::string>>& facts) {
  std::size_t width = 0;
  for (const auto& [name, value] : facts) {
    width = std::max(width, display_width(name));
  }
  std::string out;
  for (const auto& [name, value] : facts) {
    out += styled(terminal, Style::dim, pad(name, width + k_gap, Align::left)) + value + "\n";
  }
  return out;
}

}  // namespace vivim::cli
