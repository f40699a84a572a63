#!/usr/bin/env bash
# Runs a command beside a Slurm of one node, this machine, which ends with it. For tests; needs root and the
# packages slurm-wlm and munge.
#
#   scripts/slurm/one_node.sh COMMAND…
set -euo pipefail

for program in munged slurmctld slurmd; do
  command -v "$program" >/dev/null || PATH="$PATH:/usr/sbin"
  command -v "$program" >/dev/null || { echo "$program is not there: install slurm-wlm and munge" >&2; exit 1; }
done
[ "$(id -u)" -eq 0 ] || { echo "Slurm's daemons are to be started by root" >&2; exit 1; }

folder=$(mktemp -d)
started=()
cleanup() {
  for process in "${started[@]}"; do kill "$process" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$folder"
}
trap cleanup EXIT

host=$(hostname -s)
mkdir -p "$folder/state" "$folder/spool" /run/munge /etc/munge
[ -f /etc/munge/munge.key ] || { head -c 1024 /dev/urandom > /etc/munge/munge.key; chmod 400 /etc/munge/munge.key; }
chown -R munge /run/munge /etc/munge
cat > "$folder/slurm.conf" <<CONFIG
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=root
AuthType=auth/munge
MpiDefault=none
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
KillWait=60
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONFIG
export SLURM_CONF=$folder/slurm.conf

if ! munge -n >/dev/null 2>&1; then
  runuser -u munge -- munged --foreground >"$folder/munged.log" 2>&1 & started+=($!)
fi
slurmctld -D >"$folder/slurmctld.log" 2>&1 & started+=($!)
slurmd -D >"$folder/slurmd.log" 2>&1 & started+=($!)
for _ in $(seq 100); do
  [ "$(sinfo -h -o %t 2>/dev/null)" = idle ] && break
  sleep 0.2
done
[ "$(sinfo -h -o %t)" = idle ] || { cat "$folder"/*.log >&2; exit 1; }

"$@"
