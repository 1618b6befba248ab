#include "vivim/node/document_blobs.hpp"

#include <set>

#include "vivim/chat/document.hpp"

namespace vivim::node {

namespace {

/// Ids in order, each once; what is no id of a blob is left out.
class BlobList {
 public:
  void add(const std::string& text) {
    const auto id = store::BlobId::parse(text);
    if (id && known_.insert(*id).second) {
      blobs_.push_back(*id);
    }
  }
  std::vector<store::BlobId> take() { return std::move(blobs_); }

 private:
  std::set<store::BlobId> known_;
  std::vector<store::BlobId> blobs_;
};

}  // namespace

std::vector<store::BlobId> document_blobs(crdt::Doc& doc) {
  const auto conversation = chat::from_document(doc);
  BlobList blobs;
  blobs.add(conversation.provenance.source);
  for (const auto& turn : conversation.turns) {
    blobs.add(turn.content);
    for (const auto& part : turn.parts) {
      if (const auto* media = std::get_if<chat::MediaPart>(&part)) {
        blobs.add(media->cid);
      }
    }
  }
  return blobs.take();
}

}  // namespace vivim::node
