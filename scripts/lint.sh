#!/usr/bin/env bash
# Checks the formatting of all C and C++ files, and runs clang-tidy.
#
#   scripts/lint.sh            check
#   scripts/lint.sh --all      also what includes libtorch, which takes long
#   scripts/lint.sh --format   formatting only
#   scripts/lint.sh --fix      format in place instead
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t files < <(git ls-files --cached --others --exclude-standard '*.cpp' '*.hpp' '*.c' '*.h')
case "${1:-}" in
  --fix) clang-format -i "${files[@]}" ;;
  --format)
    clang-format --dry-run -Werror "${files[@]}"
    echo "${#files[@]} files are formatted."
    ;;
  ''|--all)
    clang-format --dry-run -Werror "${files[@]}"
    echo "${#files[@]} files are formatted."
    # Generated headers come with a build. Clang cannot read the precompiled headers of GCC, which are
    # taken out of the commands; sources that are compiled for tests too are checked once. The sources
    # that meet libtorch are checked with --all: its headers take a quarter of a minute each.
    [ -f build/release/bin/mcunet ] || scripts/setup.sh --build
    mkdir -p build/lint
    python3 - <<'PYTHON'
import json
import re
commands = json.load(open("build/release/compile_commands.json"))
kept = [c for c in commands if " -o tests/" not in c["command"]]
for c in kept:
    c["command"] = re.sub(r"-Winvalid-pch -include \S+", "", c["command"])
json.dump(kept, open("build/lint/compile_commands.json", "w"))
PYTHON
    mapfile -t sources < <(git ls-files 'src/*.cpp' 'engine/*.cpp' 'search/*.cpp' 'deploy/*.cpp' 'datasets/*.cpp' 'supernet/*.cpp')
    if [ "${1:-}" != --all ]; then
      mapfile -t sources < <(grep -LE '<(torch|ATen|c10)/|mcunet/supernet/' "${sources[@]}")
    fi
    printf '%s\0' "${sources[@]}" |
      xargs -0 -n 4 -P "$(nproc)" clang-tidy -p build/lint --quiet --warnings-as-errors='*' \
        2> >(grep -v 'warnings generated' >&2)
    echo "${#sources[@]} sources pass clang-tidy."
    ;;
  *) sed -n '2,7p' "$0" | sed 's/^# \{0,1\}//' >&2; exit 2 ;;
esac
