#!/usr/bin/env bash
# Runs a command in this project's virtual environment, and makes that first where it
# is missing or out of date:
#
#   bash tools/in_venv.sh COMMAND ARGS...
#
# The environment is .venv in the repository, or the folder that MMREVIEWKD_VENV names.
# MMREVIEWKD_STACK names the MMDetection that a new one gets: openmmlab (the default) or
# onedl; docs/install.md says which to take. The command runs in the current directory.
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

# The stacks overwrite each other's files, so an environment keeps the one it has.
present=
if [ -x "$python" ]; then
    present=$("$python" "$root/mmreviewkd/compat/versions.py")
fi
stack=${MMREVIEWKD_STACK:-${present%% *}}
stack=${stack:-openmmlab}
case $stack in
openmmlab | onedl) ;;
*)
    say "MMREVIEWKD_STACK is '$stack'; it can be openmmlab or onedl"
    exit 1
    ;;
esac
case $present in
"" | "$stack") ;;
*)
    say "$venv has MMDetection of '$present', not of $stack alone: remove that folder," \
        "or name another one in MMREVIEWKD_VENV"
    exit 1
    ;;
esac

# Written last, so an interrupted or outdated installation is done again.
stamp=$venv/mmreviewkd-installed
wanted=$({
    echo "$root $stack"
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

    extra=$stack
    # mmcv-lite would overwrite a compiled mmcv.
    if [ "$stack" = openmmlab ] && "$python" -c \
        'from importlib.metadata import version; version("mmcv")' 2>/dev/null; then
        say "keeping the installed mmcv"
        extra=openmmlab-own-mmcv
    fi
    extras=$extra,demo,docs,tests
    say "installing mmreviewkd[$extras] and what it needs (some minutes, about 6 GB)"
    "$python" -m pip install --disable-pip-version-check \
        --editable "$root[$extras]" >&2
    echo "$wanted" >"$stamp"
    say "installed"
fi

export VIRTUAL_ENV=$venv PATH=$venv/bin:$PATH
unset PYTHONHOME
exec "$@"
