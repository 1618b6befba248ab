#include "vivim/libp2p/metrics/metrics.hpp"

#include <doctest/doctest.h>

using namespace vivim::libp2p::metrics;

TEST_CASE("metrics: families by name, series by labels") {
  Registry registry;
  registry.declare("b_total", Type::counter, "things that happened");
  registry.declare("a", Type::gauge, "things that are");
  Series& two = registry.series("b_total", {{"way", "in"}, {"how", "fast"}});
  two.add();
  two.add(4);
  registry.series("b_total", {{"way", "out"}, {"how", "slow"}}).add();
  registry.series("a").set(7);
  CHECK(&registry.series("b_total", {{"way", "in"}, {"how", "fast"}}) == &two);
  CHECK(registry.render() ==
        "# HELP a things that are\n# TYPE a gauge\na 7\n"
        "# HELP b_total things that happened\n# TYPE b_total counter\n"
        "b_total{way=\"in\",how=\"fast\"} 5\nb_total{way=\"out\",how=\"slow\"} 1\n");
  registry.clear("b_total");
  CHECK(registry.render().find("b_total{") == std::string::npos);
}

TEST_CASE("metrics: values of labels cannot break the format") {
  Registry registry;
  registry.declare("a", Type::counter, "help");
  registry.series("a", {{"l", "x\"} 1\na 2\\\x01\xff"}}).add();
  CHECK(registry.render().ends_with("a{l=\"x\\\"} 1\\na 2\\\\??\"} 1\n"));
  registry.clear("a");
  registry.series("a", {{"l", std::string(1000, 'x')}}).add();
  CHECK(registry.render().ends_with("\"" + std::string(k_label_bytes_max, 'x') + "\"} 1\n"));
}

TEST_CASE("metrics: limit on the series of a family") {
  Registry registry;
  registry.declare("a", Type::counter, "help");
  for (int i = 0; i < 1000; ++i) {
    registry.series("a", {{"l", std::to_string(i)}}).add();
  }
  CHECK(registry.series("a", {{"l", "1000"}}).value == 1000 - k_series_max);
  CHECK(registry.series("a", {{"l", "3"}}).value == 1);
}
