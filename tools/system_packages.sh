#!/usr/bin/env bash
# Usage: tools/system_packages.sh run|test
# Sees to the system's part: OpenGL without a display for `run`, and Chromium with fonts for `test`.
# Root on an apt system: what is missing is installed. Elsewhere one line says what to install.
set -euo pipefail

purpose=$1

has_chromium() {
    [ -n "${MEDLABEL_CHROMIUM:-}" ] || command -v chromium || command -v chromium-browser ||
        command -v google-chrome
}

is_installed() {
    dpkg-query --show --showformat='${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

can_be_installed() {
    apt-cache policy "$1" | grep 'Candidate:' | grep -qv '(none)'
}

needed=(libegl1 libgl1 libopengl0 libgl1-mesa-dri)
if [ "$purpose" = test ]; then
    needed+=(fonts-dejavu-core)
    has_chromium >/dev/null || needed+=(chromium)
fi

if [ "$(uname -s)" != Linux ]; then
    [ "$purpose" = run ] || has_chromium >/dev/null ||
        echo "Install Chromium or Chrome for the browser tests, and name it in MEDLABEL_CHROMIUM."
    exit 0
fi

if ! command -v apt-get >/dev/null; then
    ldconfig -p 2>/dev/null | grep -q -e libEGL.so.1 -e libOSMesa.so ||
        echo "Install Mesa's libEGL and libGL: drawing needs them without a display."
    [ "$purpose" = run ] || has_chromium >/dev/null || echo "Install Chromium for the browser tests."
    exit 0
fi

missing=()
for package in "${needed[@]}"; do
    is_installed "$package" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "Install these as root: apt-get install ${missing[*]}"
    exit 0
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# OSMesa, the second way to draw without a display, is gone from newer releases: taken where it is.
chosen=()
for package in "${missing[@]}" libosmesa6; do
    if can_be_installed "$package"; then
        chosen+=("$package")
    elif [ "$package" != libosmesa6 ]; then
        echo "This system's packages have no $package; install it another way."
    fi
done
echo "Installing system packages: ${chosen[*]}"
apt-get install -y -qq --no-install-recommends "${chosen[@]}" >/dev/null
