#pragma once

#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vivim/chat/importers/importer.hpp"

namespace vivim::chat {

/// Keeps everything it is given.
class KeepingSink final : public Sink {
 public:
  Result<void> conversation(Imported imported) override {
    conversations.push_back(std::move(imported));
    return {};
  }
  Result<void> file(ImportedFile file) override {
    files.push_back(std::move(file));
    return {};
  }

  std::vector<Imported> conversations;
  std::vector<ImportedFile> files;
};

/// An export in memory; reads come in pieces of `step` bytes.
class MemoryExport final : public ExportFiles {
 public:
  explicit MemoryExport(std::vector<std::pair<std::string, std::string>> files,
                        std::size_t step = 1 << 16)
      : files_(std::move(files)), step_(step) {
    for (std::size_t i = 0; i < files_.size(); ++i) {
      members_.push_back({.name = files_[i].first, .size = files_[i].second.size(), .index = i});
    }
  }

  const std::vector<ExportMember>& members() const override { return members_; }
  Result<std::unique_ptr<ByteSource>> open(const ExportMember& member) override {
    return std::make_unique<Reader>(files_[member.index].second, step_);
  }
  std::uint64_t bytes_read() const override { return 0; }
  std::uint64_t bytes_total() const override { return 0; }

 private:
  class Reader final : public ByteSource {
   public:
    Reader(std::string_view bytes, std::size_t step) : bytes_(bytes), step_(step) {}
    Result<std::size_t> read(MutableBytes into) override {
      const auto piece = bytes_.substr(0, std::min(step_, into.size()));
      std::memcpy(into.data(), piece.data(), piece.size());
      bytes_.remove_prefix(piece.size());
      return piece.size();
    }

   private:
    std::string_view bytes_;
    std::size_t step_;
  };

  std::vector<std::pair<std::string, std::string>> files_;
  std::vector<ExportMember> members_;
  std::size_t step_;
};

}  // namespace vivim::chat
