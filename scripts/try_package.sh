#!/bin/sh
# Installs a wheel of this project in an empty environment, with the locked versions, and lets it write music.
#
#   scripts/try_package.sh out/package/musiclstm-0.2.0-py3-none-any.whl
#
# PYTHON names the interpreter, python3 by default. Nothing stays behind.
set -eu

wheel=$(realpath "$1")
lock=$(realpath "$(dirname "$0")/../constraints.txt")
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"

"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input --constraint "$lock" "$wheel"
venv/bin/musiclstm --version
venv/bin/musiclstm seeds | head -n 3
venv/bin/musiclstm generate --seed mozart-k545-1 --bars 2 --random-seed 1 --no-audio --out first
venv/bin/musiclstm generate --recipe first/recipe.json --no-audio --out again
cmp first/joined.mid again/joined.mid
echo "The package works: two bars, and the same bytes again."
