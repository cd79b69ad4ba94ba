"""VoiceActivityDetector tells when somebody begins and ends to speak."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Literal

from livekit_utils._runtime.arguments import check_int, check_ms, check_number
from livekit_utils._runtime.install import install_line
from livekit_utils._runtime.public_path import public
from livekit_utils.conversion.audio_resampler import AudioResampler
from livekit_utils.conversion.engines import engine_for
from livekit_utils.conversion.frame_converter import FrameConverter
from livekit_utils.conversion.stream_frames import stream_frames
from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame
from livekit_utils.voice.blocks import Blocks
from livekit_utils.voice.speech_score import BLOCK, RATE, SpeechScore

__all__ = ["VoiceActivity", "VoiceActivityDetector"]

_MIN_RATE, _MAX_RATE = 8000, 384_000
_BLOCK_MS = 10

# Speech ends below a probability that is this much lower than the one it begins at, so that one which varies about the
# threshold is not cut up.
_HYSTERESIS = 0.15

# The network knows a vowel after some 30 ms, and a hiss before it ("she") often not at all. Up to 100 ms before it are
# speech where they are clearly louder than the noise.
_ONSET_BLOCKS = 10

# Longest times, in ms.
_MAX_MS = 60_000.0


@public
@dataclass(frozen=True, kw_only=True, slots=True)
class VoiceActivity:
    """The start or end of speech that a `VoiceActivityDetector` has found."""

    kind: Literal["start", "end"]
    """Whether speech has started or ended."""
    at_s: float
    """Seconds from the start of the stream to it, in steps of 10 ms."""
    probability: float
    """Probability of speech, 0 to 1: for a start the mean since the network knew it, for an end the last."""


@public
class VoiceActivityDetector:
    """Tells when speech starts and ends in a stream of frames.

    A start is returned when speech has lasted `min_speech_ms`, and an end when it has paused for `min_silence_ms`; both
    tell the time at which it was. The probability is that of WebRTC's neural network, and 0 for what is no louder than
    the noise: less than 2 dB above the lowest level of the last 3 s. So steady noise is no speech, however loud.
    By default, a start is told within 60 ms of the first sample of the voice, if frames are 10 ms long, and the voice
    begins with a voiced sound and is 20 dB above the noise or more. A hiss is told with the vowel after it, as its
    start. How the stream is cut into frames does not matter.

    Where a stream begins within a word, its start is told when the voice grows louder. Singing and some music are
    speech. It needs `pip install ".[devices]"`.

    Args:
        sample_rate: Of the frames in Hz, 8000 to 384000.
        threshold: Probability from which on it is speech, 0 to 1. Speech ends 0.15 below it.
        min_speech_ms: Length from which on it is speech, in steps of 10 ms, up to 60000.
        min_silence_ms: Pause that ends speech, in steps of 10 ms, up to 60000. Shorter ones belong to it.

    Raises:
        ImportError: pywebrtc-audio is not installed.
        ValueError: An argument is out of range.
        TypeError: An argument is no number.

    Threads: one at a time.

    Example:
        >>> from livekit_utils import AudioFrame
        >>> detector = VoiceActivityDetector(48000)
        >>> detector.push(AudioFrame.create(48000, 1, 48000))
        []
        >>> detector.probability
        0.0
    """

    def __init__(
        self, sample_rate: int, *, threshold: float = 0.5, min_speech_ms: float = 60, min_silence_ms: float = 300
    ) -> None:
        self._sample_rate = check_int("sample_rate", sample_rate, _MIN_RATE, _MAX_RATE)
        self._threshold = check_number("threshold", threshold, 0, 1)
        self._min_speech = _blocks(check_ms("min_speech_ms", min_speech_ms, _MAX_MS))
        self._min_silence = _blocks(check_ms("min_silence_ms", min_silence_ms, _MAX_MS))
        try:
            import pywebrtc_audio  # noqa: F401
        except ImportError as error:
            raise ImportError(
                f"VoiceActivityDetector needs the package pywebrtc-audio: {install_line('devices')}",
                name="pywebrtc_audio",
            ) from error
        # The resampler holds so many samples back. As much silence before them makes a block of 10 ms whole with every
        # 10 ms of the stream; without it a start would be told a frame later.
        latency_s = 0.0
        if self._sample_rate != RATE:
            engine = engine_for(self._sample_rate, RATE)
            latency_s = AudioResampler(self._sample_rate, RATE, engine=engine).latency
        self._lead = bytes(2 * math.ceil(latency_s * RATE))
        self._watching = False
        self.reset()

    @property
    def sample_rate(self) -> int:
        """Of the frames, in Hz."""
        return self._sample_rate

    @property
    def probability(self) -> float:
        """Probability of speech in the last 10 ms, 0 to 1; 0 before them."""
        return self._probability

    @property
    def speaking(self) -> bool:
        """Whether speech has started and not ended."""
        return self._speaking

    def push(self, frame: AudioFrame) -> list[VoiceActivity]:
        """Takes a frame, and returns what has started and ended.

        Args:
            frame: A frame of any length and channel count (ours or the LiveKit SDK's). Several channels are averaged
                to one.

        Raises:
            ValueError: The frame has another sample rate. The state is then unchanged.
            TypeError: `frame` is no frame.
        """
        frame = as_audio_frame(frame)
        if frame.sample_rate != self._sample_rate:
            raise ValueError(f"frame: expected a sample rate of {self._sample_rate} Hz, got {frame.sample_rate}")
        found: list[VoiceActivity] = []
        self._num_samples += frame.samples_per_channel
        for converted in self._converter.push(frame):
            self._take(converted, found)
        return found

    def flush(self) -> list[VoiceActivity]:
        """Ends the stream, and returns the end of speech that had not ended. The next push begins a new stream."""
        found: list[VoiceActivity] = []
        for converted in self._converter.flush():
            self._take(converted, found)
        if self._speaking:
            at_s = min((self._last + 1) * _BLOCK_MS / 1000, self._num_samples / self._sample_rate)
            found.append(VoiceActivity(kind="end", at_s=at_s, probability=self._probability))
        self.reset()
        return found

    def reset(self) -> None:
        """Forgets the stream. The next push begins a new one."""
        self._score = SpeechScore()
        self._converter = FrameConverter(RATE, 1)
        self._blocks = Blocks(BLOCK)
        self._blocks.push(memoryview(self._lead))
        self._num_samples = 0  # of the stream, at its own rate
        self._block = 0  # number of the next one
        self._probability = 0.0
        self._speaking = False
        self._first, self._run, self._sum = 0, 0, 0.0  # of what may become speech
        self._last = -1  # block of speech

    async def watch(self, stream: Any) -> AsyncGenerator[VoiceActivity, None]:
        """Reads a stream to its end, and gives what starts and ends in it, as it is found. It begins a new stream.

        Speech that has not ended with the stream ends there. Leave it early with `aclosing`, or close the generator:
        a stream that is its own iterator, such as an `AudioStream`, stays open.

        Args:
            stream: An async or plain iterable of frames, or of events with a `frame`. Frames of another rate are
                converted.

        Raises:
            TypeError: It is none of these, or gives something else than frames.
            RuntimeError: Another stream is watched, whose state this would mix with.

        Example:
            >>> import asyncio
            >>> from livekit_utils import noise_generator
            >>> async def main() -> None:
            ...     detector = VoiceActivityDetector(48000)
            ...     async for activity in detector.watch(noise_generator(2, amplitude=0.01)):
            ...         print(activity.kind, activity.at_s)
            >>> asyncio.run(main())
        """
        if self._watching:
            raise RuntimeError("this VoiceActivityDetector watches another stream: each needs a detector of its own")
        frames = stream_frames(stream, FrameConverter(self._sample_rate, 1), "VoiceActivityDetector")
        self._watching = True
        self.reset()
        try:
            async for frame in frames:
                for activity in self.push(frame):
                    yield activity
            for activity in self.flush():
                yield activity
        finally:
            self.reset()
            self._watching = False
            await frames.aclose()

    def _take(self, frame: AudioFrame, found: list[VoiceActivity]) -> None:
        for block in self._blocks.push(frame.data):
            self._judge(self._score.process(block), found)

    def _judge(self, probability: float, found: list[VoiceActivity]) -> None:
        block, self._block, self._probability = self._block, self._block + 1, probability
        if self._speaking:
            if probability >= self._threshold - _HYSTERESIS:
                self._last = block
            elif block - self._last >= self._min_silence:
                self._speaking, self._run = False, 0
                at_s = (self._last + 1) * _BLOCK_MS / 1000
                found.append(VoiceActivity(kind="end", at_s=at_s, probability=probability))
        elif probability >= self._threshold:
            if not self._run:
                self._first = max(self._last + 1, block - min(_ONSET_BLOCKS, max(0, self._score.num_loud - 1)))
                self._sum = 0.0
            self._run += 1
            self._sum += probability
            if block - self._first + 1 >= self._min_speech and not self._score.is_falling:
                self._speaking, self._last = True, block
                at_s = self._first * _BLOCK_MS / 1000
                found.append(VoiceActivity(kind="start", at_s=at_s, probability=self._sum / self._run))
        else:
            self._run = 0

    def __repr__(self) -> str:
        return f"VoiceActivityDetector(sample_rate={self._sample_rate}{', speaking' if self._speaking else ''})"


def _blocks(ms: float) -> int:
    return max(1, math.ceil(ms / _BLOCK_MS))
