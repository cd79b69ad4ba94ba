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
# What they need besides comes with PulseAudio.
wanted="pipewire-bin pipewire-pulse pipewire-alsa wireplumber libpipewire-0.3-0 libpipewire-0.3-modules
libspa-0.2-modules libwireplumber-0.4-0 liblilv-0-0 libserd-0-0 libsord-0-0 libsratom-0-0 liblua5.3-0 libavahi-client3
libavahi-common3"
# shellcheck disable=SC2086
if ! apt-get download -qq $wanted >../log 2>&1; then
    echo "==> without PipeWire: tests on it are skipped (see build/pipewire/log)"
    exit 0
fi
for package in *.deb; do
    dpkg -x "$package" "$to"
done
rm -r "$to/packages"
touch "$to/done"
