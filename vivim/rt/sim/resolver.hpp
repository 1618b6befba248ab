#pragma once

#include <map>
#include <string>
#include <vector>

#include "vivim/rt/loop.hpp"
#include "vivim/rt/resolver.hpp"

namespace vivim::rt::sim {

/// A name service in a table: what was added is known, everything else is not.
class TableResolver final : public Resolver {
 public:
  explicit TableResolver(Loop& loop) : loop_(loop) {}

  void add_address(const std::string& name, IpAddress ip) { addresses_[name].push_back(ip); }
  void add_text(const std::string& name, std::string text) {
    texts_[name].push_back(std::move(text));
  }
  /// How long an answer takes; questions with a shorter timeout fail.
  void set_latency(Duration latency) { latency_ = latency; }
  /// How often it was asked.
  std::size_t questions() const { return questions_; }

  Co<Result<std::vector<IpAddress>>> addresses(std::string name, AddressFamily family,
                                               Duration timeout) override;
  Co<Result<std::vector<std::string>>> texts(std::string name, Duration timeout) override;
  /// Questions under way fail when their time is over.
  void cancel() override { ++cancelled_; }

 private:
  Co<Result<void>> wait(Duration timeout);

  Loop& loop_;
  std::map<std::string, std::vector<IpAddress>> addresses_;
  std::map<std::string, std::vector<std::string>> texts_;
  Duration latency_ = std::chrono::milliseconds(10);
  std::size_t questions_ = 0;
  std::size_t cancelled_ = 0;
};

}  // namespace vivim::rt::sim
