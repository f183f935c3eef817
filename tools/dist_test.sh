#!/usr/bin/env bash
# Test with several processes:
#   tools/dist_test.sh CONFIG CHECKPOINT PROCESSES [flags of tools/test.py]
# GPUs and several machines: see dist.sh.
exec "$(dirname "$0")/dist.sh" test.py "$3" "$1" "$2" "${@:4}"
