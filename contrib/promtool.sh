#!/bin/sh
# Brings promtool for the tests of contrib/prometheus: out of Debian's package prometheus, which is not installed, for
# that would start a server. Where it may not, it says so, and those tests are skipped.
set -eu
VENV="${VENV:-.venv}"

if command -v promtool >/dev/null || [ -x "$VENV/bin/promtool" ]; then
    exit 0
fi
sudo=""
[ "$(id -u)" = 0 ] || sudo="sudo -n"
if command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
    echo "==> taking promtool out of Debian's package prometheus (once)"
    place="$(mktemp -d)"
    trap 'rm -rf "$place"' EXIT
    chmod 755 "$place"
    download() { (cd "$place" && apt-get download -qq prometheus) >/dev/null 2>&1; }
    if { download || { $sudo apt-get update -qq >/dev/null 2>&1 && download; }; } \
        && dpkg-deb -x "$place"/prometheus_*.deb "$place/unpacked" \
        && "$place/unpacked/usr/bin/promtool" --version >/dev/null 2>&1; then
        cp "$place/unpacked/usr/bin/promtool" "$VENV/bin/promtool"
        exit 0
    fi
fi
echo "==> there is no promtool, so the tests of the alerts with Prometheus' own tool will be SKIPPED."
echo "    Install it (Debian: it is part of the package prometheus)."
