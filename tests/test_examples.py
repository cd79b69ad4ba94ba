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

from .virtual_time import run

EXAMPLES = Path(__file__).parent.parent / "examples"

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
