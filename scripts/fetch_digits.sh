#!/usr/bin/env bash
# Makes a small set of real images out of what Debian ships: the test half of UCI's "Optical Recognition of
# Handwritten Digits" (Alpaydin and Kaynak, 1998), 1797 digits of 8x8 pixels by 13 people, which are in the package
# python3-sklearn. The package is downloaded (2 MB), not installed.
#
#   scripts/fetch_digits.sh FOLDER     writes FOLDER/0/0000.pgm to FOLDER/8/1796.pgm
#   mcunet run digits --set dataset.path=FOLDER
set -euo pipefail
[ $# -eq 1 ] && [[ $1 != -* ]] || { sed -n '2,7p' "$0" | sed 's/^# \{0,1\}//' >&2; exit 2; }
[ ! -e "$1" ] || { echo "$1: is there already; name a folder to make" >&2; exit 1; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
(cd "$scratch" && apt-get -qq -o APT::Sandbox::User="$(id -un)" download python3-sklearn >/dev/null) ||
  { echo "python3-sklearn: cannot be downloaded; apt-get update may help" >&2; exit 1; }
dpkg-deb --fsys-tarfile "$scratch"/python3-sklearn_*.deb |
  tar -x -O --wildcards '*/datasets/data/digits.csv.gz' | gunzip >"$scratch/digits.csv"

# A line has 64 pixels from 0 to 16, row by row, and the digit.
python3 - "$scratch/digits.csv" "$scratch/digits" <<'PYTHON'
import pathlib
import sys

source, folder = sys.argv[1], pathlib.Path(sys.argv[2])
lines = open(source).read().split()
for index, line in enumerate(lines):
    *pixels, digit = (int(float(value)) for value in line.split(","))
    if len(pixels) != 64 or not 0 <= digit <= 9:
        sys.exit(f"digits.csv:{index + 1}: expected 64 pixels and a digit")
    (folder / str(digit)).mkdir(parents=True, exist_ok=True)
    image = b"P5 8 8 255\n" + bytes(255 * pixel // 16 for pixel in pixels)
    (folder / str(digit) / f"{index:04}.pgm").write_bytes(image)
print(f"{len(lines)} images")
PYTHON
mkdir -p "$(dirname "$1")"
mv "$scratch/digits" "$1"
