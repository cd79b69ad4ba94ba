"""AudioSource.play: every kind of stream, to the last sample, in real time, and what is left when it ends early."""

from __future__ import annotations

import asyncio
import gc
import io
import weakref
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_utils import AudioFile, AudioFrame, AudioSource, AudioStream, LocalAudioTrack, resample_audio
from tests.support import decoding
from tests.support.tape import RATE, Tape, constant, now, samples_of, soon, turns
from tests.support.virtual_time import run

SAMPLES = np.random.default_rng(1).integers(-20000, 20000, 24000).astype(np.int16)


def frames_of(samples: Any, rate: int = RATE, channels: int = 1, size: int = 480) -> list[AudioFrame]:
    pieces = [samples[start : start + size] for start in range(0, len(samples), size)]
    return [AudioFrame(piece.tobytes(), rate, channels, len(piece)) for piece in pieces]


@dataclass
class Event:
    frame: AudioFrame


class OnlyNext:
    """An async iterator that is not iterable."""

    def __init__(self, frames: list[AudioFrame]) -> None:
        self._frames = iter(frames)

    async def __anext__(self) -> AudioFrame:
        for frame in self._frames:
            return frame
        raise StopAsyncIteration


async def asynchronous(frames: list[AudioFrame]) -> AsyncIterator[AudioFrame]:
    for frame in frames:
        await asyncio.sleep(0)
        yield frame


KINDS: dict[str, Any] = {
    "list": list,
    "tuple": tuple,
    "generator": lambda frames: (frame for frame in frames),
    "async generator": asynchronous,
    "async iterator": OnlyNext,
    "events": lambda frames: [Event(frame) for frame in frames],
}


@pytest.mark.parametrize("queue_ms", [0, 5, 50, 1000])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_stream(kind: str, queue_ms: float) -> None:
    async def main() -> None:
        async with AudioSource(RATE, 1, queue_ms) as source:
            tape = Tape(source)
            await source.play(KINDS[kind](frames_of(SAMPLES)))
            await source.wait_for_playout()
            assert tape.data == SAMPLES.tobytes()
            if queue_ms:
                tape.assert_on_time()

    run(main())


@given(
    rate=st.sampled_from([8000, 16000, 22050, 44100, 48000]),
    out=st.sampled_from([16000, 24000, 44100, 48000]),
    num=st.integers(0, 3000),
    size=st.integers(1, 1500),
)
def test_other_formats_come_out_to_the_last_sample(rate: int, out: int, num: int, size: int) -> None:
    async def main() -> None:
        async with AudioSource(out, 2) as source:
            tape = Tape(source)
            await source.play(frames_of(SAMPLES[:num], rate, size=size))
            await source.wait_for_playout()
            got = np.frombuffer(tape.data, np.int16).reshape(-1, 2)
            assert len(got) == round(num * out / rate)
            assert np.array_equal(got[:, 0], got[:, 1])
            if num:
                assert np.abs(got[:, 0] - resample_audio(SAMPLES[:num], rate, out).astype(int)).max(initial=0) <= 1

    run(main())


def test_it_returns_when_all_is_captured_not_when_it_was_heard() -> None:
    async def main() -> None:
        async with AudioSource(RATE, 1, 200) as source:
            begin = now()
            await source.play(frames_of(SAMPLES))
            assert now() - begin == pytest.approx(0.3, abs=0.011)
            assert source.queued_duration == pytest.approx(0.2, abs=0.011)

    run(main())


def test_a_file_is_played_in_real_time_and_decoded_as_it_is_played() -> None:
    source_file = io.BytesIO(frames_of(np.tile(SAMPLES, 20), size=480000)[0].to_wav_bytes())

    async def main() -> None:
        async with AudioSource(RATE, 1, 100) as source, AudioFile(source_file) as file:
            tape = Tape(source)
            begin = now()
            playing = asyncio.create_task(source.play(file))
            await asyncio.sleep(5)
            assert 2 * 48000 * 5 < source_file.tell() < 2 * 48000 * 6
            await playing
            await source.wait_for_playout()
            assert now() - begin == pytest.approx(10, abs=0.003)
            tape.assert_on_time()
            assert tape.data == np.tile(SAMPLES, 20).tobytes()

    with decoding.nothing_is_left():
        decoding.run(main())


def test_streams_of_tracks_and_streams_one_after_the_other() -> None:
    async def main() -> None:
        async with AudioSource(RATE, 1, 0) as voice, AudioSource(RATE, 1) as source:
            tape = Tape(source)
            stream = AudioStream(LocalAudioTrack.create_audio_track("voice", voice))
            playing = asyncio.create_task(source.play(stream))
            await turns(3)
            await source.capture_frame(constant(1, 20))
            await voice.capture_frame(constant(2, 20))
            await voice.aclose()
            await playing
            await source.play([constant(3, 10)])
            await source.wait_for_playout()
            assert tape.values == [1, 2, 3]

    run(main())


@pytest.mark.parametrize("stream", [None, 1, constant(1), object()])
def test_what_is_no_stream(stream: Any) -> None:
    async def main() -> None:
        async with AudioSource(RATE, 1) as source:
            with pytest.raises(TypeError, match=r"^stream: expected an async or plain iterable of frames, got "):
                await source.play(stream)

    run(main())


def test_what_is_no_frame_and_what_cannot_be_converted() -> None:
    async def main() -> None:
        async with AudioSource(RATE, 2) as source:
            with pytest.raises(TypeError, match="expected an AudioFrame"):
                await source.play(["a"])
            with pytest.raises(ValueError, match="expected frames of 1 or 2 channels, got 3"):
                await source.play([constant(1, channels=2), constant(1, channels=3)])
            assert source.queued_duration == pytest.approx(0.01)

    run(main())


class Watched:
    """An async iterable that tells whether its iterator was closed."""

    def __init__(self, num: int, error: BaseException | None = None) -> None:
        self.num_open, self._num, self._error = 0, num, error

    async def __aiter__(self) -> AsyncIterator[AudioFrame]:
        self.num_open += 1
        try:
            for _ in range(self._num):
                yield constant(1)
                await asyncio.sleep(0)
            if self._error is not None:
                raise self._error
            await asyncio.get_running_loop().create_future()  # it is silent for ever
        finally:
            self.num_open -= 1


@pytest.mark.parametrize("error", [ZeroDivisionError("a"), OSError(5, "b"), asyncio.CancelledError("c")])
def test_an_error_of_the_stream_is_the_callers(error: BaseException) -> None:
    async def main() -> None:
        async with AudioSource(RATE, 1) as source:
            stream = Watched(2, error)
            with pytest.raises(type(error)):
                await source.play(stream)
            assert stream.num_open == 0
            assert source.queued_duration == pytest.approx(0.02)
            await source.play([constant(2)])

    run(main())


def test_cancelled_at_every_point() -> None:
    async def main() -> None:
        num_done = 0
        for steps in range(100):
            async with AudioSource(RATE, 1, 20) as source:
                tape = Tape(source)
                stream = Watched(6)
                task = asyncio.create_task(source.play(stream))
                for step in range(steps):
                    await asyncio.sleep(0.003 if step % 5 == 4 else 0)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert stream.num_open == 0
                assert not source._pushes
                assert not source._plays
                await source.capture_frame(constant(2))
                await source.wait_for_playout()
                num_values = tape.data.count(b"\1\0")
                assert num_values % 480 == 0
                assert tape.values in ([1, 2], [2])
                num_done = max(num_done, num_values // 480)
        assert num_done == 6

    run(main())


def test_a_stream_that_is_its_own_iterator_can_be_played_on() -> None:
    async def main() -> None:
        async with AudioSource(RATE, 1, 20) as source:
            tape = Tape(source)
            frames = frames_of(SAMPLES)

            def give() -> Iterator[AudioFrame]:
                yield from frames

            stream = give()
            task = asyncio.create_task(source.play(stream))
            await asyncio.sleep(0.1)
            task.cancel()
            await asyncio.wait([task])
            await source.play(stream)
            await source.wait_for_playout()
            # The frame that waited for room when the play was cancelled was read, and not captured.
            assert len(SAMPLES) - len(tape.data) // 2 in (0, 480)

    run(main())


@pytest.mark.parametrize("num", [0, 3, 100])
def test_a_close_releases_who_plays(num: int) -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, 20)
        streams = [Watched(num), Watched(num)]
        tasks = [asyncio.create_task(source.play(stream)) for stream in streams]
        await asyncio.sleep(0.05)
        await source.aclose()
        errors = await soon(asyncio.gather(*tasks, return_exceptions=True))
        assert [str(error) for error in errors] == ["this AudioSource was closed before all was captured"] * 2  # type: ignore[attr-defined]
        assert [stream.num_open for stream in streams] == [0, 0]
        with pytest.raises(RuntimeError, match="is closed"):
            await source.play([])

    run(main())


def test_a_stream_that_closes_the_source() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1)

        async def give() -> AsyncIterator[AudioFrame]:
            yield constant(1)
            await source.aclose()
            yield constant(2)

        with pytest.raises(RuntimeError, match="closed"):
            await source.play(give())

    run(main())


def test_nothing_is_kept() -> None:
    async def main() -> weakref.ref[Any]:
        source = AudioSource(RATE, 1)
        await source.play(frames_of(SAMPLES[:4800]))
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(source.play(Watched(1)), 0.1)
        await source.wait_for_playout()
        await asyncio.sleep(1)
        return weakref.ref(source)

    reference = run(main())
    gc.collect()
    assert reference() is None


def test_in_a_second_loop() -> None:
    source = AudioSource(RATE, 1)
    tape = Tape(source)

    async def main() -> None:
        await source.play(frames_of(SAMPLES[:960]))
        await source.wait_for_playout()

    for _ in range(3):
        run(main())
    assert tape.data == samples_of(frames_of(SAMPLES[:960])) * 3
