#!/usr/bin/env bash
# Builds against the libtorch that the Python package `torch` brings, for CPUs or with CUDA, and runs the tests.
#
#   scripts/test_with_pytorch.sh                 PyPI's newest, installed into build/pytorch/venv (5 GB)
#   scripts/test_with_pytorch.sh torch==2.9.0    a version of it
#   scripts/test_with_pytorch.sh FOLDER          one that is installed: python3 -c 'import torch; print(torch.__path__[0])'
#   scripts/test_with_pytorch.sh --slow [...]    the tests with the CTest label `slow` as well
#   scripts/test_with_pytorch.sh --build [...]   the programs only, in build/pytorch/bin
#
# PIP_INDEX_URL=https://download.pytorch.org/whl/cpu has packages without CUDA, which are a tenth as large. Besides libtorch
# and its Gloo, the system's packages are used (scripts/setup.sh). Takes half an hour on two cores, downloads not counted.
set -euo pipefail
cd "$(dirname "$0")/.."

labels=(-LE slow)
targets=()
case "${1:-}" in
  --slow) labels=(); shift ;;
  --build) targets=(--target mcunet); shift ;;
  -*) sed -n '2,12p' "$0" | sed 's/^# \{0,1\}//' >&2; exit 2 ;;
esac

build=build/pytorch
package=${1:-torch}
if [ -d "$package" ]; then
  package=$(realpath "$package")
  python=$(realpath "$package/../../../..")/bin/python3
else
  [ -x $build/venv/bin/python3 ] || python3 -m venv $build/venv
  $build/venv/bin/pip install --quiet "$package" numpy onnxruntime
  python=$PWD/$build/venv/bin/python3
  package=$("$python" -c 'import torch; print(torch.__path__[0])')
fi

cmake -S . -B $build -G Ninja -DCMAKE_BUILD_TYPE=Release -DMCUNET_TORCH_PACKAGE="$package" \
  -DMCUNET_BUILD_LIBRARY_TESTS=OFF
cmake --build $build "${targets[@]}"
[ ${#targets[@]} -eq 0 ] || exit 0
# The tests that read files with PyTorch find the same one.
[ ! -x "$python" ] || export PATH=${python%/*}:$PATH
export OMP_WAIT_POLICY=passive
ctest --test-dir $build --output-on-failure --no-tests=error -j"$(nproc)" "${labels[@]}"
