"""TelephonyCodec stands between a telephone line and an application: packets on one side, frames on the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livekit_utils._runtime.arguments import check_int
from livekit_utils._runtime.public_path import public
from livekit_utils.conversion.polyphase_design import filter_of, is_covered
from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame
from livekit_utils.telephony.encodings import Encoding, encoding_number
from livekit_utils.telephony.line import MAX_RATE, MIN_RATE, LineDecoder, LineEncoder

if TYPE_CHECKING:
    from livekit import rtc
    from typing_extensions import Buffer

    from livekit_utils._kernels.polyphase import PolyphaseFilter

__all__ = ["TelephonyCodec"]

_MAX_PACKET_MS = 1000

# Passes 90 % of the lower Nyquist frequency, 3600 Hz of a telephone's band up to 3400 Hz.
_QUALITY = "medium"


@public
class TelephonyCodec:
    """Converts between the packets of a telephone line and frames at the application's rate, both ways; mono.

    Each direction is one stream: its resampler, and what conceals lost packets, carry over from packet to packet, so
    that no edge of a packet clicks. Every packet gives a frame of exactly `packet_ms`, and every `packet_ms` of frames
    give a packet, at once; the sound is `latency_ms` later than that in each direction.

    A lost packet is replaced by what was heard before it, one pitch period over and over (the idea of ITU-T G.711
    Appendix I): at its level for 10 ms, and fading out until 60 ms. The packet that follows fades in within 10 ms.

    Args:
        encoding: Of the packets: `ulaw`, `alaw`, or one of `AudioByteStream` (`s16be` is the L16 of RTP).
        sample_rate: Hz, of the frames, 1000 to 192000.
        line_rate: Hz, of the packets, likewise. The ratio of the two must be one of whole numbers up to 2560.
        packet_ms: Length of a packet, 1 to 1000; both rates must have a whole number of samples in it.

    Raises:
        ValueError: There is no such encoding, a number is out of range, or the rates do not go with the packets or
            with each other.
        TypeError: An argument has the wrong type.

    Threads: each direction in one thread at a time. No call waits.

    Example:
        >>> codec = TelephonyCodec()
        >>> codec.decode(b"\\xff" * 160)
        AudioFrame(sample_rate=16000, num_channels=1, samples_per_channel=320, duration=0.020)
        >>> codec.decode(None).duration  # a packet was lost
        0.02
        >>> codec.encode(AudioFrame.create(16000, 1, 320)) == [b"\\xff" * 160]
        True
    """

    def __init__(
        self, encoding: Encoding = "ulaw", *, sample_rate: int = 16000, line_rate: int = 8000, packet_ms: int = 20
    ) -> None:
        number = encoding_number(encoding)
        self._encoding: Encoding = encoding
        self._sample_rate = check_int("sample_rate", sample_rate, MIN_RATE, MAX_RATE)
        self._line_rate = check_int("line_rate", line_rate, MIN_RATE, MAX_RATE)
        self._packet_ms = check_int("packet_ms", packet_ms, 1, _MAX_PACKET_MS)
        frame_samples = _whole_samples("sample_rate", self._sample_rate, self._packet_ms)
        packet_samples = _whole_samples("line_rate", self._line_rate, self._packet_ms)
        if not is_covered(self._line_rate, self._sample_rate):
            raise ValueError(
                f"sample_rate: expected a ratio of whole numbers up to 2560 to the line_rate of {self._line_rate} Hz, "
                f"got {self._sample_rate} Hz"
            )
        self._decoder = LineDecoder(
            number,
            self._line_rate,
            self._sample_rate,
            packet_samples,
            frame_samples,
            _filter(self._line_rate, self._sample_rate),
        )
        self._encoder = LineEncoder(number, packet_samples, _filter(self._sample_rate, self._line_rate))

    @property
    def encoding(self) -> Encoding:
        """Of the packets."""
        return self._encoding

    @property
    def sample_rate(self) -> int:
        """Hz, of the frames."""
        return self._sample_rate

    @property
    def line_rate(self) -> int:
        """Hz, of the packets."""
        return self._line_rate

    @property
    def packet_ms(self) -> int:
        """Length of a packet."""
        return self._packet_ms

    @property
    def latency_ms(self) -> float:
        """By how much the sound is later in each direction; 0 for equal rates."""
        filter = _filter(self._line_rate, self._sample_rate)
        return 0.0 if filter is None else 1000 * filter.look_ahead / self._line_rate

    @property
    def num_lost(self) -> int:
        """Packets so far that were lost."""
        return self._decoder.num_lost

    @property
    def num_clipped(self) -> int:
        """Samples of packets so far that were beyond full scale or no number, which encodings of more bits can have."""
        return self._decoder.num_clipped

    def decode(self, payload: Buffer | None) -> AudioFrame:
        """Takes a packet from the line, or None in place of one that was lost.

        Returns:
            A new frame of exactly `packet_ms`.

        Raises:
            ValueError: The payload is not as long as a packet. The stream is then as before.
            TypeError: It is no buffer of bytes.
        """
        return self._decoder.decode(payload)

    def encode(self, frame: AudioFrame | rtc.AudioFrame) -> list[bytes]:
        """Takes sound for the line, in frames of any length.

        Returns:
            The packets that are complete; what is left waits for the next frame.

        Raises:
            ValueError: The frame has another rate than `sample_rate`, or more than one channel. The stream is then as
                before.
            TypeError: It is no frame.
        """
        frame = as_audio_frame(frame)
        if frame.sample_rate != self._sample_rate or frame.num_channels != 1:
            raise ValueError(
                f"frame: expected a frame of {self._sample_rate} Hz and 1 channel, "
                f"got {frame.sample_rate} Hz and {frame.num_channels}"
            )
        return self._encoder.encode(frame)

    def flush(self) -> list[bytes]:
        """Ends the stream to the line: what waits, and the `latency_ms` of sound that are held back.

        The last packet is filled up with silence. What is encoded next begins a new stream.

        Returns:
            One packet; none if nothing was encoded, or nothing waits. Where frames are no multiple of `packet_ms` long,
            what waits and what is held back may need two.
        """
        return self._encoder.flush()

    def reset(self) -> None:
        """Forgets both streams, with what waits, as for a new call."""
        self._decoder.reset()
        self._encoder.reset()

    def __repr__(self) -> str:
        return (
            f"TelephonyCodec({self._encoding!r}, sample_rate={self._sample_rate}, line_rate={self._line_rate}, "
            f"packet_ms={self._packet_ms})"
        )


def _whole_samples(name: str, rate: int, packet_ms: int) -> int:
    samples, rest = divmod(rate * packet_ms, 1000)
    if rest:
        raise ValueError(f"{name}: expected a rate with whole samples in packets of {packet_ms} ms, got {rate} Hz")
    return samples


def _filter(input_rate: int, output_rate: int) -> PolyphaseFilter | None:
    return None if input_rate == output_rate else filter_of(input_rate, output_rate, _QUALITY)
