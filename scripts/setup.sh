#!/usr/bin/env bash
# Installs what mcunet needs on Debian 12 or a relative of it, and builds its programs.
#
#   scripts/setup.sh              packages, and a Release build of the programs in build/release
#   scripts/setup.sh --packages   packages only
#   scripts/setup.sh --build      build only
#
# scripts/test.sh builds the tests.
# Can be run again at any time: what is there already is left alone.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
  # tools
  cmake ninja-build g++ ccache mold pkg-config git python3 clang-format clang-tidy
  # libraries
  libyaml-cpp-dev libspdlog-dev libfmt-dev nlohmann-json3-dev libcli11-dev libtbb-dev libgmp-dev
  flatbuffers-compiler libflatbuffers-dev libopencv-dev libjpeg62-turbo-dev libsndfile1-dev
  libeigen3-dev
  # training; OpenBLAS, because the reference BLAS is 30 times slower
  libtorch-dev libgloo-dev libopenblas0-pthread libgoogle-perftools-dev libonnx-dev libprotobuf-dev
  # tests and benchmarks
  libgtest-dev libgmock-dev libbenchmark-dev
  # fuzzing
  clang libclang-rt-14-dev
  # firmware and its emulator
  gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm
  # plots
  gnuplot-nox fonts-dejavu-core
)

install_packages() {
  local missing=()
  for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
      missing+=("$package")
  done
  if [ ${#missing[@]} -eq 0 ]; then
    echo "All ${#packages[@]} packages are installed."
    return
  fi
  echo "Installing ${missing[*]}"
  local as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends \
    "${missing[@]}" >/dev/null
}

build() {
  cmake --preset release >/dev/null
  cmake --build build/release --target mcunet
  echo "Built build/release/bin/mcunet; try: build/release/bin/mcunet --help"
}

case "${1:-}" in
  --packages) install_packages ;;
  --build) build ;;
  '') install_packages && build ;;
  *) sed -n '2,9p' "$0" | sed 's/^# \{0,1\}//' >&2; exit 2 ;;
esac
