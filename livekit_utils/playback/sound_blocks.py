"""SoundBlocks gives the sound of a file as blocks without a gap between them."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from livekit_utils.frames.audio_frame import AudioFrame
from livekit_utils.playback.item import Item
from livekit_utils.playback.samples import SampleConverter, Samples
from livekit_utils.playback.timestamps import Timestamps

if TYPE_CHECKING:
    from livekit_utils.playback.laps import Lap, Laps
    from livekit_utils.playback.pictures import Pictures
    from livekit_utils.playback.stream_decoder import StreamDecoder

# Timestamps that are off by more than this are a gap, or sound that overlaps. Less is jitter, of containers that round
# them and of programs that stamp sound when it comes; but more than `_DRIFT_S` for `_DRIFTING_S` is none.
_JITTER_S = Fraction(3, 100)
_DRIFT_S = Fraction(1, 100)
_DRIFTING_S = Fraction(1, 5)

# Length of a block at most, in seconds.
_BLOCK_S = Fraction(1, 10)

# Of the silence of a file without sound, by which its pictures are timed.
SILENT_RATE = 8000


class SoundBlocks:
    """Decodes the sound of all passes through a file.

    Every sample has its place on the timeline, counted in samples, so the blocks follow each other without a gap: where
    the file has no sound while there are pictures, the blocks are silent. Within a stretch without a gap, the samples
    are those of the file, each once.

    Args:
        decoder: None gives silence only.
        laps: Where the passes lie.
        pictures: Of the same file.
        origin: The timestamp at which the file begins.
    """

    def __init__(self, decoder: StreamDecoder | None, laps: Laps, pictures: Pictures, origin: Fraction) -> None:
        self._decoder = decoder
        self._laps = laps
        self._pictures = pictures
        first = None if decoder is None else decoder.first
        self.sample_rate: int = SILENT_RATE if first is None else first.sample_rate
        self.num_channels: int = 1 if first is None else len(first.layout.channels)
        self._timestamps = Timestamps(origin, None if decoder is None else decoder.told_end)
        self.seek(Fraction(0))

    def seek(self, seconds: Fraction) -> None:
        """Goes to a time of the file, when the next block is asked for."""
        if self._decoder is None:
            self._laps.note_end("audio", Fraction(0))
        self._begin_at = self._laps.first(seconds)
        self._must_begin = True
        self.is_over = False

    def _begin(self, lap: Lap) -> None:
        """Begins a pass."""
        self._lap = lap
        self._must_begin = False
        self._position = self._sample_at(lap.at)  # of the next block
        self._held: Samples = np.empty((0, self.num_channels), np.int16)
        self._held_at = self._position  # where the held samples begin
        self._has_ended = self._decoder is None
        self._is_placed = False
        self._num_off = 0  # samples by which the last timestamp was off
        self._num_drifting = 0  # samples for which it has been
        self._converter = SampleConverter(self.sample_rate, self.num_channels)
        self._timestamps.restart()
        if self._decoder is not None:
            self._decoder.seek(lap.start + self._timestamps.origin)

    def _sample_at(self, at: Fraction) -> int:
        return round(at * self.sample_rate)

    def next(self) -> Item[AudioFrame] | None:
        """Returns the next block; None at the end, or where the pictures have to be decoded first.

        Raises what `StreamDecoder.next` does.
        """
        while not self.is_over:
            if self._must_begin:
                self._begin(self._begin_at)
            end = None if self._laps.end is None else self._sample_at(self._lap.place(self._laps.end))
            if len(self._held) and (end is None or self._position < end):
                if self._held_at > self._position:
                    return self._silence(self._held_at if end is None else min(self._held_at, end))
                return self._block(self._held if end is None else self._held[: end - self._position])
            if len(self._held):  # a sample or two more than the pass has room for
                self._held = self._held[:0]
                self._has_ended = True
            if not self._has_ended:
                self._read()
            elif end is None or self._position < end:
                until = self._sample_at(self._pictures.until) if end is None else end
                return self._silence(until) if until > self._position else None
            elif (lap := self._laps.after(self._lap)) is not None:
                self._begin(lap)
            else:
                self.is_over = True
        return None

    def _silence(self, until: int) -> Item[AudioFrame]:
        count = min(until - self._position, self._sample_at(_BLOCK_S))
        return self._item(AudioFrame.create(self.sample_rate, self.num_channels, count))

    def _block(self, samples: Samples) -> Item[AudioFrame]:
        count = min(len(samples), self._sample_at(_BLOCK_S))
        self._held = self._held[count:]
        self._held_at += count
        return self._item(AudioFrame(samples[:count].tobytes(), self.sample_rate, self.num_channels, count))

    def _item(self, frame: AudioFrame) -> Item[AudioFrame]:
        start = self._position
        self._position += frame.samples_per_channel
        return Item(frame, start / self.sample_rate, self._position / self.sample_rate, frame.data.nbytes)

    def _read(self) -> None:
        """Decodes the next samples to hold."""
        assert self._decoder is not None
        frame = self._decoder.next()
        if frame is None:
            self._held, self._held_at = self._converter.flush(), self._position
            self._has_ended = True
            self._laps.note_end("audio", self.reached)
            self._decoder.check_end(self.reached + self._timestamps.origin)
            return
        place = self._timestamps.place(
            self._decoder.time(frame), self._content(self._position) if self._is_placed else None
        )
        samples = self._converter.push(frame, _num_sound(frame) if self._decoder.is_last else frame.samples)
        at = self._sample_at(self._lap.place(place))
        if self._is_placed and self._is_jitter(at - self._position, len(samples)):
            at = self._position
        if at < self._position:  # before the place that was sought, or overlapping
            samples = samples[self._position - at :]
            at = self._position
        if len(samples):
            self._is_placed = True
            self._held, self._held_at = samples, at

    def _is_jitter(self, num_off: int, num_samples: int) -> bool:
        """Returns whether samples follow those before although their timestamp is off by some samples."""
        if abs(num_off) <= _DRIFT_S * self.sample_rate or num_off * self._num_off < 0:
            self._num_drifting = 0
        self._num_off = num_off
        self._num_drifting += num_samples
        if abs(num_off) <= _JITTER_S * self.sample_rate and self._num_drifting < _DRIFTING_S * self.sample_rate:
            return True
        is_jitter = abs(num_off) <= _DRIFT_S * self.sample_rate
        if not is_jitter:
            self._num_off = self._num_drifting = 0
        return is_jitter

    def _content(self, sample: int) -> Fraction:
        """Returns the time of the file that lies at a sample of this pass."""
        return Fraction(sample, self.sample_rate) - self._lap.at + self._lap.start

    @property
    def reached(self) -> Fraction:
        """The time of the file up to which sound was decoded."""
        if self._must_begin:
            return Fraction(0)
        return self._content(self._held_at + len(self._held) if len(self._held) else self._position)


def _num_sound(frame: Any) -> int:
    """Returns the samples of the last frame of a sound without the silence that fills up its packet. In MP4, only the
    duration of the last packet tells how much of it is sound."""
    duration = getattr(frame, "duration", None)
    if not duration or not frame.time_base or frame.time_base * frame.sample_rate > 1:
        return int(frame.samples)  # Matroska counts in milliseconds
    num_sound = round(Fraction(duration) * Fraction(frame.time_base) * int(frame.sample_rate))
    return min(num_sound, int(frame.samples))
