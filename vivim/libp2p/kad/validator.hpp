#pragma once

#include <map>
#include <memory>
#include <string>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/libp2p/kad/error.hpp"
#include "vivim/rt/clock.hpp"

namespace vivim::libp2p::kad {

/// What a namespace of values demands. Pure: the same input, the same answer.
class Validator {
 public:
  virtual ~Validator() = default;
  /// Whether `value` may stand under `key` at this time. Errors: invalid_record, record_expired.
  virtual Result<void> validate(BytesView key, BytesView value, rt::WallMs wall) const = 0;
  /// Whether `value` is to replace `other`; both are valid. Never true both ways.
  virtual bool better(BytesView key, BytesView value, BytesView other) const = 0;
};

/// The validators by namespace: the first parts of keys, "/<namespace>/...".
class Validators {
 public:
  /// With those for "pk" and "vivim/content".
  static Validators standard();

  /// `ns` without slashes at its ends.
  void add(const std::string& ns, std::unique_ptr<Validator> validator);
  /// Checks key, size and value. Errors: bad_key, record_too_large, unknown_namespace, those of the
  /// namespace.
  Result<void> validate(BytesView key, BytesView value, rt::WallMs wall) const;
  /// As of the key's namespace; false when there is none.
  bool better(BytesView key, BytesView value, BytesView other) const;
  bool knows(BytesView key) const { return find(key) != nullptr; }

 private:
  const Validator* find(BytesView key) const;

  std::map<std::string, std::unique_ptr<Validator>, std::less<>> by_namespace_;
};

/// "/pk/<peer id>": the public key of a peer, which its id is the hash of.
class PublicKeyValidator final : public Validator {
 public:
  Result<void> validate(BytesView key, BytesView value, rt::WallMs wall) const override;
  bool better(BytesView, BytesView, BytesView) const override { return false; }
};

}  // namespace vivim::libp2p::kad
