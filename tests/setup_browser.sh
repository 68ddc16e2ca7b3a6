#!/usr/bin/env bash
# Make a browser available for the tests that drive the real user interface.
# Never fails: without a browser those tests skip, or fail under ACCORD_TEST_STRICT=1, with the reason.
set -uo pipefail

for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$name" >/dev/null && command -v chromedriver >/dev/null; then
        exit 0
    fi
done

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "No Chromium with its driver here: install both to run the browser tests." >&2
    exit 0
fi

echo "Installing Chromium for the browser tests ..."
export DEBIAN_FRONTEND=noninteractive
install() {
    timeout 300 apt-get install -y -qq --no-install-recommends chromium chromium-driver >/dev/null 2>&1
}
install || { timeout 120 apt-get update -qq >/dev/null 2>&1 && install; } ||
    echo "Chromium could not be installed: the browser tests will say so." >&2
exit 0
