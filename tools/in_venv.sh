#!/usr/bin/env bash
# Runs a command in this project's virtual environment, and makes that first where it
# is missing or out of date:
#
#   bash tools/in_venv.sh COMMAND ARGS...
#
# The environment is .venv in the repository, or the folder that MMREVIEWKD_VENV names.
# The command runs in the current directory.
set -euo pipefail

if [ $# -eq 0 ]; then
    echo "usage: bash tools/in_venv.sh COMMAND ARGS..." >&2
    exit 2
fi

say() { echo "in_venv: $*" >&2; }

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=${MMREVIEWKD_VENV:-$root/.venv}
case $venv in /*) ;; *) venv=$PWD/$venv ;; esac
python=$venv/bin/python

# Written last, so an interrupted or outdated installation is done again.
stamp=$venv/mmreviewkd-installed
wanted=$({
    echo "$root"
    cd "$root"
    cat setup.py mmreviewkd/compat/versions.py tools/in_venv.sh
} | cksum)

if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
    if ! "$python" -m pip --version >/dev/null 2>&1; then
        if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
            say "needs Python 3.10 or newer as python3;" \
                "found: $(python3 --version 2>&1 || true)"
            exit 1
        fi
        say "making a virtual environment in $venv"
        python3 -m venv "$venv"
    fi

    extras=demo,docs,tests
    # mmcv-lite would overwrite a compiled mmcv.
    if "$python" -c 'from importlib.metadata import version; version("mmcv")' \
        2>/dev/null; then
        say "keeping the installed mmcv"
    else
        extras=$extras,lite
    fi
    say "installing mmreviewkd[$extras] and what it needs (some minutes, about 6 GB)"
    "$python" -m pip install --disable-pip-version-check \
        --editable "$root[$extras]" >&2
    echo "$wanted" >"$stamp"
    say "installed"
fi

export VIRTUAL_ENV=$venv PATH=$venv/bin:$PATH
unset PYTHONHOME
exec "$@"
