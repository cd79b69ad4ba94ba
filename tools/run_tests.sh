#!/bin/sh
# Builds the sdist, from it the wheel, installs that, and runs the tests against it with the source out of reach.
# Arguments go to pytest. LIVEKIT is the version of LiveKit's own package to have beside it; the newest where none is
# named. LIVEKIT_AGENTS is that of livekit-agents; there is none where none is named.
set -eu
cd "$(dirname "$0")/.."
venv=$PWD/${VENV:-.venv}
work=$PWD/build/test

rm -rf "$work"
mkdir -p "$work"
install="$venv/bin/python -m pip install --quiet --disable-pip-version-check"
$install build
# What the package and its tests need comes while it is built. Nothing goes on behind an error.
trap wait EXIT
"$venv/bin/python" -m build --outdir "$work/dist" >"$work/build.log" 2>&1 &
building=$!
"$venv/bin/python" tools/requirements.py cli test >"$work/requirements.txt"
$install -r "$work/requirements.txt"
# PyAudio compiles itself, which takes PortAudio's headers; where there are none, tests on devices are skipped.
"$venv/bin/python" tools/requirements.py devices >"$work/devices.txt"
$install -r "$work/devices.txt" 2>"$work/pyaudio.log" || echo "==> without PyAudio: tests on devices are skipped"
wait "$building" || { cat "$work/build.log"; exit 1; }
"$venv/bin/python" -m pip uninstall --quiet --yes --disable-pip-version-check livekit-media-utils livekit-utils 2>/dev/null
wheel=$(ls "$work"/dist/*.whl)
$install "$wheel[cli,test]"

[ -z "${LIVEKIT:-}" ] || $install "livekit==$LIVEKIT"
[ -z "${LIVEKIT_AGENTS:-}" ] || $install "livekit-agents[images]==$LIVEKIT_AGENTS"

# The tests, and what they look at besides the package; not the package itself.
cp -R tests csrc examples tools README.md pyproject.toml "$work"
cd "$work"
# tests/house reads the source, as text.
export LIVEKIT_UTILS_SOURCE="$OLDPWD"
# In two processes: tests on devices wait most of their time. Where a process ends or does not go on, whatever holds it up,
# the run ends and says at which test: pytest-xdist does not come to an end with a new one in its place.
exec "$venv/bin/python" -m pytest --numprocesses 2 --dist loadgroup --max-worker-restart 0 \
    -o faulthandler_timeout=400 -o faulthandler_exit_on_timeout=true "$@"
