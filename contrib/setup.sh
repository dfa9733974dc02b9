#!/bin/sh
# Makes $VENV with every package pinned (version and hash) in constraints.txt, and dides itself, editable.
# Needs Python 3.11 or newer; brings Debian's venv module itself where it may (root, or passwordless sudo).
set -eu
VENV="${VENV:-.venv}"

find_python() {
    for candidate in "${PYTHON:-python3.11}" python3.13 python3.12 python3.11 python3; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "dides needs Python 3.11 or newer: install it, or name it with 'make PYTHON=/path/to/python3'." >&2
    exit 1
}

python="$(find_python)"
echo "==> setting up $VENV with $("$python" --version)"
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    sudo=""
    [ "$(id -u)" = 0 ] || sudo="sudo -n"
    echo "==> this Python has no venv module; installing Debian's python3-venv"
    if ! { $sudo apt-get update -qq && $sudo apt-get install -y -qq python3-venv; } >/dev/null; then
        echo "Could not install it. Run: sudo apt-get install python3-venv" >&2
        exit 1
    fi
fi
rm -rf "$VENV"
"$python" -m venv "$VENV"
echo "==> installing $(grep -c '^[a-z]' constraints.txt) pinned packages (a minute or two on a first run)"
"$VENV/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r constraints.txt
echo "==> installing dides itself"
"$VENV/bin/pip" install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
