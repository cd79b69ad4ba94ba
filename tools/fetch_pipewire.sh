#!/bin/sh
# Unpacks PipeWire into build/pipewire, for tests/support/pipewire_server.py; it is not installed. The package of its
# plugin for ALSA takes the place of PulseAudio, which other tests need. Only on Debian and what is made of it; where the
# packages cannot be had, tests on PipeWire are skipped.
set -eu
cd "$(dirname "$0")/.."
to=$PWD/build/pipewire
[ ! -e "$to/done" ] || exit 0
command -v apt-get >/dev/null 2>&1 && command -v dpkg >/dev/null 2>&1 || exit 0

rm -rf "$to"
mkdir -p "$to/packages"
cd "$to/packages"
# Those of its own and what else PulseAudio does not bring, by the names that they have in this release.
wanted=$(apt-get install -s -o Dir::State::status=/dev/null --no-install-recommends \
    pipewire-bin pipewire-pulse pipewire-alsa wireplumber 2>../log | sed -n 's/^Inst \([^ ]*\).*/\1/p' |
    grep -E '^(pipewire|wireplumber|lib(pipewire|spa|wireplumber|lilv|serd|sord|sratom|zix|lua|avahi)[-0-9])' || true)
# shellcheck disable=SC2086
if [ -z "$wanted" ] || ! apt-get download -qq $wanted >../log 2>&1; then
    echo "==> without PipeWire: tests on it are skipped (see build/pipewire/log)"
    exit 0
fi
for package in *.deb; do
    dpkg -x "$package" "$to"
done
rm -r "$to/packages"
touch "$to/done"
