#pragma once

#include <cstdint>

#include "vivim/base/bytes.hpp"
#include "vivim/crdt/lib0.hpp"
#include "vivim/crdt/wire_detail.hpp"

namespace vivim::crdt::detail {

/// Yjs LazyStructWriter: structs in, grouped by client. `Out` is an encoder of one of the formats.
template <class Out>
class GroupWriter {
 public:
  void write(const WireStruct& item, std::uint64_t offset) {
    if (count_ > 0 && client_ != item.client) {
      flush();
    }
    if (count_ == 0) {
      client_ = item.client;
      out_.client(item.client);
      out_.rest().var_uint(item.clock + offset);
    }
    write_struct(out_, item, offset);
    ++count_;
  }

  Bytes finish(const WireDeletes& deletes) {
    flush();
    out_.rest().var_uint(groups_);
    out_.rest().raw(body_.view());
    write_deletes(out_, deletes);
    return out_.take();
  }

 private:
  void flush() {
    if (count_ > 0) {
      body_.var_uint(count_);
      body_.raw(out_.rest_view());
      out_.rest().clear();
      count_ = 0;
      ++groups_;
    }
  }

  Out out_;
  lib0::Encoder body_;
  std::uint64_t client_ = 0;
  std::size_t count_ = 0;
  std::size_t groups_ = 0;
};

}  // namespace vivim::crdt::detail
