"""livekit-agents, whose audio classes these tests use without a room of a server.

With LIVEKIT_UTILS_AGENTS=ours in the environment, each of our names stands in place of the SDK's before livekit-agents
is imported: it then runs on our resampler, mixer, sources, streams, synchronizer and frames.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any
from unittest.mock import AsyncMock

import pytest

import livekit_utils

OURS = os.environ.get("LIVEKIT_UTILS_AGENTS") == "ours"
IS_THERE = find_spec("livekit") is not None and find_spec("livekit.agents") is not None

if not IS_THERE:
    collect_ignore_glob = ["test_*.py"]
elif OURS:
    from livekit import rtc as _rtc

    for _name in livekit_utils.__all__:
        if hasattr(_rtc, _name):
            setattr(_rtc, _name, getattr(livekit_utils, _name))


@pytest.fixture
def rtc() -> Any:
    from livekit import rtc

    return rtc


@pytest.fixture
def room(rtc: Any) -> Any:
    """A room that is connected, as far as its users can tell; `published` has the tracks that were published in it."""

    class Room(rtc.EventEmitter):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.remote_participants: dict[str, Any] = {}
            self.published: list[Any] = []
            self.local_participant = AsyncMock()
            self.local_participant.publish_track = self._publish
            self.local_participant.track_publications = {}

        async def _publish(self, track: Any, options: Any = None) -> Any:
            self.published.append(track)
            return AsyncMock()

        def isconnected(self) -> bool:
            return True

    return Room()


@pytest.fixture
def listen(rtc: Any) -> Callable[..., Any]:
    """Reads a track until as many samples came that are not 0; returns all samples from the first of these on."""
    import numpy as np

    async def heard(track: Any, num_samples: int) -> Any:
        samples = np.zeros(0, np.int16)
        stream = rtc.AudioStream(track)
        async for event in stream:
            samples = np.concatenate([samples, np.frombuffer(event.frame.data, np.int16)])
            if not samples.any():
                samples = samples[:0]
            if np.count_nonzero(samples) >= num_samples:
                break
        await stream.aclose()
        return samples[np.flatnonzero(samples)[0] :]

    return heard
