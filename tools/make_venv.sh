#!/bin/sh
# make_venv.sh FOLDER [PYTHON]: make a virtual environment in FOLDER with PYTHON, or with the first
# Python >= 3.10 on the PATH that can make one.  Says in one line what is missing where none can.
set -eu

folder=$1
wanted=${2-}

new_enough='import sys; sys.exit(sys.version_info < (3, 10))'
can_make_venv='import ensurepip, venv'

if [ -n "$wanted" ]; then
    set -- "$wanted"
else
    set -- python3 python3.14 python3.13 python3.12 python3.11 python3.10 python
fi

without_venv=
for candidate; do
    command -v "$candidate" >/dev/null 2>&1 || continue
    "$candidate" -c "$new_enough" >/dev/null 2>&1 || continue
    if ! "$candidate" -c "$can_make_venv" >/dev/null 2>&1; then
        without_venv=$candidate
        continue
    fi
    echo "Making a virtual environment in $folder with $("$candidate" --version) ..."
    exec "$candidate" -m venv --clear "$folder"
done

if [ -n "$without_venv" ]; then
    echo "$without_venv cannot make virtual environments: install its venv module (on Debian and Ubuntu: apt install python3-venv) and run this again." >&2
elif [ -n "$wanted" ]; then
    echo "$wanted is no Python 3.10 or newer: give another with make PYTHON=/path/to/python3." >&2
else
    echo "No Python 3.10 or newer was found on the PATH: install one, or name it with make PYTHON=/path/to/python3." >&2
fi
exit 1
