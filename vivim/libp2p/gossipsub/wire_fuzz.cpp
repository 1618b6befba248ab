// RPCs of any bytes: read within limits, views within the input; messages come back as they were.
#include <cstddef>
#include <cstdint>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/gossipsub/message.hpp"
#include "vivim/libp2p/gossipsub/message_id.hpp"
#include "vivim/libp2p/gossipsub/signature.hpp"

using namespace vivim;
using namespace vivim::libp2p::gossipsub;

namespace {

void check_within(BytesView all, BytesView part) {
  VIVIM_ASSERT(part.empty() ||
               (part.data() >= all.data() && part.data() + part.size() <= all.data() + all.size()));
}

void check_message(const wire::MessageView& view) {
  Bytes id;
  for (const IdProfile profile : {IdProfile::vivim, IdProfile::rust, IdProfile::js}) {
    for (const auto policy : {SignaturePolicy::strict_sign, SignaturePolicy::strict_no_sign}) {
      id.clear();
      append_id(profile, policy, view, id);
      (void)can_be_id(profile, policy, id);
      (void)recognise_id(policy, id);
    }
  }
  const MessagePtr message = Message::make(view, id, {});
  const auto size = decode_varint(message->frame());
  VIVIM_ASSERT(size && size->size + size->value == message->frame().size());
  wire::Rpc again;
  VIVIM_ASSERT(wire::decode(message->frame().subspan(size->size), again).has_value());
  VIVIM_ASSERT(again.publish.size() == 1);
  const wire::MessageView& back = again.publish[0];
  VIVIM_ASSERT(back.topic == view.topic);
  VIVIM_ASSERT(back.data.has_value() == view.data.has_value());
  VIVIM_ASSERT(same_bytes(message->data(), view.data.value_or(BytesView())));
  VIVIM_ASSERT(same_bytes(message->id(), id));
  Bytes scratch;
  (void)verify(*message, scratch);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static wire::Rpc rpc;
  const BytesView in(data, size);
  if (!wire::decode(in, rpc)) {
    return 0;
  }
  for (const wire::MessageView& view : rpc.publish) {
    check_within(in, view.data.value_or(BytesView()));
    check_message(view);
  }
  for (const BytesView id : rpc.iwant) {
    check_within(in, id);
  }
  for (const wire::IHave& told : rpc.ihave) {
    VIVIM_ASSERT(told.first + told.count <= rpc.ihave_ids.size());
  }
  for (const wire::Prune& prune : rpc.prune) {
    VIVIM_ASSERT(prune.first + prune.count <= rpc.peers.size());
  }
  VIVIM_ASSERT(rpc.ihave_ids.size() <= wire::k_ids_max && rpc.peers.size() <= wire::k_peers_max);
  return 0;
}
