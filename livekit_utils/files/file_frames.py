"""FileFrames makes frames of one format out of a part of a sound, once or again and again."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from livekit_utils.conversion.frame_converter import FrameConverter
from livekit_utils.files.errors import SoundFileError
from livekit_utils.files.frame_cutter import FrameCutter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from livekit_utils.files.samples import Samples
    from livekit_utils.files.sound import Sound
    from livekit_utils.frames.audio_frame import AudioFrame

# Parts of a second that are decoded at a time, and values that are decoded at most.
_PARTS = 10
_MAX_VALUES = 1 << 19

# Values of a part that are kept to repeat it, at most: 20 s of mono at 48 kHz, 4 MiB as floats.
_MAX_KEPT_VALUES = 1 << 20


@dataclass(frozen=True)
class FrameFormat:
    """What the frames are to be."""

    sample_rate: int
    num_channels: int
    samples_per_channel: int
    picked: Sequence[int] | None
    """The channels of the sound to take, in this order; None takes all."""
    gain: float = 1.0
    """A factor, which comes before anything is rounded."""


class Place(NamedTuple):
    """Where a frame begins: so many samples of its own rate after a sample of the sound."""

    sample: int
    num_given: int


class FileFrames:
    """Reads, converts and cuts a part of a sound.

    A loop is one long stream to the converter, so its phase goes on from pass to pass.

    Args:
        sound: Nobody else may read it from now on.
        format: Of the frames.
        start: The first sample of the part.
        end: The sample after the last; None is the end of the sound.
        loop: Whether the part is repeated for ever.
    """

    def __init__(self, sound: Sound, format: FrameFormat, start: int, end: int | None, loop: bool) -> None:
        self._sound = sound
        self._format = format
        self._start = start
        self._end = sound.samples_per_channel if end is None else end
        self._loop = loop
        self._block = max(1, min(sound.sample_rate // _PARTS, _MAX_VALUES // sound.num_channels))
        self._read_at = 0
        """The sample of the sound that is read next."""
        self._is_lost = False
        """Whether an error has left the sound at no place that is known."""
        self._kept: list[Samples] = []
        self._num_kept = 0
        self._whole: Samples | None = None
        self.num_clipped = 0
        self.stopped = False
        """Set by another thread: what is under way ends as soon as it can."""
        self.seek(start)

    def seek(self, sample: int) -> None:
        """Goes on with a sample of the sound. It is looked for with the next frame, not now."""
        self._wanted = self._from = sample
        self._converter = FrameConverter(self._format.sample_rate, self._format.num_channels)
        self._cutter = FrameCutter(
            self._format.sample_rate, self._format.num_channels, self._format.samples_per_channel
        )
        self._ready: deque[AudioFrame] = deque()
        self._num_given = 0
        self._is_over = False

    @property
    def place(self) -> Place:
        """Where the next frame begins."""
        return Place(self._from, self._num_given)

    def seconds(self, place: Place) -> float:
        """Returns a place in seconds of the file."""
        rate = self._sound.sample_rate
        position = Fraction(place.sample, rate) + Fraction(place.num_given, self._format.sample_rate)
        if self._end is not None:
            start, end = Fraction(self._start, rate), Fraction(self._end, rate)
            if position >= end:
                position = (position - end) % (end - start) + start if self._loop and end > start else end
        return float(position)

    def next(self) -> AudioFrame | None:
        """Returns the next frame; None at the end.

        Raises:
            SoundFileError, OSError: The file cannot be read on.
        """
        while not self._ready:
            if self._is_over or self.stopped:
                return None
            try:
                self._decode()
            except BaseException:
                self._is_over = self._is_lost = True
                raise
        frame = self._ready.popleft()
        self._num_given += frame.samples_per_channel
        return frame

    def _decode(self) -> None:
        from livekit_utils.files.samples import as_floats, as_frame

        samples = self._repeated() if self._whole is not None else self._read()
        if samples is None:
            return
        if self._format.picked is not None:
            samples = samples[:, list(self._format.picked)].copy()
        if self._format.gain != 1.0:
            samples = as_floats(samples)
        frame, num_clipped = as_frame(samples, self._sound.sample_rate, self._format.gain)
        self.num_clipped += num_clipped
        self._cut(self._converter.push(frame))

    def _read(self) -> Samples | None:
        """Returns the next samples of the sound; None if this is the end of a pass, or it was stopped."""
        self._look_for(self._wanted)
        num_wanted = self._block
        if self._end is not None:
            num_wanted = max(0, min(num_wanted, self._end - self._read_at))
        samples = self._sound.read(num_wanted) if num_wanted and not self.stopped else None
        if samples is None or not len(samples):
            if not self.stopped:
                self._end_pass()
            return None
        if self._loop:
            self._keep(samples)
        self._read_at += len(samples)
        self._wanted = self._read_at
        return samples

    def _keep(self, samples: Samples) -> None:
        """Keeps a part that is not long, to repeat it without another look at the file."""
        is_next = self._read_at == self._start + self._num_kept
        if is_next and (self._num_kept + len(samples)) * samples.shape[1] <= _MAX_KEPT_VALUES:
            self._kept.append(samples)
            self._num_kept += len(samples)

    def _repeated(self) -> Samples:
        """Returns the next samples of a part that was kept."""
        import numpy as np

        assert self._whole is not None
        places = np.arange(self._wanted - self._start, self._wanted - self._start + self._block) % len(self._whole)
        self._wanted = self._start + int(places[-1]) + 1
        samples: Samples = self._whole[places]
        return samples

    def _end_pass(self) -> None:
        # A part may end after the end of a file that did not tell its length.
        self._end = self._read_at if self._end is None else min(self._end, self._read_at)
        if not self._loop:
            self._cut(self._converter.flush())
            self._ready += self._cutter.flush()
            self._is_over = True
        elif self._end <= self._start:
            raise SoundFileError("expected sound to repeat, got none")
        else:
            self._wanted = self._start
            if self._num_kept == self._end - self._start:
                import numpy as np

                self._whole = np.concatenate(self._kept)
                self._kept = []

    def _look_for(self, sample: int) -> None:
        if sample < self._read_at or self._is_lost:
            self._is_lost = True
            self._sound.rewind()
            self._is_lost, self._read_at = False, 0
        while self._read_at < sample and not self.stopped:
            num_skipped = self._sound.skip(sample - self._read_at)
            if not num_skipped:
                break
            self._read_at += num_skipped

    def _cut(self, frames: list[AudioFrame]) -> None:
        for frame in frames:
            self._ready += self._cutter.push(frame)
