#!/usr/bin/env bash
# Usage: tools/environment.sh FOLDER PIP-INSTALL-ARGUMENTS...
# Makes a virtual environment in FOLDER, if it is not there, and installs into it.
# The interpreter: $PYTHON, else the first python3 between 3.10 and 3.13 on the path.
set -euo pipefail

folder=$1
shift

fits() {
    "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.10}; do
        if fits "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    echo "No Python 3.10 to 3.13 was found; install one, or name one: make PYTHON=/path/to/python3" >&2
    return 1
}

if [ ! -x "$folder/bin/python" ]; then
    python=$(find_python)
    echo "Making $folder with $("$python" --version)"
    "$python" -m venv "$folder" || {
        rm -rf "$folder"
        echo "The venv module does not work: on Debian or Ubuntu, apt-get install python3-venv" >&2
        exit 1
    }
fi

echo "Installing into $folder: $* (the first time this takes minutes)"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
