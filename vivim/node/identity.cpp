#include "vivim/node/identity.hpp"

#include "vivim/store/error.hpp"
#include "vivim/store/settings.hpp"

namespace vivim::node {

namespace {

constexpr std::string_view k_key = "identity.ed25519_seed";

}  // namespace

Result<crypto::KeyPair> load_identity(store::Database& database,
                                      const crypto::RandomSource& random) {
  store::Settings settings(database);
  VIVIM_TRY(auto known, settings.get(k_key));
  if (known) {
    if (known->size() != crypto::k_ed25519_seed_bytes) {
      return fail(store::StoreError::malformed, known->size());
    }
    const crypto::Ed25519Seed seed(*known);
    crypto::wipe(*known);
    return crypto::KeyPair::from_seed(seed);
  }
  auto pair = crypto::KeyPair::generate(random);
  const auto seed = pair.seed();
  VIVIM_TRYV(settings.set(k_key, seed.view()));
  return pair;
}

}  // namespace vivim::node
