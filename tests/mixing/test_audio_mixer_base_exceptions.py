"""Streams that raise what is no Exception, such as PyO3's PanicException."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest

from livekit_utils import AudioFrame, AudioMixer
from tests.support.virtual_time import run


class Panic(BaseException):
    pass


async def failing() -> AsyncIterator[AudioFrame]:
    yield AudioFrame.create(48000, 1, 480)
    raise Panic("down")


async def good() -> AsyncIterator[AudioFrame]:
    for _ in range(20):
        yield AudioFrame.create(48000, 1, 480)


def test_it_is_an_error_of_that_stream_alone(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        mixer = AudioMixer(48000, 1, blocksize=480)
        mixer.add_stream(failing(), name="kitchen")
        mixer.add_stream(good())
        mixer.end_input()
        assert len([frame async for frame in mixer]) == 20
        await mixer.aclose()

    with caplog.at_level(logging.WARNING):
        run(main())
    assert [record.getMessage() for record in caplog.records] == ["AudioMixer: 'kitchen' failed and is removed: down"]
