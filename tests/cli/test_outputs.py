"""What the command line writes, and that it leaves nothing else behind, whatever happens."""

from __future__ import annotations

import os
import signal
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("click")
pytest.importorskip("soundfile")

import soundfile

from livekit_utils import AudioFrame, AudioResampler
from tests.support.cli_commands import load, names, noise, refuse, run, save
from tests.support.randomness import SEED
from tests.support.sound_files import write_long_wav

posix_only = pytest.mark.skipif(os.name != "posix", reason="only where there are POSIX files")


@pytest.mark.parametrize(
    ("suffix", "format", "subtype"), [("WAV", "WAV", "PCM_16"), ("flac", "FLAC", "PCM_16"), ("ogg", "OGG", "VORBIS")]
)
def test_a_tone(tmp_path: Path, suffix: str, format: str, subtype: str) -> None:
    path = tmp_path / f"tone.{suffix}"
    report = run("tone", 1000, 1.00001, path, "--rate", 44_100, "--amplitude", 0.5, "--json").report
    assert (report["inputs"], report["output"]["frames"], report["clipped_samples"]) == ([], 44_100, 0)
    info = soundfile.info(path)
    assert (info.format, info.subtype, info.samplerate, info.channels) == (format, subtype, 44_100, 1)
    samples = load(path)[:, 0] / 32768
    assert len(samples) == 44_100
    assert np.argmax(np.abs(np.fft.rfft(samples))) == 1000
    assert np.max(np.abs(samples)) == pytest.approx(0.5, rel=0.03 if suffix == "ogg" else 1e-4)
    assert report["output"]["rms_dbfs"] == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.01)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((19, 1), "FREQ: expected 20 to 20000 Hz, got 19"),
        ((20001, 1), "FREQ: expected 20 to 20000 Hz, got 20001"),
        (("nan", 1), "FREQ: expected 20 to 20000 Hz, got nan"),
        ((440, 0), "SECONDS: expected above 0 to 1000000000 s, got 0"),
        ((440, "inf"), "SECONDS: expected above 0 to 1000000000 s, got inf"),
        ((440, 1, "--amplitude", 1.01), "--amplitude: expected 0 to 1, got 1.01"),
        ((440, 1, "--rate", 999), "--rate: expected 1000 to 1073741823 Hz, got 999"),
        ((4000, 1, "--rate", 8000), "FREQ: expected below 4000 Hz, half of --rate, got 4000"),
        ((440, 1, "--rate", 3_000_000), "expected a rate of up to 200000 Hz for Ogg Vorbis, got 3000000 Hz"),
    ],
)
def test_tones_that_are_none(tmp_path: Path, arguments: tuple[object, ...], message: str) -> None:
    assert message in refuse("tone", *arguments[:2], tmp_path / "t.ogg", *arguments[2:])
    assert names(tmp_path) == set()


@pytest.mark.parametrize("engine", ["samplerate", "polyphase", "auto", None])
@pytest.mark.parametrize("quality", ["quick", "low", "medium", "high", "very_high", None])
def test_resampling(tmp_path: Path, quality: str | None, engine: Any) -> None:
    samples = noise(SEED, 10_007, 2, 20_000)
    path = save(tmp_path / "in.wav", samples, 44_100)
    options = [*(["--quality", quality] if quality else []), *(["--engine", engine] if engine else [])]
    run("resample", path, tmp_path / "out.flac", "--rate", 16_000, *options)
    resampler = AudioResampler(44_100, 16_000, num_channels=2, quality=quality or "very_high", engine=engine or "auto")
    assert resampler.engine == (engine if engine == "samplerate" else "polyphase")
    frames = [*resampler.push(AudioFrame(samples, 44_100, 2, len(samples))), *resampler.flush()]
    expected = np.concatenate([np.asarray(frame) for frame in frames])
    assert len(expected) == 3631  # 10007 * 16000 / 44100 = 3630.66
    assert np.array_equal(load(tmp_path / "out.flac"), expected)
    assert soundfile.info(tmp_path / "out.flac").samplerate == 16_000


def test_an_engine_that_does_not_cover_the_rates(tmp_path: Path) -> None:
    path = save(tmp_path / "in.wav", noise(SEED, 10), 44_100)
    message = refuse("resample", path, tmp_path / "out.wav", "--rate", 44_101, "--engine", "polyphase")
    assert message.startswith("--engine: expected a ratio of whole numbers up to 2560 to 44100 Hz, got 44101 Hz; ")
    assert message.endswith("; --engine samplerate converts them")
    run("resample", path, tmp_path / "out.wav", "--rate", 44_101)


@pytest.mark.parametrize("rate", [0, -1, 100, 20_000_000])
def test_resampling_out_of_range(tmp_path: Path, rate: int) -> None:
    path = save(tmp_path / "in.wav", noise(SEED, 10))
    message = refuse("resample", path, tmp_path / "out.wav", "--rate", rate)
    assert "expected" in message
    assert str(rate) in message
    assert names(tmp_path) == {"in.wav"}


@pytest.mark.parametrize("suffix", [".mp3", ".txt", ""])
def test_a_suffix_that_is_none_of_ours(tmp_path: Path, suffix: str) -> None:
    message = refuse("tone", 440, 1, tmp_path / f"t{suffix}")
    assert f"expected a name that ends in .wav, .flac, .ogg, .opus, .au, .rf64, got {suffix or 'none'}" in message
    assert "expected a name that ends in .png" in refuse(
        "tone", 440, 1, tmp_path / "t.wav", "--plot", tmp_path / "t.jpg"
    )


def test_flac_has_eight_channels_at_most(tmp_path: Path) -> None:
    nine = save(tmp_path / "nine.wav", noise(SEED, 10, 9))
    assert "FLAC cannot hold 9 channels" in refuse("mix", nine, "-o", tmp_path / "out.flac")
    assert names(tmp_path) == {"nine.wav"}


@pytest.mark.parametrize(
    ("name", "seconds", "message"),
    [
        (
            "t.wav",
            44_740,
            "expected at most 4 GiB for a WAV file, got 2147520000 samples in 1 channels; FLAC and RF64 have",
        ),
        ("t.flac", 1e7, "expected at most 68719476735 samples per channel, got 480000000000"),
        ("t.ogg", 1e9, "expected at most 68719476735 samples per channel"),
        ("t.ogg", 1e307, "SECONDS: expected above 0 to 1000000000 s, got 1e+307"),
    ],
)
def test_what_no_file_can_hold(tmp_path: Path, name: str, seconds: float, message: str) -> None:
    assert message in refuse("tone", 440, seconds, tmp_path / name, "--plot", tmp_path / "t.png")
    assert names(tmp_path) == set()


def test_the_directory_must_exist(tmp_path: Path) -> None:
    assert "expected an existing directory" in refuse("tone", 440, 1, tmp_path / "no" / "t.wav")
    (tmp_path / "dir.wav").mkdir()
    assert "got a directory or a device" in refuse("tone", 440, 1, tmp_path / "dir.wav", "--force")


def test_what_exists_is_replaced_only_by_force(tmp_path: Path) -> None:
    path, plot = tmp_path / "t.wav", tmp_path / "t.png"
    path.write_text("precious")
    assert "expected a new file, but it exists; --force replaces it" in refuse("tone", 440, 1, path)
    assert path.read_text() == "precious"
    plot.write_text("precious")
    assert "t.png: expected a new file" in refuse("tone", 440, 1, tmp_path / "u.wav", "--plot", plot)
    run("tone", 440, 0.1, path, "--force")
    assert len(load(path)) == 4800
    assert names(tmp_path) == {"t.wav", "t.png"}


@posix_only
def test_an_input_is_never_replaced(tmp_path: Path) -> None:
    path = save(tmp_path / "a.wav", noise(SEED, 10))
    (tmp_path / "soft.wav").symlink_to("a.wav")
    (tmp_path / "hard.wav").hardlink_to(path)
    before = path.read_bytes()
    for out in ("a.wav", "soft.wav", "hard.wav", "../" + tmp_path.name + "/a.wav"):
        message = refuse("resample", path, tmp_path / out, "--rate", 8000, "--force")
        assert "inputs are never replaced" in message
        assert "inputs are never replaced" in refuse("mix", path, "-o", tmp_path / out, "--force")
    assert path.read_bytes() == before
    assert names(tmp_path) == {"a.wav", "soft.wav", "hard.wav"}


@posix_only
def test_a_link_as_output_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "t.wav").symlink_to(Path("real") / "tone.wav")
    run("tone", 440, 0.1, tmp_path / "t.wav")
    assert (tmp_path / "t.wav").is_symlink()
    assert len(load(tmp_path / "real" / "tone.wav")) == 4800
    assert names(tmp_path / "real") == {"tone.wav"}
    (tmp_path / "loop.wav").symlink_to("loop.wav")
    assert "loop.wav: " in refuse("tone", 440, 0.1, tmp_path / "loop.wav", "--force")


@posix_only
def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        run("tone", 440, 0.1, tmp_path / "t.wav", "--plot", tmp_path / "t.png")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "t.wav").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "t.png").stat().st_mode) == 0o640
    (tmp_path / "t.wav").chmod(0o604)
    run("tone", 440, 0.1, tmp_path / "t.wav", "--force")
    assert stat.S_IMODE((tmp_path / "t.wav").stat().st_mode) == 0o604


@posix_only
def test_a_replaced_file_does_not_hand_on_who_runs_it(tmp_path: Path) -> None:
    path = tmp_path / "t.wav"
    path.touch()
    path.chmod(0o6755)
    run("tone", 440, 0.1, path, "--force")
    assert stat.S_IMODE(path.stat().st_mode) == 0o755


@pytest.mark.parametrize("has_links", [True, False])
def test_a_file_that_appears_meanwhile_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool
) -> None:
    """After the last look at whether it exists, too."""
    path = tmp_path / "t.wav"
    link, fsync = os.link, os.fsync

    def link_or_not(source: Path, target: Path) -> None:
        path.write_text("precious")
        if not has_links:
            raise PermissionError(1, "Operation not permitted")
        link(source, target)

    monkeypatch.setattr(os, "link", link_or_not)
    assert "t.wav: expected a new file, but it has come to exist; --force replaces it" in refuse("tone", 440, 1, path)
    assert path.read_text() == "precious"
    assert names(tmp_path) == {"t.wav"}
    monkeypatch.undo()
    path.unlink()
    monkeypatch.setattr(os, "fsync", lambda descriptor: (path.write_text("precious"), fsync(descriptor)))
    refuse("tone", 440, 1, path)
    assert path.read_text() == "precious"
    run("tone", 440, 1, path, "--force")
    assert names(tmp_path) == {"t.wav"}


def test_a_file_system_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_link(source: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_link)
    run("tone", 440, 0.1, tmp_path / "t.wav")
    assert len(load(tmp_path / "t.wav")) == 4800
    assert names(tmp_path) == {"t.wav"}


@posix_only
@pytest.mark.parametrize("command", ["tone", "resample"])
def test_an_interruption_anywhere_leaves_nothing_or_all(
    tmp_path: Path, run_python: Callable[..., Any], command: str
) -> None:
    """Ctrl-C at each call of a function of ours that concerns the file, one after the other."""
    save(tmp_path / "in.wav", noise(SEED, 100))
    program = (
        "import gc, os, signal, sys\n"
        "from pathlib import Path\n"
        "from livekit_utils._runtime.ending_signals import interrupt_on_ending_signals\n"
        "from livekit_utils.cli import app\n"
        "out, arguments = Path(sys.argv[1]), sys.argv[2:]\n"
        "files = ('pending_file.py', 'new_name.py', 'stale_files.py', 'audio_writer.py', 'production.py')\n"
        "def run(at):\n"
        "    count = 0\n"
        "    def trace(frame, event, value):\n"
        "        nonlocal count\n"
        "        if not frame.f_code.co_filename.endswith(files): return None\n"
        "        # Python stays in an `except` block at whose `return` a trace function raises.\n"
        "        if event == 'return': return trace\n"
        "        count += 1\n"
        "        if count == at: os.kill(os.getpid(), signal.SIGINT)\n"
        "        return trace\n"
        "    interrupt_on_ending_signals()\n"
        "    sys.settrace(trace)\n"
        "    try: app(arguments, standalone_mode=False)\n"
        "    except (KeyboardInterrupt, SystemExit): pass\n"
        "    finally: sys.settrace(None)\n"
        "    return count\n"
        "num_calls = run(-1)\n"
        "(out / 't.wav').unlink()\n"
        "for at in range(1, num_calls):\n"
        "    run(at)\n"
        "    gc.collect()  # what the exception still holds, which ends with the program\n"
        "    left = [path.name for path in out.iterdir()]\n"
        "    assert left in ([], ['t.wav']), (at, left)\n"
        "    if left: (out / 't.wav').unlink()\n"
        "print(num_calls > 80)\n"
    )
    out = tmp_path / "out"
    out.mkdir()
    arguments = {
        "tone": ["tone", "440", "0.01", str(out / "t.wav"), "--json"],
        "resample": ["resample", str(tmp_path / "in.wav"), str(out / "t.wav"), "--rate", "44100", "--json"],
    }[command]
    result = run_python("-c", program, str(out), *arguments)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "True"


@posix_only
def test_what_a_killed_command_left_is_removed(tmp_path: Path, interpreter: Callable[..., Any]) -> None:
    foreign = {".livekit-utils-notes.wav", ".livekit-utils-0123456789abcdef"}
    for name in foreign:
        (tmp_path / name).touch()
    with interpreter("-m", "livekit_utils", "tone", "440", "36000", str(tmp_path / "dead.wav")) as dead:
        deadline = time.monotonic() + 60
        while len(names(tmp_path) - foreign) < 1:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        # One that is running keeps its file.
        run("tone", 440, 0.1, tmp_path / "a.wav")
        assert len(names(tmp_path) - foreign) == 2
        dead.kill()
        dead.wait()
    run("tone", 440, 0.1, tmp_path / "b.wav")
    assert names(tmp_path) - foreign == {"a.wav", "b.wav"}
    assert foreign <= names(tmp_path)


FULL_DISK = """
import resource, sys
from livekit_utils.__main__ import main
limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
main()
"""


# Too little for the header, for the sound, for the last byte (where libsndfile reports nothing), and for the plot.
@posix_only
@pytest.mark.parametrize(
    ("name", "limit"),
    [("t.wav", 20), ("t.wav", 50_000), ("t.flac", 9_000), ("t.flac", -1), ("t.ogg", -1), ("t.png", 5_000)],
)
def test_a_full_disk(tmp_path: Path, run_python: Callable[..., Any], name: str, limit: int) -> None:
    path = tmp_path / name
    arguments = ["tone", "440", "1", str(path)]
    if limit < 0:
        run(*arguments)
        limit += path.stat().st_size
        path.unlink()
    if path.suffix == ".png":
        arguments = ["tone", "440", "0.001", str(tmp_path / "t.wav"), "--plot", str(path)]
    result = run_python("-c", FULL_DISK, str(limit), *arguments)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"error: {path if path.suffix != '.png' else ''}")
    assert result.stderr.count("\n") == 1
    assert names(tmp_path) == set()


@posix_only
@pytest.mark.parametrize(
    ("command", "number"),
    [("tone", signal.SIGINT), ("resample", signal.SIGINT), ("mix", signal.SIGINT), ("mix", signal.SIGTERM)],
)
def test_an_interrupted_command_leaves_nothing(
    tmp_path: Path, interpreter: Callable[..., Any], command: str, number: signal.Signals
) -> None:
    source = tmp_path / "in" / "source.wav"
    source.parent.mkdir()
    if command != "tone":
        write_long_wav(source)
    out = tmp_path / "out"
    out.mkdir()
    arguments = {
        "tone": ["tone", "440", "36000", str(out / "t.wav")],
        "resample": ["resample", str(source), str(out / "t.flac"), "--rate", "44100", "--quality", "very_high"],
        "mix": ["mix", str(source), "-o", str(out / "t.flac"), "--rate", "96000", "--channels", "8"],
    }[command]
    with interpreter("-m", "livekit_utils", *arguments) as process:
        deadline = time.monotonic() + 60
        while not any(path.stat().st_size > 100_000 for path in out.iterdir()):
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert all(path.name.startswith(".") for path in out.iterdir())
        process.send_signal(number)
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (130, "")
    assert errors == "interrupted\n"
    assert names(out) == set()


def test_memory_does_not_grow_with_the_length(tmp_path: Path, run_python: Callable[..., Any]) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("peak memory is read from /proc")
    code = (
        "import sys\n"
        "from livekit_utils.cli import app\n"
        "app(standalone_mode=False)\n"
        "print([line for line in open('/proc/self/status') if line.startswith('VmHWM')][0].split()[1])\n"
    )

    def peak_mb(*arguments: object) -> float:
        result = run_python("-c", code, *map(str, arguments), "--json")
        assert result.returncode == 0, result.stderr
        return int(result.stdout.split()[-1]) / 1024

    def peaks_mb(minutes: int) -> list[float]:
        low, high, mix = (tmp_path / f"{name}{minutes}.wav" for name in ("low", "high", "mix"))
        plot = tmp_path / f"mix{minutes}.png"
        return [
            peak_mb("tone", 440, minutes * 60, low, "--rate", 8000),
            peak_mb("resample", low, high, "--rate", 16_000, "--quality", "low"),
            peak_mb("mix", low, high, "-o", mix, "--plot", plot),
        ]

    for short, long in zip(peaks_mb(1), peaks_mb(20), strict=True):
        assert long < short + 8  # the samples of 20 minutes would take 18 MB and more
