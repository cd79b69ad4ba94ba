#!/bin/sh
# The C kernels under the address, undefined-behaviour and thread sanitizers, then the compiled modules, built with the
# first two, under the tests that reach into C.
set -eu
cd "$(dirname "$0")/.."
venv=$PWD/${VENV:-.venv}
work=$PWD/build/sanitize

rm -rf "$work"
mkdir -p "$work"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check ".[cli,test]"
echo "==> C kernels"
"$venv/bin/python" -m pytest -q tests/house/test_c_kernels.py

echo "==> compiled modules"
# From a copy, whose objects no other build can pick up.
mkdir "$work/source"
cp -R csrc livekit_utils setup.py pyproject.toml README.md LICENSE "$work/source"
find "$work/source" -name '*.so' -delete
LIVEKIT_UTILS_SANITIZE=address,undefined "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --no-deps --target "$work/site" "$work/source"
cp -R tests "$work"
cd "$work"
# Leaks are looked for in tests/isolated: here the interpreter's own would be reported.
LD_PRELOAD="$(${CC:-cc} -print-file-name=libasan.so) $(${CC:-cc} -print-file-name=libubsan.so)" \
    ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
    PYTHONMALLOC=malloc PYTHONPATH="$work/site" \
    "$venv/bin/python" -m pytest -q -p no:cacheprovider tests/kernels tests/frames tests/mixing tests/tracks tests/telephony \
    tests/filters/test_audio_filter_session.py tests/runtime tests/house/test_closing.py
