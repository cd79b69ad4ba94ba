"""AudioStreamDecoder: the sound of bytes as they come, as a stream of frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livekit_utils._runtime.arguments import check_int, check_type
from livekit_utils._runtime.lifecycle import AsyncClosing
from livekit_utils._runtime.public_path import public
from livekit_utils._runtime.queues import EndableQueue
from livekit_utils._runtime.threads import Once, start_thread
from livekit_utils.conversion.frame_converter import FrameConverter
from livekit_utils.files.byte_feed import ByteFeed
from livekit_utils.files.frame_cutter import FrameCutter

if TYPE_CHECKING:
    from typing import Self

    from livekit_utils.frames.audio_frame import AudioFrame

__all__ = ["AudioStreamDecoder"]

_MAX_CHANNELS = 128

_FRAME_MS = 10

# Frames that are decoded ahead of the reader: 1 s.
_MAX_AHEAD = 100

# Time in seconds that a close waits for the thread.
_CLOSE_S = 1.0


@public
class AudioStreamDecoder(AsyncClosing):
    """Decodes sound whose bytes come in pieces, such as the answer of a text-to-speech service.

    The pieces may be cut anywhere: the frames are the same. Several WAVs, MP3s or Ogg streams may follow each other,
    each with its own header; they are one sound.

    WAV of 8 to 64 bits, A-law and mu-law is decoded here. MP3, Ogg (Opus, Vorbis, FLAC), FLAC, AAC, WebM and whatever
    else FFmpeg reads from a pipe is decoded by PyAV: `pip install ".[video]"`. An MP4 is decoded when it is complete.
    Decoding runs in a thread, at most a second ahead of the reader.

    Args:
        sample_rate: Hz, of the frames. None is that of the sound.
        num_channels: 1 to 128, of the frames. Several channels become one as their mean, one is copied to several. None
            is that of the sound.
        format: A name ("wav", "mp3", "ogg") or a content type ("audio/mpeg", also with parameters), for a stream whose
            first bytes do not tell what it is. None: they are looked at.

    Raises:
        ValueError: A number is out of range, or the format is not known.
        TypeError: An argument of another type.

    Ownership: bytes are copied when they are pushed; every frame owns its samples.

    Threads: read in one event loop at a time; `push`, `end_input` and `aclose` may be called in any.

    Example:
        >>> import asyncio
        >>> async def main() -> None:
        ...     async with AudioStreamDecoder(sample_rate=24000) as decoder:
        ...         data = AudioFrame.create(16000, 1, 16000).to_wav_bytes()
        ...         for start in range(0, len(data), 1000):
        ...             decoder.push(data[start : start + 1000])
        ...         decoder.end_input()
        ...         print(sum([frame.samples_per_channel async for frame in decoder]))
        >>> asyncio.run(main())
        24000
    """

    def __init__(
        self, *, sample_rate: int | None = 48000, num_channels: int | None = 1, format: str | None = None
    ) -> None:
        self._closed = True  # until it is made
        if sample_rate is not None:
            sample_rate = check_int("sample_rate", sample_rate, 100)
        if num_channels is not None:
            num_channels = check_int("num_channels", num_channels, 1, _MAX_CHANNELS)
        self._is_ended = self._is_started = False
        self._feed = ByteFeed()
        self._queue: EndableQueue[AudioFrame] = EndableQueue(0)
        self._released = Once()
        self._decoding = _Decoding(self._feed, self._queue, sample_rate, num_channels, _checked_format(format))
        self._closed = False

    @property
    def num_clipped(self) -> int:
        """Values above full scale that were decoded so far, and saturated."""
        return self._decoding.num_clipped

    def push(self, data: bytes | bytearray | memoryview) -> None:
        """Takes the next bytes. It does not wait; after an error of the decoder, which the iteration raises, it does
        nothing.

        Raises:
            TypeError: Not bytes.
            RuntimeError: After `end_input` or `aclose`.
        """
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"data: expected bytes, got {type(data).__name__}")
        self._check_open()
        if self._is_ended:
            raise RuntimeError("this AudioStreamDecoder takes no more bytes: end_input was called")
        if chunk := bytes(data):
            self._start()
            self._feed.push(chunk)

    def end_input(self) -> None:
        """Says that all bytes were pushed: the iteration ends with the sound. A second call does nothing."""
        if not self._is_ended and not self._closed:
            self._is_ended = True
            self._start()
            self._feed.end()

    def _start(self) -> None:
        if not self._is_started:
            decoding, released = self._decoding, self._released

            def run() -> None:
                try:
                    decoding.run()
                finally:
                    released.set()

            start_thread("AudioStreamDecoder", run)
            self._is_started = True

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> AudioFrame:
        frame = await self._queue.get()
        if 2 * len(self._queue) == _MAX_AHEAD:
            self._feed.wake()
        return frame

    async def aclose(self) -> None:
        """Stops at once: what was not read is dropped, and iterations end, also those that wait. A second call does
        nothing."""
        self._close()
        if self._is_started:
            await self._released.happens(_CLOSE_S)

    def _close(self) -> None:
        self._closed = True
        self._feed.close()
        self._queue.close()

    def __del__(self) -> None:
        if not self._closed:
            self._close()

    def __repr__(self) -> str:
        state = "closed" if self._closed else "ended" if self._is_ended else "open"
        return f"AudioStreamDecoder({state})"


class _Decoding:
    """What the thread does. It does not know the decoder, which may be given up meanwhile."""

    def __init__(
        self,
        feed: ByteFeed,
        queue: EndableQueue[AudioFrame],
        sample_rate: int | None,
        num_channels: int | None,
        format: str | None,
    ) -> None:
        self._feed = feed
        self._queue = queue
        self._sample_rate = sample_rate
        self._num_channels = num_channels
        self._format = format
        self.num_clipped = 0

    def run(self) -> None:
        try:
            self._decode()
        except BaseException as error:
            self._queue.end(error)
        else:
            self._queue.end()
        finally:
            self._feed.close()

    def _decode(self) -> None:
        from livekit_utils.files.samples import as_frame
        from livekit_utils.files.stream_sound import stream_sound

        converter: FrameConverter | None = None
        cutter: FrameCutter | None = None
        try:
            for sample_rate, samples in stream_sound(self._feed, self._format):
                if self._feed.closed:
                    return
                if converter is None or cutter is None:
                    rate, channels = self._sample_rate or sample_rate, self._num_channels or samples.shape[1]
                    converter = FrameConverter(rate, channels)
                    cutter = FrameCutter(rate, channels, max(1, rate * _FRAME_MS // 1000))
                frame, num_clipped = as_frame(samples, sample_rate)
                self.num_clipped += num_clipped
                for converted in converter.push(frame):
                    self._give(cutter.push(converted))
        finally:
            # What was decoded before an error is not lost.
            if converter is not None and cutter is not None and not self._feed.closed:
                for converted in converter.flush():
                    self._give(cutter.push(converted))
                self._give(cutter.flush())

    def _give(self, frames: list[AudioFrame]) -> None:
        for frame in frames:
            self._queue.put(frame)
        if len(self._queue) >= _MAX_AHEAD:
            self._feed.wait_until(lambda: 2 * len(self._queue) <= _MAX_AHEAD)


def _checked_format(format: str | None) -> str | None:
    from livekit_utils.files.stream_sound import FORMATS

    if format is None:
        return None
    check_type("format", format, str)
    name = format.partition(";")[0].strip().lower()
    if name not in FORMATS:
        names = ", ".join(name for name in FORMATS if "/" not in name)
        raise ValueError(f"format: expected one of {names} or a content type of theirs, got {format[:80]!r}")
    return FORMATS[name]
