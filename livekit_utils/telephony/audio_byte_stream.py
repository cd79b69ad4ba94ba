"""AudioByteStream cuts a stream of bytes into frames of one size."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from livekit_utils._runtime.arguments import check_int, check_type
from livekit_utils._runtime.public_path import public
from livekit_utils.frames.wav_format import WavFormat
from livekit_utils.telephony.byte_framer import ByteFramer
from livekit_utils.telephony.encodings import ENCODINGS, Encoding, encoding_number
from livekit_utils.telephony.riff_headers import RiffHeaders

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from livekit_utils.frames.audio_frame import AudioFrame

__all__ = ["AudioByteStream"]

logger = logging.getLogger("livekit_utils")

# The frames of a second where no size is given: 100 ms, as livekit-agents has it.
_FRAMES_PER_SECOND = 10


@public
class AudioByteStream:
    """Takes the bytes of a sound in pieces of any length, and returns frames of one size.

    Pieces may end anywhere, in the middle of a sample too: the part waits for the rest. The frames do not depend on how
    the bytes were cut, and hold all of them.

    Args:
        sample_rate: Hz, from 1.
        num_channels: From 1; the samples are interleaved.
        samples_per_channel: Of a frame, from 1. None is `sample_rate // 10`, 100 ms.
        encoding: Of the bytes: `s16le`, `s16be`, `s24le`, `s24be` (three bytes), `s32le`, `s32be`, `u8`, `f32le`,
            `f32be`, `f64le` (full scale 1.0), `ulaw` or `alaw` (G.711). Samples of more bits are rounded to the
            nearest, ties to even, and saturated.
        wav: Take out the headers of WAV files. Wherever a piece begins with one, and wherever the sound of a header has
            come to its end, a header is expected, and need not come in one piece. Frames have the rate and channels of
            the header they came under, and bytes are read in its encoding; the arguments are for what comes before
            any. What was left under a header of another format is returned as a shorter frame. Chunks that follow a
            sound are no sound.

    Raises:
        ValueError: A number is out of range, or there is no such encoding.
        TypeError: An argument has the wrong type.

    Threads: one at a time. No call waits.

    Example:
        >>> stream = AudioByteStream(16000, 1, 160)
        >>> stream.push(bytes(319))
        []
        >>> stream.push(bytes(3))
        [AudioFrame(sample_rate=16000, num_channels=1, samples_per_channel=160, duration=0.010)]
        >>> stream.flush()
        [AudioFrame(sample_rate=16000, num_channels=1, samples_per_channel=1, duration=0.000)]
    """

    def __init__(
        self,
        sample_rate: int,
        num_channels: int,
        samples_per_channel: int | None = None,
        *,
        encoding: Encoding = "s16le",
        wav: bool = False,
    ) -> None:
        sample_rate = check_int("sample_rate", sample_rate, 1)
        num_channels = check_int("num_channels", num_channels, 1)
        if samples_per_channel is not None:
            samples_per_channel = check_int("samples_per_channel", samples_per_channel, 1)
        number = encoding_number(encoding)
        check_type("wav", wav, bool)
        self._wanted_samples = samples_per_channel
        self._framer = self._make_framer(sample_rate, num_channels, number)
        self._headers = RiffHeaders() if wav else None
        self._num_clipped = 0  # of the formats before
        self._num_bytes_dropped = 0

    @property
    def sample_rate(self) -> int:
        """Hz, of the frames to come."""
        return self._framer.sample_rate

    @property
    def num_channels(self) -> int:
        """Of the frames to come."""
        return self._framer.num_channels

    @property
    def samples_per_channel(self) -> int:
        """Of the frames to come."""
        return self._framer.samples_per_channel

    @property
    def encoding(self) -> Encoding:
        """Of the bytes to come."""
        return ENCODINGS[self._framer.encoding]

    @property
    def buffered_duration(self) -> float:
        """Seconds of sound that wait for the rest of a frame."""
        return self._framer.samples_held / self._framer.sample_rate

    @property
    def num_clipped(self) -> int:
        """Samples so far that were beyond full scale or no number (NaN, which becomes 0)."""
        return self._num_clipped + self._framer.num_clipped

    @property
    def num_bytes_dropped(self) -> int:
        """Bytes so far that were a part of a sample when a WAV header came instead of its rest."""
        return self._num_bytes_dropped

    def push(self, data: Buffer) -> list[AudioFrame]:
        """Takes the next bytes, and returns the frames that are complete.

        Args:
            data: Any C-contiguous buffer of bytes, or of items that are samples of the encoding.

        Raises:
            TypeError: It is no such buffer.
            ValueError: It is strided. With `wav`, a header is damaged or of another codec; frames of the sound before
                such a header are returned first, and the error is that of the next call. So it is for each piece until
                one begins with a header.
        """
        if self._headers is None:
            return self._framer.push(data)
        frames: list[AudioFrame] = []
        for item in self._headers.push(self._as_bytes(data)):
            frames += self._change_format(item) if isinstance(item, WavFormat) else self._framer.push(item)
        return frames

    def write(self, data: Buffer) -> list[AudioFrame]:
        """Does the same as `push`."""
        return self.push(data)

    def flush(self) -> list[AudioFrame]:
        """Returns what waits for the rest of a frame as a shorter frame, or no frame.

        A part of a sample goes on waiting: the stream may go on. `clear` drops it.
        """
        frames = self._framer.push(self._headers.flush()) if self._headers is not None else []
        return frames + self._framer.flush()

    def clear(self) -> None:
        """Drops what waits. The next bytes begin a new stream, in the format of this one."""
        self._framer.clear()
        if self._headers is not None:
            self._headers = RiffHeaders()

    def _make_framer(self, sample_rate: int, num_channels: int, encoding: int) -> ByteFramer:
        size = self._wanted_samples
        if size is None:
            size = max(1, sample_rate // _FRAMES_PER_SECOND)
        return ByteFramer(sample_rate, num_channels, size, encoding)

    def _as_bytes(self, data: Buffer) -> memoryview:
        try:
            return memoryview(data).cast("B")
        except TypeError:
            self._framer.push(data)  # says what is wrong with it
            raise

    def _change_format(self, wanted: WavFormat) -> list[AudioFrame]:
        framer = self._framer
        number = encoding_number(wanted.encoding)
        frames: list[AudioFrame] = []
        is_same = (framer.sample_rate, framer.num_channels, framer.encoding) == (
            wanted.sample_rate,
            wanted.num_channels,
            number,
        )
        if not is_same:
            frames = framer.flush()
            self._num_clipped += framer.num_clipped
            self._framer = self._make_framer(wanted.sample_rate, wanted.num_channels, number)
        num_dropped = framer.drop_part()
        if num_dropped:
            if not self._num_bytes_dropped:
                logger.warning("a WAV header came in the middle of a sample: %d bytes of it are dropped", num_dropped)
            self._num_bytes_dropped += num_dropped
        return frames

    def __repr__(self) -> str:
        return (
            f"AudioByteStream({self.sample_rate}, {self.num_channels}, {self.samples_per_channel}, "
            f"encoding={self.encoding!r}, wav={self._headers is not None})"
        )
