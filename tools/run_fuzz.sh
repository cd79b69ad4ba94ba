#!/bin/sh
# Runs each fuzz target for FUZZ_SECONDS (30 where that is not set): the C kernels under the address and
# undefined-behaviour sanitizers, then the compiled modules and the readers of files. Arguments name the targets; all
# where there are none. FUZZ_SEED repeats a run. What fails, and what was found to be new, stays in build/fuzz.
set -eu
cd "$(dirname "$0")/.."
venv=$PWD/${VENV:-.venv}
root=$PWD
work=$PWD/build/fuzz
seconds=${FUZZ_SECONDS:-30}
seed=${FUZZ_SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
seed=$((seed % 2147483647 + 1))
[ -z "${FUZZ_SEED:-}" ] || seed=$FUZZ_SEED
clang=${CLANG:-clang}

# Whether a target is asked for.
wanted() {
    name=$1
    shift
    [ $# -gt 0 ] || return 0
    for asked; do
        [ "$asked" != "$name" ] || return 0
    done
    return 1
}

mkdir -p "$work"
echo "==> FUZZ_SEED=$seed, $seconds s for each target"
common="-std=c11 -g -O2 -fno-omit-frame-pointer -Wall -Wextra -Wconversion -Wshadow -ffp-contract=off -fno-math-errno
    -fno-trapping-math -I$root/csrc -I$root/livekit_utils/include -fno-sanitize-recover=all"
checks=address,undefined,float-cast-overflow
printf 'int LLVMFuzzerTestOneInput(const unsigned char *data, unsigned long n) { return data == 0 && n > 0; }\n' \
    >"$work/probe.c"
if "$clang" -fsanitize=fuzzer,address "$work/probe.c" -o "$work/probe" 2>"$work/probe.log"; then
    compiler="$clang -fsanitize=fuzzer,$checks"
    driver=
else
    echo "==> no clang with libFuzzer: random inputs to the same targets, compiled with ${CC:-cc}"
    compiler="${CC:-cc} -fsanitize=$checks"
    driver=fuzz/c/driver.c
fi
for source in fuzz/c/*.c; do
    target=$(basename "$source" .c)
    [ "$target" != driver ] && wanted "$target" "$@" || continue
    echo "==> C: $target"
    # All kernels but the loader of plugins, which runs the code of others.
    kernels=$(ls csrc/*.c | grep -v /plugin.c)
    # shellcheck disable=SC2086
    $compiler $common "$source" $driver $kernels -lm -o "$work/$target"
    if [ -n "$driver" ]; then
        "$work/$target" "$seconds" "$seed"
    else
        mkdir -p "$work/corpus/c-$target"
        "$work/$target" -max_total_time="$seconds" -seed="$seed" -timeout=20 -artifact_prefix="$work/$target-" \
            "$work/corpus/c-$target" >"$work/$target.log" 2>&1 || { tail -n 60 "$work/$target.log"; exit 1; }
        grep -a '^Done' "$work/$target.log"
    fi
done

"$venv/bin/python" -m pip install --quiet --disable-pip-version-check atheris 2>"$work/atheris.log" ||
    echo "==> no Atheris for this Python: random inputs to the same targets"
# From a folder where the source does not hide the compiled package.
rm -rf "$work/fuzz"
cp -R fuzz "$work"
cd "$work"
for source in fuzz/*.py; do
    target=$(basename "$source" .py)
    grep -q '^def fuzz(' "$source" && wanted "$target" "$@" || continue
    echo "==> Python: $target"
    # Decoders print a line for each damaged file.
    "$venv/bin/python" -m fuzz "$target" --seconds "$seconds" --seed "$seed" >"$target.log" 2>&1 || {
        tail -n 60 "$target.log"
        exit 1
    }
    grep -aE '^Done|inputs$' "$target.log"
done
