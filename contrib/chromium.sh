#!/bin/sh
# Brings Chromium for the tests that look at the dashboard in a real browser: Debian's own, where it may (root, or
# passwordless sudo). Where it may not, it says what to do, and those tests are skipped.
set -eu

if [ -n "${DIDES_CHROMIUM:-}" ]; then
    exit 0
fi
for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$name" >/dev/null; then
        exit 0
    fi
done
sudo=""
[ "$(id -u)" = 0 ] || sudo="sudo -n"
if command -v apt-get >/dev/null && $sudo true 2>/dev/null; then
    echo "==> installing Debian's chromium for the browser tests (once)"
    if { $sudo apt-get update -qq \
        && $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; } >/dev/null; then
        exit 0
    fi
fi
echo "==> there is no Chromium, so the tests of the dashboard in a browser will be SKIPPED."
echo "    Install it (Debian: sudo apt-get install chromium fonts-dejavu-core), or set DIDES_CHROMIUM to where it is."
