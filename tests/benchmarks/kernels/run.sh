#!/bin/sh
# Builds a program for an emulated core and runs it; fails if a kernel's output is wrong.
#   run.sh layer_benchmark|random_layers [cortex-m7|cortex-m4|cortex-m3|cortex-m0plus] [options] [compiler flags]
#     --cmsis-nn DIR   layer_benchmark: the same layers by CMSIS-NN, too, of which DIR is a checkout
#     --cycles BIN     layer_benchmark: estimated cycles as well; BIN has the target layer_cycles (build/release/bin)
# Needs gcc-arm-none-eabi, libnewlib-arm-none-eabi and qemu-system-arm. KERNEL_FLAGS replaces -O2, CMSIS_NN_FLAGS
# those with which CMSIS-NN was fastest.
set -eu
program=$1
cpu=${2:-cortex-m7}
shift $(($# < 2 ? $# : 2))
cmsis_nn= cycles=
while [ $# -gt 1 ]; do
  case $1 in
    --cmsis-nn) cmsis_nn=$(cd "$2" && pwd) ;;
    --cycles) cycles=$(cd "$2" && pwd) ;;
    *) break ;;
  esac
  shift 2
done
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
build="arm-none-eabi-gcc $arch -mthumb -std=gnu11 -ffunction-sections -fdata-sections"
if [ -n "$cmsis_nn" ]; then
  # shellcheck disable=SC2046,SC2086
  (cd "$out" && $build ${CMSIS_NN_FLAGS:--O2 -DCMSIS_NN_USE_REQUANTIZE_INLINE_ASSEMBLY \
    -DOPTIONAL_RESTRICT_KEYWORD=__restrict} -I"$cmsis_nn/Include" -c $(find "$cmsis_nn/Source" \
    -name '*.c' ! -path '*/Bindings/*' ! -name '*_f16.c' ! -name '*_f32.c' ! -name '*_flt.c'))
  set -- "$@" -DCMSIS_NN -I"$cmsis_nn/Include" "$here/cmsis_nn.c" "$out"/*.o
fi
# shellcheck disable=SC2086
$build ${KERNEL_FLAGS:--O2} -Wall -Wextra "$@" "$here/$program.c" "$here/startup.c" \
  "$here/semihosting.c" "$here/../../kernels/reference.c" "$kernels"/*.c "$kernels"/*/*.c \
  -I"$kernels" -I"$kernels/convolution" -I"$kernels/depthwise" -I"$kernels/recurrent" -nostartfiles --specs=nano.specs \
  --specs=nosys.specs -Wl,--gc-sections,--no-warn-rwx-segments -T "$here/mps2.ld" \
  -o "$out/program.elf"
run() {
  timeout 300 qemu-system-arm -M $board -icount shift=0 -nographic -monitor none -serial none \
    -semihosting-config enable=on,target=native -kernel "$out/program.elf" "$@" 2>&1
}
if [ -z "$cycles" ]; then
  run
  exit
fi
# Each call of count_instructions is a segment of the counts.
arm-none-eabi-objdump -d --no-show-raw-insn -M reg-names-raw "$out/program.elf" >"$out/disassembly"
range=$(arm-none-eabi-nm -S "$out/program.elf" | awk '$4 == "count_instructions" { print $1, $2 }')
first=$((0x${range% *})) size=$((0x${range#* }))
entries=$(arm-none-eabi-nm "$out/program.elf" | awk '$3 ~ /^(job|cmsis_nn)_run$/ { printf ",entry=%s", $1 }')
run -plugin "$cycles/../lib/mcunet/block_counter.so,out=$out/counts$entries,caller=$(
  printf %x-%x $first $((first + size)))" >"$out/table" || { cat "$out/table"; exit 1; }
"$cycles/layer_cycles" "$out/counts" "$out/disassembly" "$cpu" <"$out/table"
