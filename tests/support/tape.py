"""Audio to play, and somebody who notes what is played when."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np

from livekit_utils import AudioFrame, AudioResampler, AudioSource, AudioStream

RATE = 48000

# Virtual times are sums of floats around 1000 s and up.
EXACT = 1e-9


class Tape:
    """Listens to a source as a stream does: each piece, and when it was handed out."""

    def __init__(self, source: AudioSource, on_piece: Callable[[int], object] | None = None) -> None:
        self.times: list[float] = []
        self.pieces: list[bytes] = []
        self.idle_times: list[float] = []
        self.ends = 0
        self._rate, self._width = source.sample_rate, 2 * source.num_channels
        self._on_piece = on_piece
        source._fan_out.attach(self)

    def _receive(self, frame: AudioFrame) -> None:
        assert frame.sample_rate == self._rate
        assert frame.num_channels * 2 == self._width
        self.times.append(asyncio.get_running_loop().time())
        self.pieces.append(bytes(frame.data))
        if self._on_piece is not None:
            self._on_piece(len(self.pieces))

    def _on_idle(self) -> None:
        self.idle_times.append(asyncio.get_running_loop().time())

    def _end(self) -> None:
        self.ends += 1

    @property
    def data(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def sizes(self) -> list[int]:
        return [len(piece) // self._width for piece in self.pieces]

    @property
    def values(self) -> list[int]:
        """Of frames that are constant: one value for each stretch of it."""
        samples = np.frombuffer(self.data, np.int16)
        return samples[np.flatnonzero(np.diff(samples, prepend=np.int32(-99999)))].tolist() if samples.size else []

    def assert_on_time(self, exact: float = EXACT) -> None:
        """Each piece comes when the one before is over: no gap, no overlap, no drift."""
        played = 0
        for when, size in zip(self.times, self.sizes, strict=True):
            assert abs(when - self.times[0] - played / self._rate) < exact, (when, played)
            played += size

    def assert_no_overlap(self) -> None:
        """No piece comes before the one before is over; gaps may be."""
        over = 0.0
        for when, size in zip(self.times, self.sizes, strict=True):
            assert when >= over - EXACT
            over = max(when, over) + size / self._rate


def constant(value: int, ms: float = 10, rate: int = RATE, channels: int = 1) -> AudioFrame:
    samples = round(ms * rate / 1000)
    return AudioFrame(np.full(samples * channels, value, np.int16).tobytes(), rate, channels, samples)


def samples_of(frames: list[AudioFrame]) -> bytes:
    return b"".join(bytes(frame.data) for frame in frames)


def now() -> float:
    return asyncio.get_running_loop().time()


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def read(stream: AudioStream) -> list[AudioFrame]:
    return [event.frame async for event in stream]


async def soon(awaitable: Awaitable[object], seconds: float = 1000) -> object:
    """What must not wait for ever."""
    return await asyncio.wait_for(awaitable, seconds)


def converted(frame: AudioFrame, rate: int, channels: int) -> bytes:
    """What a stream should give, in one go."""
    samples = np.frombuffer(frame.data, np.int16).reshape(-1, frame.num_channels)
    if channels == 1 and frame.num_channels > 1:
        # The average, rounded half up, as the kernel's own tests say.
        from livekit_utils._kernels.channels import downmix_s16

        samples = np.frombuffer(downmix_s16(frame, frame.num_channels), np.int16).reshape(-1, 1)
    if rate != frame.sample_rate:
        resampler = AudioResampler(frame.sample_rate, rate, num_channels=samples.shape[1], engine="polyphase")
        pieces = resampler.push(samples.tobytes()) + resampler.flush()
        samples = np.frombuffer(samples_of(pieces), np.int16).reshape(-1, samples.shape[1])
    if samples.shape[1] != channels:
        samples = np.repeat(samples, channels, axis=1)
    return samples.tobytes()


def filled_up(data: bytes, num_bytes: int) -> bytes:
    """With silence, to whole frames of so many bytes."""
    return data + bytes(-len(data) % num_bytes)
