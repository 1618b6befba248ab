#include "vivim/libp2p/kad/validator.hpp"

#include "vivim/libp2p/kad/content_record.hpp"
#include "vivim/libp2p/kad/message.hpp"
#include "vivim/multiformats/peer_id.hpp"

namespace vivim::libp2p::kad {

Validators Validators::standard() {
  Validators validators;
  validators.add("pk", std::make_unique<PublicKeyValidator>());
  validators.add(std::string(k_content_namespace), std::make_unique<ContentValidator>());
  return validators;
}

void Validators::add(const std::string& ns, std::unique_ptr<Validator> validator) {
  by_namespace_["/" + ns + "/"] = std::move(validator);
}

const Validator* Validators::find(BytesView key) const {
  const std::string_view text = as_text(key);
  const Validator* found = nullptr;
  for (const auto& [prefix, validator] : by_namespace_) {  // the longest that fits comes last
    if (text.starts_with(prefix)) {
      found = validator.get();
    }
  }
  return found;
}

Result<void> Validators::validate(BytesView key, BytesView value, rt::WallMs wall) const {
  if (key.empty() || key.size() > k_key_bytes_max) {
    return fail(KadError::bad_key, key.size());
  }
  if (value.size() > k_value_bytes_max) {
    return fail(KadError::record_too_large, value.size());
  }
  const Validator* const validator = find(key);
  return validator == nullptr ? fail(KadError::unknown_namespace)
                              : validator->validate(key, value, wall);
}

bool Validators::better(BytesView key, BytesView value, BytesView other) const {
  const Validator* const validator = find(key);
  return validator != nullptr && validator->better(key, value, other);
}

Result<void> PublicKeyValidator::validate(BytesView key, BytesView value, rt::WallMs) const {
  constexpr std::size_t k_prefix_bytes = 4;  // "/pk/"
  const auto peer = multiformats::PeerId::from_bytes(key.subspan(k_prefix_bytes));
  const auto public_key = multiformats::PublicKey::decode(value);
  if (!peer || !public_key || !peer->matches(*public_key)) {
    return fail(KadError::invalid_record);
  }
  return {};
}

}  // namespace vivim::libp2p::kad
