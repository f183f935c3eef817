#!/usr/bin/env bash
# Test on a Slurm cluster:
#   [GPUS=8] [GPUS_PER_NODE=8] [CPUS_PER_TASK=5] [SRUN_ARGS=...] \
#       tools/slurm_test.sh PARTITION JOB_NAME CONFIG CHECKPOINT [flags of tools/test.py]
# Variables as in slurm_train.sh.
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
    --partition="$1" \
    --job-name="$2" \
    --ntasks="$gpus" \
    "${nodes_args[@]}" \
    --cpus-per-task="${CPUS_PER_TASK:-5}" \
    --kill-on-bad-exit=1 \
    ${SRUN_ARGS:-} \
    python -u "$root/tools/test.py" "$3" "$4" --launcher slurm "${@:5}"
