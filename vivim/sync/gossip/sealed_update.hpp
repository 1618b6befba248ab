#pragma once

#include <string>
#include <string_view>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/crypto/aead.hpp"
#include "vivim/store/ids.hpp"

namespace vivim::sync {

enum class SealedUpdateError {
  malformed,   ///< peer: not a message of a document's topic
  not_sealed,  ///< peer: not sealed by a holder of the grant
  bad_secret,  ///< local: the grant's secret is not 32 bytes
};
const ErrorDomain& error_domain(SealedUpdateError);

/// The topic of a document: /vivim/crdt/<id>.
std::string gossip_topic(const store::DocumentId& document);

/// What a message carries.
enum class UpdateForm : std::uint8_t {
  plain = 0,   ///< an update (Yjs v1)
  signed_ = 1  ///< an envelope (docs/protocol/envelope.md)
};

struct GossipedUpdate {
  UpdateForm form = UpdateForm::plain;
  Bytes bytes;
};

/// Which grant a message is sealed under; read without its key. Error: malformed.
Result<store::GrantId> grant_of(BytesView message);

/// Seals and opens updates of one document under one grant (docs/protocol/sync.md#by-gossip).
class UpdateSeal {
 public:
  /// Error: bad_secret.
  static Result<UpdateSeal> make(const store::DocumentId& document, const store::GrantId& grant,
                                 BytesView secret);

  Bytes seal(UpdateForm form, BytesView update, const crypto::AeadNonce& nonce);
  /// Errors: malformed, not_sealed.
  Result<GossipedUpdate> open(BytesView message);

 private:
  UpdateSeal(const store::DocumentId& document, const store::GrantId& grant,
             const crypto::AeadKey& key);

  store::GrantId grant_;
  std::string topic_;  ///< is sealed with each message
  crypto::SealingKey sealing_;
  crypto::OpeningKey opening_;
};

}  // namespace vivim::sync
