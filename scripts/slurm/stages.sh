#!/usr/bin/env bash
# A job as three Slurm jobs that wait for each other, each of the size that it needs: the training of the supernet on
# many GPUs, the search on some, fine-tuning and export on one. Prints their numbers.
#
#   TRAIN="--nodes 4 --gpus-per-node 8 --ntasks-per-node 8" SEARCH="--ntasks 4 --gpus 4" FINISH="--gpus 1" \
#     scripts/slurm/stages.sh imagenet --set dataset.path=/data/imagenet --out /shared/runs/imagenet
#
# The arguments are those of `mcunet run`; TRAIN, SEARCH and FINISH hold options of sbatch. A stage that was cut off
# is submitted again with the same command: what is complete is not done again.
set -euo pipefail
[ $# -gt 0 ] || { sed -n '2,10p' "$0" | sed 's/^# \{0,1\}//' >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)

# shellcheck disable=SC2086  # options are words
submit() {
  local name=$1 options=$2 after=$3
  shift 3
  sbatch --parsable --job-name "mcunet-$name" ${after:+--dependency=afterok:$after --kill-on-invalid-dep=yes} \
    $options --export "ALL,MCUNET_COMMAND=$name" "$here/job.sbatch" "$@"
}
train=$(submit train "${TRAIN:-}" "" "$@")
search=$(submit search "${SEARCH:-}" "$train" "$@")
# What is left of the whole job.
finish=$(submit run "${FINISH:---ntasks 1}" "$search" "$@")
echo "$train $search $finish"
