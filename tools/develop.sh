#!/bin/sh
# Installs the package in place, with what its tests need. Where it is installed already, this compiles what has changed.
set -eu
cd "$(dirname "$0")/.."
venv=${VENV:-.venv}
mark=$venv/in-place
install="$venv/bin/python -m pip install --quiet --disable-pip-version-check"

if [ ! -e "$mark" ] || [ pyproject.toml -nt "$mark" ]; then
    $install "setuptools>=77" "Cython>=3.3"
    LIVEKIT_UTILS_COMPILE=0 $install --editable ".[cli,test]"
    # PyAudio compiles itself, which takes PortAudio's headers.
    LIVEKIT_UTILS_COMPILE=0 $install --editable ".[devices]" 2>"$venv/pyaudio.log" ||
        echo "==> without PyAudio: tests on devices are skipped (see $venv/pyaudio.log)"
fi
# The folders are kept, and what is in them is as old as its sources.
"$venv/bin/python" setup.py --quiet build_ext --inplace --build-temp build/develop/temp --build-lib build/develop/lib
touch "$mark"
