#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vivim::libp2p::metrics {

/// Label sets of one family that are told apart; what comes later is counted together, with every
/// label "other".
inline constexpr std::size_t k_series_max = 256;
/// Longest value of a label; the rest is cut off.
inline constexpr std::size_t k_label_bytes_max = 128;

enum class Type : std::uint8_t { counter, gauge };

using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

/// One number of a family. Its address stays the same as long as its registry lives.
struct Series {
  std::uint64_t value = 0;

  void add(std::uint64_t more = 1) { value += more; }
  void set(std::uint64_t now) { value = now; }
};

/// Families of numbers with labels, rendered as Prometheus text (exposition format 0.0.4). Sans-IO,
/// one thread, bounded.
class Registry {
 public:
  /// Declares a family; `help` is one line. A second time without effect.
  void declare(std::string_view name, Type type, std::string_view help);

  /// The number of a declared family with these labels (always the same names, in the same order).
  Series& series(std::string_view name, const Labels& labels = {});
  /// Forgets the numbers of a family: for gauges that are set anew before they are rendered.
  void clear(std::string_view name);

  /// All families by name, each with its help and type.
  std::string render() const;

 private:
  struct Family {
    Type type = Type::counter;
    std::string help;
    std::map<std::string, Series> series;  ///< by rendered labels
  };

  std::map<std::string, Family, std::less<>> families_;
};

}  // namespace vivim::libp2p::metrics
