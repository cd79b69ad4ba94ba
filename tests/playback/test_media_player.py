"""MediaPlayer: every picture with its sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from livekit_utils import MediaPlayer
from tests.support.decoding import run
from tests.support.media_files import FPS, IN_TIME_S, RATE, Clip, play_all, stamp

pytest.importorskip("av")


def test_a_file_is_played_once(tmp_path: Path) -> None:
    path = Clip().write(tmp_path / "clip.mkv")
    player = MediaPlayer(path)
    assert player.audio is not None
    assert player.video is not None
    assert player.duration_s == pytest.approx(2, abs=0.01)
    audience = run(play_all(player))
    assert audience.numbers() == list(range(2 * FPS))
    assert np.array_equal(audience.samples, stamp(np.arange(2 * RATE)))
    assert len(audience.offsets_s()) == 2 * FPS
    assert max(map(abs, audience.offsets_s())) < IN_TIME_S
    assert player.duration_s == 2
    assert player.position_s == 2
