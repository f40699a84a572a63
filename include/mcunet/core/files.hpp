#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace mcunet {

// Writes to a temporary name in the same folder, flushes to disk and renames: a reader sees the old
// file or the new one, never a part. Behind a symbolic link the file that it leads to is replaced,
// and the link stays. Throws Error, leaving what was there as it was: for a folder, a device, a pipe
// or a link that leads nowhere too, none of which is replaced.
void write_file_atomically(const std::filesystem::path& file, std::string_view contents);

// Writes all of it to an open file; false, with errno telling why, if that cannot be done.
bool write_all(int descriptor, std::string_view contents);

// What write_file_atomically() would refuse to replace is told before the work is done. Throws
// Error.
void require_replaceable_file(const std::filesystem::path& file);

// Removes what processes that were killed while they wrote left in the folder and below.
void remove_abandoned_files(const std::filesystem::path& folder);

inline constexpr std::int64_t kMaxFileBytes = std::int64_t{4} << 30;
// Of a file that people write or that programs write for people: YAML, JSON.
inline constexpr std::int64_t kMaxTextBytes = std::int64_t{64} << 20;

// Throws Error, without waiting for anybody, if it is no regular file (a pipe, a device, a folder),
// is larger than that, or cannot be read.
std::string read_file(const std::filesystem::path& file, std::int64_t max_bytes = kMaxFileBytes);

// Creates the folder and those above it where they are missing; returns it. Throws Error.
std::filesystem::path make_folder(const std::filesystem::path& folder);

// The folder and those above it that do not exist, deepest first.
std::vector<std::filesystem::path> missing_folders(const std::filesystem::path& folder);

// Proves that the folder exists or can be created and that a file can be written there, and leaves
// no trace: long work must not end in an error that could be told before. Throws Error.
void require_writable_folder(const std::filesystem::path& folder);

// Where this program lies; empty if the system does not tell.
std::filesystem::path executable_folder();

// Finds what the user named, in this order: the path as it stands; NAME.yaml in
// $MCUNET_CONFIGS/GROUP; then in configs/GROUP of the working directory, of a folder above the
// executable, or of the installation. Throws Error that lists the names there are.
std::filesystem::path find_config(const std::string& name, const std::string& group);

}  // namespace mcunet
