"""FileMix mixes files: to write the mix, or to find the gain that it needs, or where somebody speaks in it."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import TYPE_CHECKING

from livekit_utils.cli.conversion import check_inputs_of_mix
from livekit_utils.cli.normalization import Gain
from livekit_utils.cli.numbers import MAX_GAIN_DB
from livekit_utils.cli.speech import find_speech, part_with_speech
from livekit_utils.cli.view.progress_bar import ProgressBar
from livekit_utils.cli.view.summary import Summary
from livekit_utils.frames.audio_frame import AudioFrame
from livekit_utils.frames.frame_part import FramePart
from livekit_utils.mixing.mixed_frames import mixed_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from livekit_utils.cli.files.audio_reader import AudioReader
    from livekit_utils.cli.normalization import Normalization

# dB by which a mix that clips is lowered to be measured again: four times as many voices.
_HEADROOM_STEP_DB = 12.0

# dB: what is infinite clips at any level.
_MAX_HEADROOM_DB = 96.0


class FileMix:
    """Mixes files; may do so again.

    Args:
        readers: The files.
        offsets: When each begins, in seconds of the mix.
        sample_rate: Hz, of the mix.
        num_channels: Of the mix.

    Raises:
        CliError: A file cannot be converted to the rate and channels of the mix.
    """

    def __init__(
        self, readers: Sequence[AudioReader], offsets: Sequence[float], sample_rate: int, num_channels: int
    ) -> None:
        self._readers = readers
        self._offsets = offsets
        self._sample_rate = sample_rate
        self._num_channels = num_channels
        self._part: tuple[int, int] | None = None
        check_inputs_of_mix(readers, sample_rate, num_channels)

    def find_length(self) -> int | None:
        """Returns the samples per channel of the mix; None as long as one of the inputs does not tell it."""
        if self._part is not None:
            return self._part[1] - self._part[0]
        lengths = [
            reader.length_at(self._sample_rate, _num_before(reader, offset_s))
            for reader, offset_s in zip(self._readers, self._offsets, strict=True)
        ]
        known = [length for length in lengths if length is not None]
        return max(known) if len(known) == len(lengths) else None

    def run(self, inputs: Sequence[Summary], write: Callable[[AudioFrame], None]) -> None:
        """Mixes all inputs, from their beginning.

        Args:
            inputs: What measures each input, and has its gain.
            write: Gets the frames of the mix. The last may be longer than the mix.

        Raises:
            CliError, OSError: A file cannot be read, or what `write` raises.
        """
        mixed = []
        for track, reader, offset_s in zip(inputs, self._readers, self._offsets, strict=True):
            if not reader.is_live:
                reader.rewind()
            frames = itertools.chain(_silence(reader, offset_s), track.frames(reader.blocks()))
            mixed.append((frames, math.pow(10, track.rest_db / 20)))
        part = FramePart(*self._part) if self._part is not None else None
        for frame in mixed_frames(mixed, self._sample_rate, self._num_channels):
            write(frame if part is None else part.take(frame))

    def take_speech(self, gains_db: Sequence[float], name: str) -> None:
        """Leaves out what comes before the first and after the last word of the mix, but 0.2 s. All is mixed for this.

        Raises:
            CliError: Nobody speaks in it, or its rate is out of range.
            OSError: A file cannot be read.
        """
        speech, length = find_speech(self._sample_rate), self.find_length() or 0
        self._hear(f"{name}: speech", gains_db, speech.add)
        self._part = part_with_speech(speech, length, "the mix")

    def _hear(self, title: str, gains_db: Sequence[float], add: Callable[[AudioFrame], None]) -> list[Summary]:
        """Gives all of the mix to `add`, and returns what was measured of its inputs."""
        inputs = [Summary.of(reader, gain_db) for reader, gain_db in zip(self._readers, gains_db, strict=True)]
        length = self.find_length() or 0
        sound = FramePart(0, length)  # the mixer's last block ends in silence
        with ProgressBar(title, length / self._sample_rate) as progress:

            def write(frame: AudioFrame) -> None:
                frame = sound.take(frame)
                add(frame)
                progress.advance(frame.duration)

            self.run(inputs, write)
        return inputs

    def missing_gain(self, wanted: Normalization, gains_db: Sequence[float], name: str) -> Gain:
        """Returns the gain in decibels that brings the mix to a level, beside those of its inputs.

        Raises:
            CliError, OSError: The loudness of such a mix cannot be measured, or a file cannot be read.
        """
        headroom_db = 0.0
        while True:
            measurement = wanted.measure(self._sample_rate, self._num_channels)
            lower_db = [gain_db - headroom_db for gain_db in gains_db]
            inputs = self._hear(f"{name}: level", lower_db, measurement.add)
            is_clipped = measurement.is_clipped or any(track.num_clipped for track in inputs)
            if not is_clipped or headroom_db >= _MAX_HEADROOM_DB:
                break
            headroom_db += _HEADROOM_STEP_DB
        missing = measurement.gain()
        if not missing.is_known:
            return Gain(0.0, note=missing.note)
        most_db = MAX_GAIN_DB - max(gains_db)
        if missing.db - headroom_db > most_db:
            short_db = missing.db - headroom_db - most_db
            return Gain(most_db, note=f"{short_db:.1f} dB below {wanted}: an input would get more than "
                                      f"{MAX_GAIN_DB:+.0f} dB")  # fmt: skip
        return Gain(missing.db - headroom_db, note=missing.note)


def _num_before(reader: AudioReader, offset_s: float) -> int:
    """Returns how many samples per channel of silence come before an input."""
    return round(Fraction(offset_s) * reader.sample_rate)


def _silence(reader: AudioReader, offset_s: float) -> Iterator[AudioFrame]:
    missing = _num_before(reader, offset_s)
    while missing:
        num = min(missing, max(1, reader.sample_rate // 10))
        yield AudioFrame.create(reader.sample_rate, reader.num_channels, num)
        missing -= num
