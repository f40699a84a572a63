#!/bin/sh
# Builds a program for an emulated core and runs it; fails if a kernel's output is wrong.
#   run.sh layer_benchmark|random_layers [cortex-m7|cortex-m4|cortex-m3|cortex-m0plus] [compiler flags]
# Needs gcc-arm-none-eabi, libnewlib-arm-none-eabi and qemu-system-arm. KERNEL_FLAGS replaces -O2.
set -eu
program=$1
cpu=${2:-cortex-m7}
shift $(($# < 2 ? $# : 2))
here=$(cd "$(dirname "$0")" && pwd)
kernels=$here/../../../engine/kernels
case $cpu in
  cortex-m7)
    board=mps2-an500
    arch="-mcpu=cortex-m7 -mfpu=fpv5-sp-d16 -mfloat-abi=hard -DMCUNET_DUAL_ISSUE" ;;
  cortex-m4) board=mps2-an386 arch="-mcpu=cortex-m4 -mfpu=fpv4-sp-d16 -mfloat-abi=hard" ;;
  cortex-m3) board=mps2-an385 arch="-mcpu=cortex-m3" ;;
  # No board with enough memory: its instructions run on an M3.
  cortex-m0plus) board=mps2-an385 arch="-mcpu=cortex-m0plus" ;;
  *) echo "unknown core $cpu" >&2; exit 2 ;;
esac
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
# shellcheck disable=SC2086
arm-none-eabi-gcc $arch -mthumb -std=gnu11 ${KERNEL_FLAGS:--O2} -ffunction-sections -fdata-sections \
  -Wall -Wextra "$@" "$here/$program.c" "$here/startup.c" "$here/semihosting.c" \
  "$here/../../kernels/reference.c" "$kernels"/*.c "$kernels"/*/*.c \
  -I"$kernels" -I"$kernels/convolution" -I"$kernels/depthwise" -nostartfiles --specs=nano.specs \
  --specs=nosys.specs -Wl,--gc-sections,--no-warn-rwx-segments -T "$here/mps2.ld" \
  -o "$out/program.elf"
timeout 300 qemu-system-arm -M $board -icount shift=0 -nographic -monitor none -serial none \
  -semihosting-config enable=on,target=native -kernel "$out/program.elf" 2>&1
