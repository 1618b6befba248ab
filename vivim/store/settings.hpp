#pragma once

#include <optional>
#include <string_view>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/store/database.hpp"

namespace vivim::store {

/// Small named values of this node: its private key, the session token's hash.
class Settings {
 public:
  explicit Settings(Database& database) : db_(database) {}

  Result<std::optional<Bytes>> get(std::string_view key);
  Result<void> set(std::string_view key, BytesView value);
  Result<void> remove(std::string_view key);

 private:
  Database& db_;
};

}  // namespace vivim::store
