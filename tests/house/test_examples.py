"""The examples do what they say."""

from __future__ import annotations

import importlib.util
import logging
import re
import wave
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from livekit_utils import AudioFrame, decode_ulaw, resample_audio
from tests.support.paths import BESIDE
from tests.support.virtual_time import run

EXAMPLES = BESIDE / "examples"

pytestmark = pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the examples do not lie beside the tests")


@pytest.fixture(autouse=True)
def log_level() -> Iterator[None]:
    """As it was: an example may set it."""
    logger = logging.getLogger("livekit_utils")
    before = logger.level
    yield
    logger.setLevel(before)


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def samples(path: Path) -> np.ndarray:
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(float)


def test_the_tour(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tour = load("tour")
    run(tour.main(tmp_path / "tour.wav"))
    said = capsys.readouterr().out
    kept = float(re.search(r"keeps ([\d.]+) s", said)[1])  # type: ignore[index]
    heard = samples(tmp_path / "tour.wav")
    speech, guest = (samples(EXAMPLES / "recordings" / name) for name in ("speech.wav", "guest.wav"))
    # Everything was heard once: what the agent kept as well; the guest spoke while the agent faded out.
    assert heard.size / 48000 == pytest.approx(speech.size / 16000 + guest.size / 22050, abs=0.06)
    assert kept == pytest.approx(speech.size / 16000 - 2.4, abs=0.1)
    energy = 1.5**2 * (np.sum(speech**2) * 3 + np.sum(guest**2) * 48000 / 22050)
    assert np.sum(heard**2) == pytest.approx(energy, rel=0.02)
    assert np.abs(heard).max() < 32767


def test_the_telephone_bridge() -> None:
    bridge = load("telephone_bridge")
    speech = AudioFrame.from_wav_bytes((EXAMPLES / "recordings" / "speech.wav").read_bytes())
    assert speech.sample_rate == bridge.RATE
    came_back = run(bridge.main(speech))
    # Whole packets, and of every codec on the way at most one more, with what it held back.
    assert len(came_back) % 160 == 0
    assert speech.duration <= len(came_back) / 8000 <= speech.duration + 0.08
    heard = np.asarray(resample_audio(decode_ulaw(came_back), 8000, 16000, engine="polyphase"))[:, 0].astype(float)
    said = np.asarray(speech)[:, 0].astype(float)
    # 3 ms later for each of three ways through a codec, at half the level, with what mu-law and the band leave of it.
    part = heard[3 * 48 :][: said.size - 1600]
    assert np.corrcoef(part, said[: part.size])[0, 1] > 0.95
    assert np.std(part) / np.std(said[: part.size]) == pytest.approx(0.5, rel=0.05)


def test_the_synchronizer_demo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demo = load("av_sync_demo")
    in_time, paced = run(demo.main(None, 6.0, 25.0, 30.0))
    assert in_time.stats.num_presented == 150
    assert np.abs(in_time.offsets_ms).max() < 2
    assert len(in_time.flashes_ms) == 6
    assert max(map(abs, in_time.flashes_ms)) < 2
    # Told 30, 25 pictures per second are shown too fast: 200 ms more with each second.
    assert np.polyfit(paced.times, paced.offsets_ms, 1)[0] == pytest.approx(200, abs=2)
    assert np.diff(paced.flashes_ms) == pytest.approx([1000 / 6] * 5, abs=2)
    print(demo.table([in_time, paced]))
    assert "with timestamps" in capsys.readouterr().out
    demo.draw([in_time, paced], tmp_path / "offsets.png")
    assert (tmp_path / "offsets.png").read_bytes().startswith(b"\x89PNG")


def test_the_synchronizer_demo_with_a_media_file(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio = container.add_stream("pcm_s16le", rate=44100, layout="stereo")
        for i in range(100):
            picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), i, np.uint8), format="rgb24")
            container.mux(video.encode(picture))
            tone = (8000 * np.sin(np.arange(i * 1764, (i + 1) * 1764) / 20)).astype(np.int16)
            sound = av.AudioFrame.from_ndarray(np.repeat(tone, 2)[np.newaxis], format="s16", layout="stereo")
            sound.sample_rate = 44100
            container.mux(audio.encode(sound))
        for stream in (video, audio):
            container.mux(stream.encode(None))
    demo = load("av_sync_demo")
    in_time, _ = run(demo.main(path, 3.0, 25.0, 30.0))
    assert in_time.stats.num_presented == 75
    assert np.abs(in_time.offsets_ms).max() < 15


def test_playing_a_media_file(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("av")
    from tests.support import decoding

    pictures, sound = decoding.run(load("play_media").main(None, 9.0))
    assert pictures == 10 * 25 + 2  # the first one at 0, and the one that is shown in the pause
    assert sound == pytest.approx(10, abs=0.03)
    said = capsys.readouterr().out
    assert "after 9 s of laps        at   1.00 s,  226 pictures, 0 dropped, 0.0 ms apart" in said
    assert "after a seek to 0.50 s   at   0.50 s" in said
    assert "1 s later                at   1.49 s" in said  # the last 10 ms before the pause are heard to their end


def test_a_recorded_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "call.wav"
    offs = run(load("record_call").main(path))
    assert len(offs) == 3
    assert max(map(abs, offs)) < 5
    said = capsys.readouterr().out
    clock = float(re.search(r"([\d.]+) s on the clock", said)[1])  # type: ignore[index]
    assert samples(path).size / 2 / 48000 == pytest.approx(clock, abs=0.001)
    assert [name.name for name in sorted(tmp_path.iterdir())] == ["call.wav", "call.wav.marks.jsonl"]


def test_the_conference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    conference = load("conference")
    heard = run(conference.main(tmp_path))
    said = capsys.readouterr().out
    assert "Bela: clock +30" in said or "Bela: clock +29" in said
    assert re.search(r"Carl: clock [+-]0 ppm, \d\d blocks late, [34]\d\d ms left out", said)
    names = [person.name for person in conference.PEOPLE]
    for name in names:
        assert f"{name} heard {', '.join(other for other in names if other != name)}\n" in said
        assert np.array_equal(samples(tmp_path / f"conference-{name.lower()}.wav"), heard[name])
