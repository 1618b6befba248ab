#include "vivim/rt/sim/disk.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "vivim/rt/path.hpp"

namespace vivim::rt::sim {

namespace {

/// Syncs of a lying disk until one is none.
constexpr std::uint64_t k_lies_at_once = 32;

}  // namespace

/// An open handle; dies with the incarnation of the disk that made it.
class SimFile final : public File {
 public:
  SimFile(SimDisk& disk, std::shared_ptr<SimDisk::Inode> inode, OpenMode mode)
      : disk_(disk), inode_(std::move(inode)), incarnation_(disk.incarnation_), mode_(mode) {}

  Result<std::size_t> read_at(std::uint64_t offset, MutableBytes into) override {
    VIVIM_TRYV(begin(1));
    const Bytes& content = inode_->current;
    if (offset >= content.size()) {
      return std::size_t{0};
    }
    const std::size_t n = std::min<std::size_t>(into.size(), content.size() - offset);
    std::memcpy(into.data(), content.data() + offset, n);
    return n;
  }

  Result<void> write_at(std::uint64_t offset, BytesView bytes) override {
    VIVIM_TRYV(begin_write());
    const std::uint64_t end = offset + bytes.size();
    const std::uint64_t growth = end > inode_->current.size() ? end - inode_->current.size() : 0;
    if (disk_.capacity_bytes_ && disk_.bytes_used() + growth > *disk_.capacity_bytes_) {
      return fail(RtError::no_space);
    }
    change({.offset = offset, .bytes = to_bytes(bytes)});
    return {};
  }

  Result<void> truncate(std::uint64_t size) override {
    VIVIM_TRYV(begin_write());
    change({.truncate = size});
    return {};
  }

  Result<void> sync() override {
    const auto begun = begin(3);
    if (!begun) {
      failed_ = true;  // what a failed sync did not write, no later sync writes either
      return begun;
    }
    if (disk_.lies()) {
      return {};
    }
    for (const auto& change : inode_->pending) {
      SimDisk::apply(inode_->durable, change);
    }
    inode_->pending.clear();
    return {};
  }

  Result<std::uint64_t> size() const override {
    if (dead()) {
      return fail(RtError::closed);
    }
    return inode_->current.size();
  }

 private:
  bool dead() const { return incarnation_ != disk_.incarnation_ || !disk_.online_; }

  Result<void> begin(std::uint64_t what) {
    if (dead()) {
      return fail(RtError::closed);
    }
    if (failed_) {
      return fail(RtError::io);
    }
    return disk_.begin(what);
  }

  Result<void> begin_write() {
    if (mode_ == OpenMode::read) {
      return fail(RtError::io);
    }
    return begin(2);
  }

  void change(SimDisk::Change change) {
    SimDisk::apply(inode_->current, change);
    disk_.engine_.trace(change.offset, change.bytes.size());
    inode_->pending.push_back(std::move(change));
  }

  SimDisk& disk_;
  std::shared_ptr<SimDisk::Inode> inode_;
  std::uint64_t incarnation_;
  OpenMode mode_;
  bool failed_ = false;
};

Result<void> SimDisk::begin(std::uint64_t what) {
  if (!online_) {
    return fail(RtError::closed);
  }
  ++operations_;
  engine_.trace(what, operations_);
  if (always_) {
    return fail(*always_);
  }
  if (operations_ == fail_at_) {
    return fail(fail_with_);
  }
  return {};
}

void SimDisk::fail_operation(std::uint64_t nth, RtError error) {
  fail_at_ = operations_ + nth;
  fail_with_ = error;
}

void SimDisk::clear_faults() {
  fail_at_ = 0;
  always_.reset();
}

Result<std::unique_ptr<File>> SimDisk::open(std::string_view path, OpenMode mode) {
  VIVIM_TRYV(check_path(path));
  VIVIM_TRYV(begin(4));
  auto found = current_.find(path);
  if (found == current_.end()) {
    if (mode != OpenMode::create) {
      return fail(RtError::not_found);
    }
    change_names({{.name = std::string(path), .inode = std::make_shared<Inode>()}});
    found = current_.find(path);
  }
  return std::make_unique<SimFile>(*this, found->second, mode);
}

Result<void> SimDisk::remove(std::string_view path) {
  VIVIM_TRYV(check_path(path));
  VIVIM_TRYV(begin(5));
  if (!current_.contains(path)) {
    return fail(RtError::not_found);
  }
  change_names({{.name = std::string(path), .inode = nullptr}});
  return {};
}

Result<void> SimDisk::rename(std::string_view from, std::string_view to) {
  VIVIM_TRYV(check_path(from));
  VIVIM_TRYV(check_path(to));
  VIVIM_TRYV(begin(6));
  const auto found = current_.find(from);
  if (found == current_.end()) {
    return fail(RtError::not_found);
  }
  if (from != to) {
    change_names({{.name = std::string(from), .inode = nullptr},
                  {.name = std::string(to), .inode = found->second}});
  }
  return {};
}

bool SimDisk::exists(std::string_view path) {
  return online_ && current_.contains(path);
}

Result<std::vector<std::string>> SimDisk::list() {
  VIVIM_TRYV(begin(7));
  std::vector<std::string> names;
  for (const auto& [name, inode] : current_) {
    names.push_back(name);
  }
  return names;
}

Result<void> SimDisk::sync_directory() {
  VIVIM_TRYV(begin(8));
  if (lies()) {
    return {};
  }
  durable_ = current_;
  pending_.clear();
  return {};
}

void SimDisk::change_names(NameTransaction changes) {
  apply(current_, changes);
  pending_.push_back(std::move(changes));
}

void SimDisk::apply(Names& names, const NameTransaction& changes) {
  for (const auto& change : changes) {
    if (change.inode) {
      names[change.name] = change.inode;
    } else {
      names.erase(change.name);
    }
  }
}

void SimDisk::apply(Bytes& content, const Change& change) {
  if (change.truncate) {
    content.resize(*change.truncate);
    return;
  }
  if (change.bytes.empty()) {
    return;
  }
  content.resize(std::max<std::size_t>(content.size(), change.offset + change.bytes.size()));
  std::memcpy(content.data() + change.offset, change.bytes.data(), change.bytes.size());
}

void SimDisk::apply_torn(Bytes& content, const Change& change) {
  const std::uint64_t end = change.offset + change.bytes.size();
  for (std::uint64_t from = change.offset; from < end;) {
    const std::uint64_t to = std::min(end, (from / k_sector_bytes + 1) * k_sector_bytes);
    if (engine_.rng().next() % 2 == 0) {
      const auto* bytes = change.bytes.data() + (from - change.offset);
      apply(content, {.offset = from, .bytes = Bytes(bytes, bytes + (to - from))});
    }
    from = to;
  }
}

void SimDisk::crash_inode(Inode& inode) {
  for (const auto& change : inode.pending) {
    const auto fate = engine_.rng().next() % 3;
    if (fate == 0) {
      apply(inode.durable, change);
    } else if (fate == 1 && !change.truncate) {
      apply_torn(inode.durable, change);
    }
  }
  inode.pending.clear();
  inode.current = inode.durable;
}

void SimDisk::set_lying(bool lying) {
  if (std::exchange(lying_, lying) != lying) {
    make_all_durable();
  }
}

bool SimDisk::lies() {
  if (lying_ && ++lies_ % k_lies_at_once == 0) {
    make_all_durable();
  }
  return lying_;
}

void SimDisk::make_all_durable() {
  durable_ = current_;
  pending_.clear();
  for (const auto& [name, inode] : current_) {
    inode->durable = inode->current;
    inode->pending.clear();
  }
}

void SimDisk::crash() {
  if (lying_) {  // in order, at least: what opens it finds an older disk, and no broken one
    for (auto& [name, inode] : durable_) {
      inode->current = inode->durable;
      inode->pending.clear();
    }
    pending_.clear();
  }
  const std::size_t kept = pending_.empty() ? 0 : engine_.rng().next() % (pending_.size() + 1);
  for (std::size_t i = 0; i < kept; ++i) {
    apply(durable_, pending_[i]);
  }
  pending_.clear();
  current_ = durable_;
  for (const auto& [name, inode] : current_) {
    crash_inode(*inode);  // one of two names: the second time there is nothing left to do
  }
  ++incarnation_;
  engine_.trace(incarnation_, bytes_used());
}

void SimDisk::flush_and_detach() {
  make_all_durable();
  ++incarnation_;
}

std::uint64_t SimDisk::bytes_used() const {
  std::uint64_t total = 0;
  for (const auto& [name, inode] : current_) {
    total += inode->current.size();
  }
  return total;
}

}  // namespace vivim::rt::sim
