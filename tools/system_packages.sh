#!/usr/bin/env bash
# Usage: tools/system_packages.sh run|test
# Sees to the system libraries: OpenGL without a display for `run`, and Chromium with fonts for `test`.
# Root on an apt system: missing packages are installed. Elsewhere one line says what to install.
set -euo pipefail

purpose=$1
packages=(libegl1 libgl1 libopengl0 libosmesa6 libgl1-mesa-dri)

has_chromium() {
    [ -n "${MEDLABEL_CHROMIUM:-}" ] || command -v chromium || command -v chromium-browser ||
        command -v google-chrome
}

if [ "$purpose" = test ]; then
    packages+=(fonts-dejavu-core)
    has_chromium >/dev/null || packages+=(chromium)
fi

if [ "$(uname -s)" != Linux ]; then
    [ "$purpose" = run ] || has_chromium >/dev/null ||
        echo "Install Chromium or Chrome for the browser tests, and name it in MEDLABEL_CHROMIUM."
    exit 0
fi

if ! command -v apt-get >/dev/null; then
    ldconfig -p 2>/dev/null | grep -q -e libEGL.so.1 -e libOSMesa.so ||
        echo "Install Mesa's libEGL, libGL and OSMesa (and Chromium for the tests): drawing needs them."
    exit 0
fi

missing=()
for package in "${packages[@]}"; do
    dpkg-query --show --showformat='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
        missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "Install these as root: apt-get install ${missing[*]}"
    exit 0
fi

export DEBIAN_FRONTEND=noninteractive
echo "Installing system packages: ${missing[*]}"
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
