#!/bin/sh
# Installs the Debian packages named in the given files (one name a line) that are not there yet.
#
#   scripts/system_packages.sh packages.txt [packages-test.txt ...]
#
# Says nothing and asks nobody when all are there. Ends with 0 when they are there or when this system has no apt-get (then one
# sentence names what to install by hand); ends with 1, after one sentence, when apt-get could not install them.
set -eu

wanted=$(cat "$@")

missing=
for package in $wanted; do
    # An uninstalled package may still be known to dpkg, so the status is what counts.
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=
    [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "This system has no apt-get: unless they are here already, please install the equivalents of$missing yourself." >&2
    exit 0
fi

as_root=
if [ "$(id -u)" -ne 0 ]; then
    as_root=sudo
    [ -t 0 ] || as_root="sudo -n" # nobody is there to type a password
fi
# A fresh Ubuntu may be updating itself and hold the lock; a dead network must not hold anyone up for minutes.
options="-q -o DPkg::Lock::Timeout=120 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 -o Acquire::Retries=1"
apt() {
    # Unquoted on purpose: lists of words.
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get $options "$@" </dev/null >&2
}

echo "Installing the system packages$missing." >&2
# An update may fail because of one stale source while the packages themselves can be had: only the installation counts.
apt update || true
if ! apt install --yes --no-install-recommends $missing; then
    echo "The system packages$missing could not be installed; please run: sudo apt-get install$missing" >&2
    exit 1
fi
