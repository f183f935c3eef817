#!/usr/bin/env bash
# Train on a Slurm cluster; variables and GPUs: see slurm.sh.
#   tools/slurm_train.sh PARTITION JOB_NAME CONFIG WORK_DIR [flags of tools/train.py]
exec "$(dirname "$0")/slurm.sh" train.py "$1" "$2" "$3" --work-dir "$4" "${@:5}"
