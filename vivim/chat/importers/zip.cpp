// The part of the zip format (PKWARE's APPNOTE.TXT, sections 4.3 and 4.4) that exports use: stored
// and deflated members, zip64, one disk, no encryption.
#define ZLIB_CONST
#include <algorithm>
#include <array>

#include <zlib.h>

#include "vivim/chat/importers/source.hpp"

namespace vivim::chat {

namespace {

constexpr std::size_t k_end_bytes = 22;
constexpr std::size_t k_comment_bytes_max = 65'535;
constexpr std::size_t k_locator_bytes = 20;
constexpr std::size_t k_end64_bytes = 56;
constexpr std::size_t k_central_bytes = 46;
constexpr std::size_t k_local_bytes = 30;
constexpr std::uint32_t k_end_mark = 0x06054b50;
constexpr std::uint32_t k_locator_mark = 0x07064b50;
constexpr std::uint32_t k_end64_mark = 0x06064b50;
constexpr std::uint32_t k_central_mark = 0x02014b50;
constexpr std::uint32_t k_local_mark = 0x04034b50;
constexpr std::uint64_t k_bomb_bytes_min = 64ULL << 20;

/// Little-endian integers; the caller has checked that they are there.
std::uint64_t load_le(BytesView bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) {
    value |= static_cast<std::uint64_t>(bytes[at + i]) << (8 * i);
  }
  return value;
}
std::uint32_t le16(BytesView bytes, std::size_t at) {
  return static_cast<std::uint32_t>(load_le(bytes, at, 2));
}
std::uint32_t le32(BytesView bytes, std::size_t at) {
  return static_cast<std::uint32_t>(load_le(bytes, at, 4));
}
std::uint64_t le64(BytesView bytes, std::size_t at) {
  return load_le(bytes, at, 8);
}

/// Reads exactly `size` bytes at `offset`; bad_zip if they are not there.
Result<Bytes> read_exactly(RandomAccess& file, std::uint64_t offset, std::size_t size) {
  if (offset > file.size() || size > file.size() - offset) {
    return fail(ImportError::bad_zip, offset);
  }
  Bytes bytes(size);
  std::size_t done = 0;
  while (done < size) {
    VIVIM_TRY(const auto count, file.read_at(offset + done, MutableBytes(bytes).subspan(done)));
    if (count == 0) {
      return fail(ImportError::bad_zip, offset + done);
    }
    done += count;
  }
  return bytes;
}

struct ZipMember {
  std::string name;
  std::uint64_t packed = 0;
  std::uint64_t size = 0;
  std::uint64_t offset = 0;  ///< of its local header
  std::uint32_t checksum = 0;
  std::uint32_t method = 0;
  std::uint32_t flags = 0;
};

struct Directory {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

/// Where the directory is, from the record at the end of the file (4.3.16) or its zip64 form
/// (4.3.14).
Result<Directory> find_directory(RandomAccess& file) {
  const auto tail_bytes = static_cast<std::size_t>(
      std::min<std::uint64_t>(file.size(), k_end_bytes + k_comment_bytes_max));
  const auto tail_at = file.size() - tail_bytes;
  VIVIM_TRY(const auto tail, read_exactly(file, tail_at, tail_bytes));
  for (std::size_t i = tail_bytes < k_end_bytes ? 0 : tail_bytes - k_end_bytes + 1; i-- > 0;) {
    if (le32(tail, i) != k_end_mark) {
      continue;
    }
    const auto end_at = tail_at + i;
    Directory found{.offset = le32(tail, i + 16), .size = le32(tail, i + 12)};
    if (found.offset != 0xffff'ffff && found.size != 0xffff'ffff && le16(tail, i + 10) != 0xffff) {
      return found;
    }
    if (end_at < k_locator_bytes) {
      return fail(ImportError::bad_zip, end_at);
    }
    VIVIM_TRY(const auto locator, read_exactly(file, end_at - k_locator_bytes, k_locator_bytes));
    if (le32(locator, 0) != k_locator_mark) {
      return found;
    }
    VIVIM_TRY(const auto end64, read_exactly(file, le64(locator, 8), k_end64_bytes));
    if (le32(end64, 0) != k_end64_mark) {
      return fail(ImportError::bad_zip, le64(locator, 8));
    }
    return Directory{.offset = le64(end64, 48), .size = le64(end64, 40)};
  }
  return fail(ImportError::bad_zip, file.size());
}

/// Replaces the fields that the zip64 extra field (4.5.3) carries: those that are all ones in the
/// entry, in order.
void apply_zip64(BytesView extra, ZipMember& member) {
  while (extra.size() >= 4) {
    const auto id = le16(extra, 0);
    const std::size_t size = le16(extra, 2);
    if (size > extra.size() - 4) {
      return;
    }
    auto body = extra.subspan(4, size);
    extra = extra.subspan(4 + size);
    if (id != 1) {
      continue;
    }
    for (auto* field : {&member.size, &member.packed, &member.offset}) {
      if (*field == 0xffff'ffff && body.size() >= 8) {
        *field = le64(body, 0);
        body = body.subspan(8);
      }
    }
  }
}

bool is_safe_name(std::string_view name) {
  if (name.empty() || name.front() == '/' || name.find('\\') != std::string_view::npos ||
      name.find('\0') != std::string_view::npos || name.find(':') == 1) {
    return false;
  }
  while (!name.empty()) {
    const auto part = name.substr(0, name.find('/'));
    if (part == "..") {
      return false;
    }
    name.remove_prefix(std::min(name.size(), part.size() + 1));
  }
  return true;
}

/// One entry of the directory (4.3.12); moves `bytes` behind it.
Result<ZipMember> take_entry(BytesView& bytes, std::uint64_t position) {
  if (bytes.size() < k_central_bytes || le32(bytes, 0) != k_central_mark) {
    return fail(ImportError::bad_zip, position);
  }
  const std::size_t name_bytes = le16(bytes, 28);
  const std::size_t extra_bytes = le16(bytes, 30);
  const std::size_t whole = k_central_bytes + name_bytes + extra_bytes + le16(bytes, 32);
  if (bytes.size() < whole) {
    return fail(ImportError::bad_zip, position);
  }
  ZipMember member{.name = std::string(as_text(bytes.subspan(k_central_bytes, name_bytes))),
                   .packed = le32(bytes, 20),
                   .size = le32(bytes, 24),
                   .offset = le32(bytes, 42),
                   .checksum = le32(bytes, 16),
                   .method = le16(bytes, 10),
                   .flags = le16(bytes, 8)};
  apply_zip64(bytes.subspan(k_central_bytes + name_bytes, extra_bytes), member);
  bytes = bytes.subspan(whole);
  return member;
}

Result<std::vector<ZipMember>> read_directory(RandomAccess& file, const ArchiveLimits& limits) {
  VIVIM_TRY(const auto directory, find_directory(file));
  if (directory.size > limits.directory_bytes_max) {
    return fail(ImportError::zip_bomb, directory.size);
  }
  VIVIM_TRY(const auto bytes,
            read_exactly(file, directory.offset, static_cast<std::size_t>(directory.size)));
  std::vector<ZipMember> members;
  BytesView rest = bytes;
  while (rest.size() >= k_central_bytes) {
    VIVIM_TRY(auto member, take_entry(rest, directory.offset + bytes.size() - rest.size()));
    if (members.size() >= limits.members_max) {
      return fail(ImportError::zip_bomb, members.size());
    }
    if (!member.name.ends_with('/') && is_safe_name(member.name)) {
      members.push_back(std::move(member));
    }
  }
  return members;
}

/// Unpacks one member as it is read.
class ZipSource final : public ByteSource {
 public:
  ZipSource(RandomAccess& file, const ZipMember& member, std::uint64_t data_at,
            const ArchiveLimits& limits, std::uint64_t& counter)
      : file_(file), member_(member), limits_(limits), counter_(counter), at_(data_at) {
    if (member_.method == Z_DEFLATED) {
      ready_ = inflateInit2(&stream_, -MAX_WBITS) == Z_OK;
    }
  }
  ZipSource(const ZipSource&) = delete;
  ZipSource& operator=(const ZipSource&) = delete;
  ~ZipSource() override {
    if (ready_) {
      inflateEnd(&stream_);
    }
  }

  Result<std::size_t> read(MutableBytes into) override {
    if (done_) {
      return std::size_t{0};
    }
    VIVIM_TRY(const auto count, member_.method == Z_DEFLATED ? unpack(into) : copy(into));
    produced_ += count;
    VIVIM_TRYV(check_size());
    checksum_ = static_cast<std::uint32_t>(crc32_z(checksum_, into.data(), count));
    if (count == 0 || produced_ == member_.size) {
      VIVIM_TRYV(finish());
    }
    return count;
  }

 private:
  Result<void> check_size() const {
    const bool bomb = produced_ > limits_.member_bytes_max ||
                      (produced_ > k_bomb_bytes_min &&
                       produced_ / limits_.ratio_max > std::max<std::uint64_t>(1, member_.packed));
    if (bomb) {
      return fail(ImportError::zip_bomb, produced_);
    }
    if (produced_ > member_.size) {
      return fail(ImportError::bad_zip, at_);
    }
    return {};
  }

  Result<void> finish() {
    done_ = true;
    if (produced_ != member_.size) {
      return fail(ImportError::bad_zip, at_);
    }
    if (checksum_ != member_.checksum) {
      return fail(ImportError::zip_checksum);
    }
    return {};
  }

  /// More packed bytes; none at the member's end.
  Result<BytesView> fetch(std::size_t most) {
    const auto want = static_cast<std::size_t>(
        std::min<std::uint64_t>({most, input_.size(), member_.packed - fetched_}));
    if (want == 0) {
      return BytesView{};
    }
    VIVIM_TRY(const auto count, file_.read_at(at_, MutableBytes(input_).first(want)));
    if (count == 0) {
      return fail(ImportError::bad_zip, at_);
    }
    at_ += count;
    fetched_ += count;
    counter_ += count;
    return BytesView(input_).first(count);
  }

  Result<std::size_t> copy(MutableBytes into) {
    VIVIM_TRY(const auto bytes, fetch(into.size()));
    std::ranges::copy(bytes, into.begin());
    return bytes.size();
  }

  Result<std::size_t> unpack(MutableBytes into) {
    if (!ready_) {
      return fail(ImportError::unreadable);
    }
    stream_.next_out = into.data();
    stream_.avail_out = static_cast<uInt>(std::min<std::size_t>(into.size(), 1U << 30));
    const auto room = stream_.avail_out;
    while (stream_.avail_out == room) {
      if (stream_.avail_in == 0) {
        VIVIM_TRY(const auto bytes, fetch(input_.size()));
        stream_.next_in = bytes.data();
        stream_.avail_in = static_cast<uInt>(bytes.size());
      }
      const int code = inflate(&stream_, Z_NO_FLUSH);
      if (code == Z_STREAM_END) {
        break;
      }
      if (code != Z_OK) {
        return fail(ImportError::bad_zip, at_);
      }
    }
    return room - stream_.avail_out;
  }

  RandomAccess& file_;
  const ZipMember& member_;
  const ArchiveLimits& limits_;
  std::uint64_t& counter_;
  std::uint64_t at_;
  std::uint64_t fetched_ = 0;
  std::uint64_t produced_ = 0;
  std::uint32_t checksum_ = 0;
  bool ready_ = false;
  bool done_ = false;
  z_stream stream_{};
  Bytes input_ = Bytes(64 << 10);
};

class ZipFiles final : public ExportFiles {
 public:
  ZipFiles(std::unique_ptr<RandomAccess> file, std::vector<ZipMember> entries,
           const ArchiveLimits& limits)
      : file_(std::move(file)), entries_(std::move(entries)), limits_(limits) {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      members_.push_back({.name = entries_[i].name, .size = entries_[i].size, .index = i});
    }
    std::ranges::sort(members_, {}, &ExportMember::name);
  }

  const std::vector<ExportMember>& members() const override { return members_; }

  Result<std::unique_ptr<ByteSource>> open(const ExportMember& member) override {
    const auto& entry = entries_.at(member.index);
    constexpr std::uint32_t k_encrypted = 1;
    if ((entry.flags & k_encrypted) != 0 || (entry.method != 0 && entry.method != Z_DEFLATED)) {
      return fail(ImportError::zip_unsupported, entry.method);
    }
    if (entry.size > limits_.member_bytes_max) {
      return fail(ImportError::zip_bomb, entry.size);
    }
    VIVIM_TRY(const auto head, read_exactly(*file_, entry.offset, k_local_bytes));
    if (le32(head, 0) != k_local_mark) {
      return fail(ImportError::bad_zip, entry.offset);
    }
    const auto data_at = entry.offset + k_local_bytes + le16(head, 26) + le16(head, 28);
    return std::make_unique<ZipSource>(*file_, entry, data_at, limits_, bytes_read_);
  }

  std::uint64_t bytes_read() const override { return bytes_read_; }
  std::uint64_t bytes_total() const override { return file_->size(); }

 private:
  std::unique_ptr<RandomAccess> file_;
  std::vector<ZipMember> entries_;
  ArchiveLimits limits_;
  std::vector<ExportMember> members_;
  std::uint64_t bytes_read_ = 0;
};

}  // namespace

Result<std::unique_ptr<ExportFiles>> open_zip(std::unique_ptr<RandomAccess> file,
                                              const ArchiveLimits& limits) {
  VIVIM_TRY(auto entries, read_directory(*file, limits));
  return std::make_unique<ZipFiles>(std::move(file), std::move(entries), limits);
}

}  // namespace vivim::chat
