#pragma once

#include "vivim/base/result.hpp"

namespace vivim::chat {

enum class ImportError {
  not_found,      ///< no such file
  unreadable,     ///< the file cannot be read; detail: errno
  not_an_export,  ///< neither a list of conversations nor an archive that holds one
  truncated,      ///< the file ends inside a value; detail: its size
  garbage,        ///< something that does not belong into a list of conversations; detail: position
  element_too_large,   ///< one conversation is larger than the limit; detail: position of its
                       ///< beginning
  bad_zip,             ///< the archive's directory or a member is damaged; detail: position
  zip_unsupported,     ///< encrypted, split, or compressed in a way that exports do not use
  zip_bomb,            ///< a member unpacks to more than the limits allow
  zip_checksum,        ///< a member is damaged: its checksum differs
  not_a_conversation,  ///< an element that is not a conversation of a known provider
  cancelled,           ///< the caller asked to stop
};
const ErrorDomain& error_domain(ImportError);

}  // namespace vivim::chat
