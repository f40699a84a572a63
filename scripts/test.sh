#!/usr/bin/env bash
# Builds and runs the tests.
#
#   scripts/test.sh                   Release build, fast tests
#   scripts/test.sh --slow            also those with the CTest label `slow`
#   scripts/test.sh --only-slow       these alone
#   scripts/test.sh --preset sanitize the tests under AddressSanitizer and UBSan; any preset will do
set -euo pipefail
cd "$(dirname "$0")/.."

preset=release
labels=(-LE slow)
while [ $# -gt 0 ]; do
  case "$1" in
    --slow) labels=() ;;
    --only-slow) labels=(-L slow) ;;
    --preset) preset=${2:?--preset needs a name}; shift ;;
    *) sed -n '2,7p' "$0" | sed 's/^# \{0,1\}//' >&2; exit 2 ;;
  esac
  shift
done

build=build/$preset
[ "$preset" != ci ] || build=build/release
cmake --preset "$preset" >/dev/null
cmake --build "$build"
# GNU OpenMP and TBB threads must not spin against each other.
export OMP_WAIT_POLICY=passive
ctest --test-dir "$build" --output-on-failure --no-tests=error -j"$(nproc)" "${labels[@]}"
