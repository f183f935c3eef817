#!/usr/bin/env bash
# Run a script of tools/ in several processes, for dist_train.sh and dist_test.sh:
#   tools/dist.sh SCRIPT PROCESSES ARGS...
# One process a GPU; without a GPU, the processes share the CPU.
# Several machines: NNODES, NODE_RANK, MASTER_ADDR and PORT, as in MMDetection.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}" exec python -m torch.distributed.run \
    --nnodes="${NNODES:-1}" \
    --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="${PORT:-29500}" \
    --nproc_per_node="$2" \
    "$root/tools/$1" "${@:3}" --launcher pytorch
