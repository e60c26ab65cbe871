#!/bin/sh
# Creates the virtual environment in the given folder with the newest Python that the pins have builds for (3.11 to 3.13).
#
#   scripts/make_venv.sh .venv          PYTHON=/path/to/python picks the interpreter by hand.
#
# A virtual environment that works is left as it is; a broken one (half made, or its Python is gone) is made again.
set -eu

venv=$1
fits='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'

if "$venv/bin/python" -c "$fits" 2>/dev/null && "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    exit 0
fi

chosen= # fits and can make virtual environments
bare=   # fits, but Debian's python3-venv is not installed
for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
    "$candidate" -c "$fits" 2>/dev/null || continue
    if "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
        chosen=$candidate
        break
    fi
    bare=${bare:-$candidate}
done

if [ -z "$chosen" ] && [ -n "$bare" ]; then
    list=$(mktemp)
    trap 'rm -f "$list"' EXIT
    "$bare" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])' >"$list"
    "$(dirname "$0")/system_packages.sh" "$list" || exit 1
    chosen=$bare
fi
if [ -z "$chosen" ]; then
    found=$("${PYTHON:-python3}" --version 2>&1) || found="none"
    echo "Python 3.11, 3.12 or 3.13 is needed, found: $found; please install one, or name it with PYTHON=/path/to/python." >&2
    exit 1
fi

echo "Making a virtual environment in $venv with $("$chosen" --version)." >&2
if ! (
    trap 'exit 1' INT TERM
    "$chosen" -m venv --clear "$venv"
); then
    rm -rf "$venv" # half an environment would pass for a whole one
    echo "$chosen could not make a virtual environment; on Debian and Ubuntu please run: sudo apt-get install python3-venv" >&2
    exit 1
fi
