#!/usr/bin/env bash
# Checks the formatting of all C and C++ files, and runs clang-tidy.
#
#   scripts/lint.sh            check
#   scripts/lint.sh --format   formatting only
#   scripts/lint.sh --fix      format in place instead
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t files < <(git ls-files --cached --others --exclude-standard '*.cpp' '*.hpp' '*.c' '*.h' '*.cu')
case "${1:-}" in
  --fix) clang-format -i "${files[@]}" ;;
  --format)
    clang-format --dry-run -Werror "${files[@]}"
    echo "${#files[@]} files are formatted."
    ;;
  '')
    clang-format --dry-run -Werror "${files[@]}"
    echo "${#files[@]} files are formatted."
    # Generated headers come with a build. Clang cannot read the precompiled headers of GCC, which are
    # taken out of the commands. Sources that are compiled for tests too are checked once. What meets
    # libtorch is left out: clang 14 does not get through its headers.
    [ -f build/release/bin/mcunet ] || scripts/setup.sh --build
    mkdir -p build/lint
    python3 - <<'PYTHON'
import json
import re
commands = json.load(open("build/release/compile_commands.json"))
kept = [c for c in commands if " -o tests/" not in c["command"] and "USE_C10D" not in c["command"]]
for c in kept:
    c["command"] = re.sub(r"-Winvalid-pch -include \S+", "", c["command"])
json.dump(kept, open("build/lint/compile_commands.json", "w"))
PYTHON
    mapfile -t sources < <(python3 -c '
import json, os
for c in json.load(open("build/lint/compile_commands.json")):
    if c["file"].endswith(".cpp") and "/build/" not in c["file"]: print(os.path.relpath(c["file"]))' | sort -u)
    printf '%s\0' "${sources[@]}" |
      xargs -0 -n 4 -P "$(nproc)" clang-tidy -p build/lint --quiet --warnings-as-errors='*' \
        2> >(grep -v 'warnings generated' >&2)
    echo "${#sources[@]} sources pass clang-tidy."
    ;;
  *) sed -n '2,6p' "$0" | sed 's/^# \{0,1\}//' >&2; exit 2 ;;
esac
