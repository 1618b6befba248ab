// Plots as SVG, without any library: an axis frame, four marks on each axis, one line.
#include <algorithm>
#include <array>
#include <cstdio>

#include "report.hpp"

namespace vivim::sim {

namespace {

constexpr double k_width = 640;
constexpr double k_height = 360;
constexpr double k_left = 70;
constexpr double k_right = 20;
constexpr double k_top = 40;
constexpr double k_bottom = 50;
constexpr int k_marks = 4;

struct Axis {
  std::string label;
  double from = 0;
  double to = 1;

  double share(double value) const { return to > from ? (value - from) / (to - from) : 0; }
  double at(int mark) const { return from + (to - from) * mark / k_marks; }
};

std::string fixed(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", value);
  return text.data();
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    out += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
  }
  return out;
}

std::string label(double x, double y, const char* anchor, std::string_view text) {
  return "<text x=\"" + fixed(x) + "\" y=\"" + fixed(y) + "\" text-anchor=\"" + anchor + "\">" +
         escaped(text) + "</text>\n";
}

std::string line(double x1, double y1, double x2, double y2) {
  return "<path d=\"M" + fixed(x1) + " " + fixed(y1) + "L" + fixed(x2) + " " + fixed(y2) +
         "\" stroke=\"#ccc\"/>\n";
}

std::string plot(const std::string& title, const Axis& x, const Axis& y,
                 const std::vector<std::pair<double, double>>& points) {
  const double plot_width = k_width - k_left - k_right;
  const double plot_height = k_height - k_top - k_bottom;
  const auto px = [&](double value) { return k_left + x.share(value) * plot_width; };
  const auto py = [&](double value) { return k_top + (1 - y.share(value)) * plot_height; };
  std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + fixed(k_width) +
                    " " + fixed(k_height) +
                    "\" font-family=\"sans-serif\" font-size=\"12\">\n"
                    "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n" +
                    label(k_width / 2, k_top / 2, "middle", title);
  for (int mark = 0; mark <= k_marks; ++mark) {
    const double vx = x.at(mark);
    const double vy = y.at(mark);
    out += line(px(vx), k_top, px(vx), k_top + plot_height) +
           line(k_left, py(vy), k_left + plot_width, py(vy)) +
           label(px(vx), k_height - k_bottom + 16, "middle", short_number(vx)) +
           label(k_left - 6, py(vy) + 4, "end", short_number(vy));
  }
  out += label(k_left + plot_width / 2, k_height - 10, "middle", x.label) +
         label(k_left, k_top - 8, "start", y.label);
  std::string path;
  for (const auto& [vx, vy] : points) {
    path += (path.empty() ? "M" : "L") + fixed(px(vx)) + " " + fixed(py(vy));
  }
  return out + "<path d=\"" + path +
         "\" fill=\"none\" stroke=\"#06c\" stroke-width=\"1.5\"/>\n</svg>\n";
}

}  // namespace

std::string plot_distribution(const std::string& name, const Distribution& distribution) {
  constexpr int k_steps = 200;
  const Axis x{.label = name, .from = 0, .to = std::max(distribution.percentile(1), 1e-9)};
  const Axis y{.label = "% of them at most", .from = 0, .to = 100};
  std::vector<std::pair<double, double>> points;
  for (int i = 0; i <= k_steps; ++i) {
    const double share = static_cast<double>(i) / k_steps;
    points.emplace_back(distribution.percentile(share), 100 * share);
  }
  return plot(name + " (" + std::to_string(distribution.count()) + ")", x, y, points);
}

std::string plot_series(const std::string& name, const std::vector<Report::Point>& series) {
  Axis x{.label = "seconds of virtual time"};
  Axis y{.label = name, .from = 0, .to = 1e-9};
  std::vector<std::pair<double, double>> points;
  for (const auto& point : series) {
    points.emplace_back(point.seconds, point.value);
    x.to = std::max(x.to, point.seconds);
    y.to = std::max(y.to, point.value);
    y.from = std::min(y.from, point.value);
  }
  return plot(name, x, y, points);
}

}  // namespace vivim::sim
