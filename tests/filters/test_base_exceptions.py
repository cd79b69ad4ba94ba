"""Errors of processors that are no Exception, such as PyO3's PanicException."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest

from livekit_utils import AudioFrame, AudioSource, AudioStream, FrameProcessor, LocalAudioTrack
from tests.support.tape import RATE, constant
from tests.support.virtual_time import run


class Panic(BaseException):
    pass


class Failing(FrameProcessor[AudioFrame]):
    enabled = True

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def _process(self, frame: AudioFrame) -> AudioFrame:
        raise self.error

    def _close(self) -> None:
        raise self.error

    def _on_stream_info_cleared(self) -> None:
        raise self.error


async def values_of(stream: AudioStream) -> list[int]:
    return [value async for event in stream for value in np.frombuffer(event.frame.data, np.int16).tolist()]


@pytest.mark.parametrize("error", [Panic("down"), GeneratorExit(), BaseException("bare"), RuntimeError("x")])
def test_it_is_an_error_of_that_stream_alone(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1)
        track = LocalAudioTrack.create_audio_track("kitchen", source)
        failing = AudioStream(track, sample_rate=RATE, noise_cancellation=Failing(error))
        others = [AudioStream(track, sample_rate=RATE) for _ in range(2)]
        failing.update_stream_info(None)
        for value in range(1, 11):
            await source.capture_frame(constant(value))
        await source.wait_for_playout()
        await source.aclose()
        expected = [value for value in range(1, 11) for _ in range(RATE // 100)]
        for stream in (failing, *others):
            assert await values_of(stream) == expected
        assert failing.stats().num_processor_failures == 10
        await failing.aclose()

    with caplog.at_level(logging.WARNING, "livekit_utils"):
        run(main())
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 3, messages  # the processor, its hook, its close
    assert all("kitchen" in message and "Failing" in message for message in messages)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
def test_what_ends_the_program_passes_when_all_others_are_served(error: BaseException) -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, queue_size_ms=0)
        track = LocalAudioTrack.create_audio_track("kitchen", source)
        streams: list[Any] = [
            AudioStream(track, sample_rate=RATE),
            AudioStream(
                track, sample_rate=RATE, noise_cancellation=Failing(error), auto_close_noise_cancellation=False
            ),
            AudioStream(track, sample_rate=RATE),
        ]
        with pytest.raises(type(error)):
            await source.capture_frame(constant(7))
        await source.aclose()
        for stream in (streams[0], streams[2]):
            assert await values_of(stream) == [7] * (RATE // 100)

    run(main())
