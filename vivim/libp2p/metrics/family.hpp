#pragma once

#include <cstdint>
#include <string_view>

#include "vivim/libp2p/metrics/metrics.hpp"

namespace vivim::libp2p::metrics {

/// The numbers of one family that differ in one label, or the only one of a family without labels:
/// to set them from somebody's counts.
class Family {
 public:
  /// `name`, `help` and `label` are literals.
  Family(Registry& registry, std::string_view name, Type type, std::string_view help,
         std::string_view label = {})
      : registry_(registry), name_(name), label_(label) {
    registry.declare(name, type, help);
  }

  Family& set(std::string_view value, std::uint64_t number) {
    registry_.series(name_, {{label_, value}}).set(number);
    return *this;
  }
  void set(std::uint64_t number) { registry_.series(name_).set(number); }

 private:
  Registry& registry_;
  std::string_view name_;
  std::string_view label_;
};

}  // namespace vivim::libp2p::metrics
