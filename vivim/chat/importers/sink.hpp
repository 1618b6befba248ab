#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/chat/model.hpp"

namespace vivim::chat {

/// Immutable bytes and their address; a view into the Imported that carries it.
struct Block {
  ContentId id;
  std::string_view bytes;
};

/// One conversation of an export with its verbatim bytes. Movable: the views stay valid.
struct Imported {
  Conversation conversation;
  std::vector<Block>
      blocks;  ///< one per turn that has `content`, and the one of `provenance.source`
  std::vector<char> source;  ///< the element as it stands in the file
  std::vector<char> head;    ///< the element without its turns
};

/// A file of the export that a conversation refers to, or a small file beside the conversations.
struct ImportedFile {
  std::string name;
  ContentId id;
  Bytes bytes;
  bool attachment = false;  ///< a conversation refers to it
};

/// Takes what an import finds, in the order of the file; what a conversation refers to comes before
/// it. An error stops the import and is returned by it.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual Result<void> conversation(Imported imported) = 0;
  virtual Result<void> file(ImportedFile file) = 0;
};

}  // namespace vivim::chat
