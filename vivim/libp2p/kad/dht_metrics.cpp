#include "vivim/libp2p/kad/dht.hpp"
#include "vivim/libp2p/metrics/family.hpp"

namespace vivim::libp2p::kad {

void Dht::publish(metrics::Registry& registry) const {
  using metrics::Family;
  using metrics::Type;
  const auto gauge = [&registry](std::string_view name, std::string_view help, std::size_t value) {
    Family(registry, name, Type::gauge, help).set(value);
  };
  gauge("libp2p_kad_table_peers", "nodes of the DHT in the routing table", table_.size());
  gauge("libp2p_kad_network_size", "estimate of the nodes of the DHT; 0: not known yet",
        static_cast<std::size_t>(network_size().value_or(0)));
  gauge("libp2p_kad_records", "values held for others", records_.size());
  gauge("libp2p_kad_record_bytes", "their bytes", records_.bytes());
  gauge("libp2p_kad_provider_entries", "providers held for others", providers_.entries());
  gauge("libp2p_kad_published", "keys that are provided or put again and again", published_.size());
  gauge("libp2p_kad_serving", "1: answers others", serving_ ? 1 : 0);
  Family(registry, "libp2p_kad_requests_sent_total", Type::counter, "requests to others")
      .set(asked_);
  Family(registry, "libp2p_kad_requests_failed_total", Type::counter, "of them without an answer")
      .set(failed_);
  Family(registry, "libp2p_kad_regions_total", Type::counter,
         "keys whose whole region was asked, because the nearest looked made")
      .set(regions_);
  Family lookups(registry, "libp2p_kad_lookups_total", Type::counter, "lookups, by how they ended",
                 "end");
  for (const auto& [end, count] : lookups_) {
    lookups.set(end, count);
  }
  Family answered(registry, "libp2p_kad_requests_total", Type::counter, "requests of others",
                  "type");
  for (const auto& [type, count] : answered_) {
    answered.set(type, count);
  }
  Family refused(registry, "libp2p_kad_refused_total", Type::counter,
                 "streams of others that were refused or broke, by why", "why");
  for (const auto& [why, count] : refused_) {
    refused.set(why, count);
  }
}

}  // namespace vivim::libp2p::kad
