#include "vivim/chat/importers/error.hpp"

namespace vivim::chat {

namespace {

ErrorInfo describe(int code) {
  switch (static_cast<ImportError>(code)) {
    case ImportError::not_found:
      return {"not_found", "no such file", Blame::peer};
    case ImportError::unreadable:
      return {"unreadable", "the file cannot be read", Blame::local};
    case ImportError::not_an_export:
      return {"not_an_export", "this is not an export of a known provider", Blame::peer};
    case ImportError::truncated:
      return {"truncated", "the file ends in the middle", Blame::peer};
    case ImportError::garbage:
      return {"garbage", "something that does not belong there", Blame::peer};
    case ImportError::element_too_large:
      return {"element_too_large", "a conversation is larger than the limit", Blame::peer};
    case ImportError::bad_zip:
      return {"bad_zip", "the archive is damaged", Blame::peer};
    case ImportError::zip_unsupported:
      return {"zip_unsupported", "the archive uses something that exports do not", Blame::peer};
    case ImportError::zip_bomb:
      return {"zip_bomb", "the archive unpacks to more than is allowed", Blame::peer};
    case ImportError::zip_checksum:
      return {"zip_checksum", "a file in the archive is damaged", Blame::peer};
    case ImportError::not_a_conversation:
      return {"not_a_conversation", "this is not a conversation of a known provider", Blame::peer};
    case ImportError::cancelled:
      return {"cancelled", "stopped", Blame::local};
  }
  return {"unknown", "unknown error", Blame::local};
}

}  // namespace

const ErrorDomain& error_domain(ImportError) {
  static constexpr ErrorDomain k_domain{"import", describe};
  return k_domain;
}

}  // namespace vivim::chat
