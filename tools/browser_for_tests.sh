#!/usr/bin/env bash
# Usage: tools/browser_for_tests.sh VENV
# Where no Chromium is on the path, and $MEDLABEL_CHROMIUM names none, takes the one that playwright brings.
set -euo pipefail

if [ -n "${MEDLABEL_CHROMIUM:-}" ] || command -v chromium chromium-browser google-chrome >/dev/null; then
    exit 0
fi
"$1/bin/playwright" install chromium >/dev/null ||
    echo "Install Chromium for the browser tests, or name one in MEDLABEL_CHROMIUM."
