"""The benchmarks: whether they run and agree, not how fast anything is."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import livekit_utils
from tests.support.paths import SOURCE

BENCHMARKS = SOURCE / "benchmarks"
NEEDED = ("pyperf", "typer", "rich", "matplotlib")

pytestmark = [
    pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="the benchmarks do not lie beside the tests"),
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in NEEDED),
        reason=f'the benchmarks need {", ".join(NEEDED)}: pip install ".[bench]"',
    ),
]

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def beside(folder: Path) -> str:
    """Returns the path of modules on which a copy of the benchmarks in a folder comes before the installed package."""
    return os.pathsep.join([str(folder), str(Path(livekit_utils.__file__).parent.parent)])


@pytest.fixture
def run_benchmarks(run_python: Run, tmp_path: Path) -> Run:
    """Runs `python -m benchmarks arguments...` on the installed package: beside a copy, not beside the source tree."""
    shutil.copytree(BENCHMARKS, tmp_path / "benchmarks", ignore=shutil.ignore_patterns("__pycache__"))
    path = beside(tmp_path)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return run_python("-P", "-m", "benchmarks", *arguments, PYTHONPATH=path)

    return run


def test_the_rows_have_names(run_benchmarks: Run) -> None:
    done = run_benchmarks("--list")
    assert done.returncode == 0, done.stderr
    rows = done.stdout.splitlines()
    assert len(rows) == len(set(rows))
    assert {"audio_frame/from_bytes/ours", "mix/8x4800/numpy", "audio_mixer/16x480/ours"} <= set(rows)
    assert {row.partition("/")[0] for row in rows} >= {"audio_mixer_live", "audio_resampler", "import", "ring_buffer"}
    assert {
        "audio_source/queue/wall/ours",
        "audio_source_pacing/drift/bare",
        "audio_stream_live/32x16000/cpu/ours",
        "import/command/mix/ours",
    } <= set(rows)


def test_the_results_are_a_suite_of_pyperf(run_benchmarks: Run, tmp_path: Path) -> None:
    import pyperf

    file, picture = tmp_path / "results.json", tmp_path / "results.png"
    names = ["ring_buffer", "mix/2x480", "combine_audio_frames/2", "audio_resampler/48000-16000/low"]
    names += ["audio_resampler_polyphase/44100-48000/medium", "audio_resampler_adjusted/48000-48000/medium"]
    done = run_benchmarks(*names, "--quick", "--json", str(file), "--plot", str(picture))
    assert done.returncode == 0, done.stderr
    assert "ring_buffer/480" in done.stdout
    assert "targets met" in done.stdout
    suite = pyperf.BenchmarkSuite.load(str(file))
    assert {f"{name}/ours" for name in ("ring_buffer/480", *names[1:])} <= set(suite.get_benchmark_names())
    for benchmark in suite.get_benchmarks():
        assert benchmark.median() > 0
        assert not set(benchmark.get_metadata()) & {"hostname", "python_executable"}
    numpy = suite.get_benchmark("mix/2x480/numpy").get_metadata()
    assert numpy["ours_divided_by_this"] > 0
    assert numpy["target_met"] in ("yes", "no")
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_sources_and_streams_are_measured(run_benchmarks: Run, tmp_path: Path) -> None:
    import pyperf

    file = tmp_path / "results.json"
    names = ["audio_source/queue", "audio_source/pass_through/8", "audio_source_pacing", "audio_stream_live/32x16000"]
    done = run_benchmarks(*names, "--quick", "--json", str(file))
    assert done.returncode == 0, done.stderr
    suite = pyperf.BenchmarkSuite.load(str(file))
    rows = {"wall", "cpu"}, {"wall", "cpu"}, {"p50", "p99", "max", "drift"}, {"cpu"}
    expected = {f"{name}/{row}/ours" for name, quantities in zip(names, rows, strict=True) for row in quantities}
    assert expected <= set(suite.get_benchmark_names())


def test_what_resamplers_let_through_is_measured(run_benchmarks: Run, tmp_path: Path) -> None:
    picture = tmp_path / "resampling.png"
    done = run_benchmarks("--responses", str(picture), "--quick")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("livekit_utils, polyphase") == 5
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_contenders_that_are_not_installed_are_left_out(run_python: Run, tmp_path: Path, run_benchmarks: Run) -> None:
    script = (
        "import sys; sys.modules.update(dict.fromkeys(['livekit', 'soxr']));"
        "from benchmarks.command import app; app(['audio_frame', 'audio_resampler/48000-16000/quick', '--quick'])"
    )
    path = beside(tmp_path)
    done = run_python("-P", "-c", script, PYTHONPATH=path)
    assert done.returncode == 0, done.stderr
    assert "sdk" not in done.stdout
    assert 'left out: livekit, which is not installed; pip install "livekit"' in done.stdout
    assert 'left out: soxr, which is not installed; pip install "soxr"' in done.stdout


def test_a_name_of_no_row_is_an_error(run_benchmarks: Run) -> None:
    for name in ("nothing", "mix/3x480"):
        done = run_benchmarks(name, "--quick")
        assert done.returncode == 1
        assert name in done.stderr
        assert "Traceback" not in done.stderr


def test_a_disagreement_is_an_error(run_python: Run, tmp_path: Path, run_benchmarks: Run) -> None:
    script = (
        "from benchmarks.cases import mix; mix._stack_and_sum = lambda arrays: arrays[0];"
        "from benchmarks.command import app; app(['mix/2x480', '--quick'])"
    )
    path = beside(tmp_path)
    done = run_python("-P", "-c", script, PYTHONPATH=path)
    assert done.returncode == 1
    assert "error: mix/2x480: differs from the expected result" in done.stderr


def test_one_of_the_others_that_cannot_keep_up_is_left_out(
    run_python: Run, tmp_path: Path, run_benchmarks: Run
) -> None:
    script = (
        "from benchmarks.contender import Contender; from benchmarks.errors import DisagreementError;"
        "from benchmarks.experiment import Experiment; from benchmarks.measurement import Measurement\n"
        "def late(): raise DisagreementError('too late')\n"
        "def take(*bad): return Measurement.take(Experiment('race', tuple(Contender.once(name, late if name in bad "
        "else lambda: {'': 1.0}) for name in ('ours', 'sdk', 'bare')), lambda: None, 3), 0.1)\n"
        "one = take('sdk')\n"
        "assert [row.contender for row in one.rows()] == ['ours', 'bare'], one.rows()\n"
        "assert one.left_out == ('left out: sdk in race: too late',), one.left_out\n"
        "take('ours')"
    )
    path = beside(tmp_path)
    done = run_python("-P", "-c", script, PYTHONPATH=path)
    assert done.stderr.endswith("DisagreementError: too late\n"), done.stderr  # of ours there is no way around it


def test_a_row_that_is_no_longer_ahead_of_the_sdk_fails_the_run(
    run_python: Run, tmp_path: Path, run_benchmarks: Run
) -> None:
    program = (
        "from dataclasses import replace; from benchmarks import command\n"
        "from benchmarks.measurement import Measurement\n"
        "rows = Measurement.rows\n"
        "Measurement.rows = lambda self: [replace(row, contender={'numpy': 'sdk'}.get(row.contender, row.contender),"
        "values=[ours / RATIO for ours in row.ours]) for row in rows(self)]\n"
        "command.FULL = command.QUICK\n"
        "command.app(['mix/2x480'])"
    )
    path = beside(tmp_path)
    slower, faster = (run_python("-P", "-c", program.replace("RATIO", r), PYTHONPATH=path) for r in ("1.5", "0.5"))
    assert slower.returncode == 1, slower.stdout
    assert slower.stderr == "error: no longer ahead of the SDK: mix/2x480\n"
    assert faster.returncode == 0, faster.stderr
