#pragma once

#include <string>

#include "vivim/gateway/dht_service.hpp"
#include "vivim/gateway/router.hpp"
#include "vivim/gateway/services.hpp"

namespace vivim::gateway {

/// Longest name and text of a value that is published.
inline constexpr std::size_t k_dht_name_bytes_max = 256;
inline constexpr std::size_t k_dht_text_bytes_max = 4096;

/// The DHT: /api/v2/network/content, /value, /peers/{id}.
class DhtApi {
 public:
  DhtApi(Router& router, DhtService& dht, LibraryService& library);

 private:
  Co<Outcome<Response>> providers(Call call);
  Co<Outcome<Response>> provide(Call call);
  Co<Outcome<Response>> value(Call call);
  Co<Outcome<Response>> put(Call call);
  Co<Outcome<Response>> find(Call call);

  /// The id of a conversation of ours that begins so; other texts as they are.
  Co<Outcome<std::string>> content_of(std::string text);

  DhtService& dht_;
  LibraryService& library_;
};

}  // namespace vivim::gateway
