#include "vivim/multiformats/cid.hpp"

#include "vivim/base/varint.hpp"

namespace vivim::multiformats {
namespace {

/// A binary CIDv0 is a bare SHA-256 multihash: these two bytes and the digest.
bool is_version_0(BytesView bytes) {
  return bytes.size() == 34 && bytes[0] == 0x12 && bytes[1] == 0x20;
}

}  // namespace

Cid Cid::of_raw(BytesView content) {
  return {Codec::raw, Multihash::sha256_of(content)};
}

Result<Cid> Cid::from_bytes(BytesView bytes) {
  if (is_version_0(bytes)) {
    VIVIM_TRY(auto hash, Multihash::from_bytes(bytes));
    return Cid(0, Codec::dag_pb, std::move(hash));
  }
  VIVIM_TRY(const auto version, decode_varint(bytes));
  if (version.value != 1) {
    return fail(MultiformatsError::bad_cid_version, version.value);
  }
  bytes = bytes.subspan(version.size);
  VIVIM_TRY(const auto codec, decode_varint(bytes));
  VIVIM_TRY(auto hash, Multihash::from_bytes(bytes.subspan(codec.size)));
  return Cid(1, static_cast<Codec>(codec.value), std::move(hash));
}

Result<Cid> Cid::parse(std::string_view text) {
  if (text.size() == 46 && text.starts_with("Qm")) {
    VIVIM_TRY(const auto bytes, decode(Base::base58btc, text));
    if (!is_version_0(bytes)) {
      return fail(MultiformatsError::bad_cid_version);
    }
    return from_bytes(bytes);
  }
  VIVIM_TRY(const auto bytes, decode_multibase(text));
  if (is_version_0(bytes)) {
    return fail(MultiformatsError::bad_cid_version);  // a CIDv0 never has a multibase prefix
  }
  return from_bytes(bytes);
}

Bytes Cid::to_bytes() const {
  if (version_ == 0) {
    return hash_.bytes();
  }
  Bytes out;
  append_varint(out, 1);
  append_varint(out, static_cast<std::uint64_t>(codec_));
  append(out, hash_.bytes());
  return out;
}

std::string Cid::to_string() const {
  if (version_ == 0) {
    return encode(Base::base58btc, hash_.bytes());
  }
  return encode_multibase(Base::base32, to_bytes());
}

}  // namespace vivim::multiformats
