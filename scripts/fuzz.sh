#!/usr/bin/env bash
# Fuzzes the .tflite reader, the reference executor and the generator of C in one process.
#
#   scripts/fuzz.sh [SECONDS]   60 by default
#
# Builds the preset `fuzz` (clang, libFuzzer, AddressSanitizer, UBSan) and runs it on small random models of
# every operator and on what it found interesting before, in build/fuzz/corpus. An input that fails is kept in
# build/fuzz/findings; build/fuzz/bin/tflite_reader_fuzz FILE shows it again.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
folder=build/fuzz
cmake --preset fuzz >/dev/null
cmake --build "$folder" --target tflite_reader_fuzz write_random_models
mkdir -p "$folder/corpus" "$folder/findings"
models=$(mktemp -d)
trap 'rm -rf "$models"' EXIT
"$folder/bin/write_random_models" "$models" 3
mkdir "$models/only"
mv "$models"/*.tflite "$models/only"
"$folder/bin/tflite_reader_fuzz" "$folder/corpus" "$models/only" -max_total_time="$seconds" -max_len=16384 \
  -timeout=30 -rss_limit_mb=3000 -print_final_stats=1 -verbosity=0 -artifact_prefix="$folder/findings/"
