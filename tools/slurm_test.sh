#!/usr/bin/env bash
# Test on a Slurm cluster; variables and GPUs: see slurm.sh.
#   tools/slurm_test.sh PARTITION JOB_NAME CONFIG CHECKPOINT [flags of tools/test.py]
exec "$(dirname "$0")/slurm.sh" test.py "$1" "$2" "$3" "$4" "${@:5}"
