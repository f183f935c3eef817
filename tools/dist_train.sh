#!/usr/bin/env bash
# Train with several processes on this machine, or on each of several:
#   tools/dist_train.sh CONFIG PROCESSES [flags of tools/train.py]
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
    "$root/tools/train.py" "$1" --launcher pytorch "${@:3}"
