#!/usr/bin/env bash
# Train with several processes on this machine, or on each of several:
#   tools/dist_train.sh CONFIG PROCESSES [flags of tools/train.py]
# GPUs and several machines: see dist.sh.
exec "$(dirname "$0")/dist.sh" train.py "$2" "$1" "${@:3}"
