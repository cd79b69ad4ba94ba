#!/bin/sh
# Runs the tests and prints which lines they reach: of Python by coverage.py, in all processes and threads, then of the
# C kernels by gcov. Arguments go to pytest. A process that is killed counts nothing.
set -eu
cd "$(dirname "$0")/.."
venv=$PWD/${VENV:-.venv}
work=$PWD/build/coverage
gcov=${GCOV:-gcov}

rm -rf "$work"
mkdir -p "$work/source"
install="$venv/bin/python -m pip install --quiet --disable-pip-version-check"
$install ".[cli,test]" "coverage>=7.10"
$install ".[devices]" 2>"$work/pyaudio.log" || echo "==> without PyAudio: tests on devices are skipped"

echo "==> building with counters"
# From a copy, whose objects no other build can pick up.
cp -R csrc livekit_utils setup.py pyproject.toml README.md LICENSE "$work/source"
find "$work/source" -name '*.so' -delete
LIVEKIT_UTILS_COVERAGE=1 $install --no-deps --target "$work/site" "$work/source"

echo "==> testing"
cp -R tests csrc examples tools README.md pyproject.toml "$work"
# The counters of the build are not those of the tests.
find "$work/source" -name '*.gcda' -delete
export LIVEKIT_UTILS_SOURCE="$PWD"
cd "$work"
export COVERAGE_FILE="$work/data" PYTHONPATH="$work/site"
failed=0
# Without the tests of what a process writes, imports, keeps or executes in all: the counters are a part of that.
"$venv/bin/python" -m coverage run -m pytest -q -p no:cacheprovider --deselect tests/instructions \
    --deselect tests/cli/test_start.py --deselect tests/cli/test_outputs.py::test_a_full_disk \
    --deselect tests/house/test_imports.py::test_the_names_of_a_voice_agent_leave_what_is_seldom_used_alone \
    --deselect "tests/house/test_leaks.py::test_nothing_is_left_behind[leak_audio_filter]" \
    --deselect tests/playback/test_media_player_troubles.py::test_memory_stays_the_same_over_many_seeks_and_laps \
    "$@" || failed=$?
"$venv/bin/python" -m coverage combine --quiet

echo "==> Python; files that are covered to the last line are left out"
"$venv/bin/python" -m coverage report --ignore-errors
"$venv/bin/python" -m coverage html --quiet --ignore-errors -d "$work/html" || true

echo "==> C"
objects=$(dirname "$(find source/build -path '*/csrc/mix.gcno' | head -n 1)")
cd source
"$gcov" --no-output --object-directory "../$objects" csrc/*.c 2>/dev/null | awk '
    /^File / { file = $2; gsub(/\047/, "", file) }
    /^Lines executed:/ && file ~ /^csrc\// {
        split($0, part, /[:% ]+/); lines = part[5]; hit = lines * part[3] / 100
        if (lines > most[file]) most[file] = lines
        if (hit > best[file]) best[file] = hit
        file = ""
    }
    END {
        for (file in most) {
            printf "%-28s %6d %6d %6.1f %%\n", file, most[file], most[file] - best[file], 100 * best[file] / most[file] | "sort"
            all += most[file]; run += best[file]
        }
        close("sort")
        printf "%-28s %6d %6d %6.1f %%\n", "all (file, lines, missed)", all, all - run, all ? 100 * run / all : 0
    }'
echo "==> look at build/coverage/html/index.html"
exit "$failed"
