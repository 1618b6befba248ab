#include "vivim/store/settings.hpp"

namespace vivim::store {

Result<std::optional<Bytes>> Settings::get(std::string_view key) {
  Query query = db_.query("SELECT value FROM settings WHERE key = ?", key);
  VIVIM_TRY(const bool found, query.step());
  return found ? std::optional(query.bytes(0)) : std::nullopt;
}

Result<void> Settings::set(std::string_view key, BytesView value) {
  return db_.run(
      "INSERT INTO settings(key, value) VALUES(?, ?) "
      "ON CONFLICT(key) DO UPDATE SET value = excluded.value",
      key, value);
}

Result<void> Settings::remove(std::string_view key) {
  return db_.run("DELETE FROM settings WHERE key = ?", key);
}

}  // namespace vivim::store
