#!/usr/bin/env bash
# Run a script of tools/ on a Slurm cluster, for slurm_train.sh and slurm_test.sh:
#   [GPUS=8] [GPUS_PER_NODE=8] [CPUS_PER_TASK=5] [SRUN_ARGS=...] \
#       tools/slurm.sh SCRIPT PARTITION JOB_NAME ARGS...
# GPUS is the number of processes; GPUS_PER_NODE=0 runs them all on one node's CPU.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
gpus=${GPUS:-8}
per_node=${GPUS_PER_NODE:-8}
nodes_args=(--ntasks-per-node="$gpus")
if [ "$per_node" -gt 0 ]; then
    nodes_args=(--gres="gpu:$per_node" --ntasks-per-node="$per_node")
fi
# SRUN_ARGS is a list of flags.
# shellcheck disable=SC2086
PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}" exec srun \
    --partition="$2" \
    --job-name="$3" \
    --ntasks="$gpus" \
    "${nodes_args[@]}" \
    --cpus-per-task="${CPUS_PER_TASK:-5}" \
    --kill-on-bad-exit=1 \
    ${SRUN_ARGS:-} \
    python -u "$root/tools/$1" "${@:4}" --launcher slurm
