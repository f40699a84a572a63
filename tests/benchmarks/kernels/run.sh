#!/bin/sh
# Builds the layer benchmark for an emulated board and runs it.
#   run.sh [cortex-m7|cortex-m4|cortex-m3] [compiler flags]
# Needs gcc-arm-none-eabi, libnewlib-arm-none-eabi and qemu-system-arm.
set -eu
cpu=${1:-cortex-m7}
[ $# -gt 0 ] && shift
here=$(cd "$(dirname "$0")" && pwd)
kernels=$here/../../../engine/kernels
out=${OUT:-$(mktemp -d)}
case $cpu in
  cortex-m7) board=mps2-an500 arch="-mcpu=cortex-m7 -mfpu=fpv5-sp-d16 -mfloat-abi=hard" ;;
  cortex-m4) board=mps2-an386 arch="-mcpu=cortex-m4 -mfpu=fpv4-sp-d16 -mfloat-abi=hard" ;;
  cortex-m3) board=mps2-an385 arch="-mcpu=cortex-m3" ;;
  *) echo "unknown core $cpu" >&2; exit 2 ;;
esac
flags="$arch -mthumb -std=gnu11 -O2 -ffunction-sections -fdata-sections -Wall -Wextra $*"
arm-none-eabi-gcc $flags "$here"/*.c "$here/../../kernels/reference.c" "$kernels"/*.c \
  -nostartfiles --specs=nano.specs --specs=nosys.specs -Wl,--gc-sections,--no-warn-rwx-segments \
  -T "$here/mps2.ld" -o "$out/layers.elf"
qemu-system-arm -M $board -icount shift=0 -nographic -monitor none -serial none \
  -semihosting-config enable=on,target=native -kernel "$out/layers.elf" 2>&1
