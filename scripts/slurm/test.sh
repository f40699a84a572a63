#!/usr/bin/env bash
# Runs the scripts beside it under a Slurm of one node: a whole job of two tasks; one that is cancelled, and one of
# which a task is killed, go on when they are submitted again and end with the same weights, as do stages that are
# submitted one after another; an array serves two devices. Takes a few minutes.
#
#   scripts/slurm/test.sh [PROGRAM]    build/release/bin/mcunet by default
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ -z "${SLURM_CONF:-}" ]; then exec scripts/slurm/one_node.sh "$0" "$@"; fi

MCUNET=$(realpath "${1:-build/release/bin/mcunet}")
MCUNET_CONFIGS=$PWD/configs
export MCUNET MCUNET_CONFIGS
scripts=$PWD/scripts/slurm
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

fail() { echo "$1" >&2; cat ./*.log >&2; exit 1; }
settings=(--set train.batch_size=16 --set train.gradient_accumulation=2 --set train.largest_epochs=1
  --set train.elastic_epochs=2 --set train.warmup_epochs=0 --set train.log_interval_steps=1
  --set train.checkpoint_interval_steps=5 --set train.threads=1 --set train.correlation_samples=2
  --set dataset.synthetic.examples=640 --set finetune.epochs=1 --set search.iterations=1)
two_tasks="--ntasks 2 --cpus-per-task 1"
# shellcheck disable=SC2086  # options are words
submit() { sbatch --parsable $two_tasks "$scripts/job.sbatch" quickstart --out "$1" "${settings[@]}"; }
wait_for_end() { while squeue -h -j "$1" 2>/dev/null | grep -q .; do sleep 0.5; done; }
wait_for_steps() { until [ -f "$1/train.jsonl" ] && [ "$(wc -l < "$1/train.jsonl")" -ge 10 ]; do sleep 0.1; done; }
finish() {
  wait_for_end "$(submit "$1")"
  [ -f "$1/export.json" ] || fail "$1: the job did not come to its end"
}
same() { cmp "whole/supernet.pt" "$1/supernet.pt" && cmp whole/search.csv "$1/search.csv" || fail "$1: other results"; }

finish whole
echo "two tasks do a whole job"

id=$(submit cancelled)
wait_for_steps cancelled
scancel "$id"
wait_for_end "$id"
grep -q "stopped at step\|stopped; go on" ./*.log || fail "cancelled: did not stop with a checkpoint"
finish cancelled
same cancelled
echo "one that was cancelled goes on and ends with the same bits"

id=$(submit killed)
wait_for_steps killed
# Columns: process, job, step, rank on the node, rank.
kill -KILL "$(scontrol listpids "$id" | awk '$5 == 1 { print $1; exit }')"
wait_for_end "$id"
[ ! -f killed/supernet.pt ] || fail "killed: nothing was killed"
finish killed
same killed
echo "one of which a task was killed goes on and ends with the same bits"

submitted=$(TRAIN=$two_tasks SEARCH=$two_tasks "$scripts/stages.sh" quickstart --out staged "${settings[@]}")
wait_for_end "$(tr ' ' , <<<"$submitted")"
[ -f staged/export.json ] || fail "staged: the stages did not come to their end"
same staged
echo "stages that are submitted one after another end with the same bits"

wait_for_end "$(sbatch --parsable --array 0-1 "$scripts/devices.sbatch" whole stm32f412 stm32h743 -- --set search.iterations=2)"
for device in stm32f412 stm32h743; do
  [ -f "whole-$device/export.json" ] || fail "whole-$device: the array did not come to its end"
  cmp whole/supernet.pt "whole-$device/supernet.pt" || fail "whole-$device: has another supernet"
done
echo "an array of jobs serves two devices with one supernet"
