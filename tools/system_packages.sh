#!/usr/bin/env bash
# Usage: tools/system_packages.sh run|test
# Sees to the system's part on Linux: OpenGL without a display for `run`; for `test` Chromium and small libraries too.
# Root on an apt system: what is missing is installed. Elsewhere one line says what to install.
set -euo pipefail

purpose=$1
needed=(libegl1 libgl1 libopengl0 libgl1-mesa-dri)
# Taken where the system's packages have them: OSMesa is gone from newer releases, and Ubuntu's Chromium is
# a snap, in whose place the tests use the one that playwright brings.
welcome=(libosmesa6)
if [ "$purpose" = test ]; then
    # file brings libmagic, which the Supervisely SDK loads; libatomic1 is for playwright's driver;
    # strace records what a writer syncs, for the proof against power cuts; dicom3tools brings dciodvfy,
    # which judges the DICOM files that are written.
    # Orthanc with its DICOMweb plugin is the server that the tests of stores push to.
    needed+=(fonts-dejavu-core file libatomic1 strace dicom3tools orthanc orthanc-dicomweb)
    command -v chromium >/dev/null || welcome+=(chromium)
fi

[ "$(uname -s)" = Linux ] || exit 0

if ! command -v apt-get >/dev/null; then
    ldconfig -p 2>/dev/null | grep -q -e libEGL.so.1 -e libOSMesa.so ||
        echo "Install Mesa's libEGL and libGL: drawing needs them without a display."
    exit 0
fi

is_installed() {
    dpkg-query --show --showformat='${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

can_be_installed() {
    apt-cache policy "$1" | grep 'Candidate:' | grep -qv '(none)'
}

missing=()
for package in "${needed[@]}"; do
    is_installed "$package" || missing+=("$package")
done
if [ "${#missing[@]}" -eq 0 ] && [[ " ${welcome[*]} " != *" chromium "* ]]; then
    exit 0
fi

if [ "$(id -u)" -ne 0 ]; then
    [ "${#missing[@]}" -eq 0 ] || echo "Install these as root: apt-get install ${missing[*]}"
    exit 0
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
for package in "${welcome[@]}"; do
    ! can_be_installed "$package" || missing+=("$package")
done
echo "Installing system packages: ${missing[*]}"
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
