#!/usr/bin/env bash
# Checks the formatting of all C and C++ files, and runs clang-tidy.
#
#   scripts/lint.sh            check
#   scripts/lint.sh --fix      format in place instead
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t files < <(git ls-files --cached --others --exclude-standard '*.cpp' '*.hpp' '*.c' '*.h')
case "${1:-}" in
  --fix) clang-format -i "${files[@]}" ;;
  '')
    clang-format --dry-run -Werror "${files[@]}"
    echo "${#files[@]} files are formatted."
    # Generated headers come with a build. Some sources are compiled for tests too, with a precompiled
    # header that clang cannot read; those commands are left out.
    [ -f build/release/bin/mcunet ] || scripts/setup.sh --build
    mkdir -p build/lint
    python3 - <<'PYTHON'
import json
commands = json.load(open("build/release/compile_commands.json"))
kept = [c for c in commands if " -o tests/" not in c["command"]]
json.dump(kept, open("build/lint/compile_commands.json", "w"))
PYTHON
    mapfile -t sources < <(git ls-files 'src/*.cpp' 'engine/*.cpp' 'search/*.cpp' 'deploy/*.cpp' 'datasets/*.cpp')
    printf '%s\0' "${sources[@]}" |
      xargs -0 -n 4 -P "$(nproc)" clang-tidy -p build/lint --quiet --warnings-as-errors='*' \
        2> >(grep -v 'warnings generated' >&2)
    echo "${#sources[@]} sources pass clang-tidy."
    ;;
  *) sed -n '2,5p' "$0" | sed 's/^# \{0,1\}//' >&2; exit 2 ;;
esac
