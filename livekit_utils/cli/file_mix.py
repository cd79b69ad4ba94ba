"""FileMix mixes files: to write the mix, or to find the gain that it needs."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import TYPE_CHECKING

from livekit_utils.cli.files.audio_writer import shortened
from livekit_utils.cli.gains import MAX_GAIN_DB
from livekit_utils.cli.interruption import run
from livekit_utils.cli.mixing import add_files, make_mixer, waited_for
from livekit_utils.cli.normalization import Gain
from livekit_utils.cli.view.progress_bar import ProgressBar
from livekit_utils.cli.view.summary import Summary
from livekit_utils.frames.audio_frame import AudioFrame

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from livekit_utils.cli.files.audio_reader import AudioReader
    from livekit_utils.cli.normalization import Measurement, Normalization

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
        make_mixer(readers, sample_rate, num_channels)  # refuses what cannot be mixed

    def find_length(self) -> int | None:
        """Returns the samples per channel of the mix; None as long as one of the inputs does not tell it."""
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
        frames: list[Iterator[AudioFrame] | AsyncIterator[AudioFrame]] = []
        for track, reader, offset_s in zip(inputs, self._readers, self._offsets, strict=True):
            if not reader.is_live:
                reader.rewind()
            of_one = itertools.chain(_silence(reader, offset_s), track.frames(reader.blocks()))
            frames.append(waited_for(of_one, reader.interrupt) if reader.is_live else of_one)
        run(self._run, inputs, frames, write)

    async def _run(
        self,
        inputs: Sequence[Summary],
        frames: Sequence[Iterator[AudioFrame] | AsyncIterator[AudioFrame]],
        write: Callable[[AudioFrame], None],
    ) -> None:
        async with make_mixer(self._readers, self._sample_rate, self._num_channels) as mixer:
            failures = add_files(mixer, zip(inputs, frames, strict=True))
            async for frame in mixer:
                if failures:
                    break
                write(frame)
        if failures:
            raise failures[0]

    def missing_gain(self, wanted: Normalization, gains_db: Sequence[float], name: str) -> Gain:
        """Returns the gain in decibels that brings the mix to a level, beside those of its inputs.

        Raises:
            CliError, OSError: The loudness of such a mix cannot be measured, or a file cannot be read.
        """
        headroom_db, length = 0.0, self.find_length() or 0
        while True:
            measurement = wanted.measure(self._sample_rate, self._num_channels)
            inputs = [
                Summary.of(reader, gain_db - headroom_db)
                for reader, gain_db in zip(self._readers, gains_db, strict=True)
            ]
            with ProgressBar(f"{name}: level", length / self._sample_rate) as progress:
                self.run(inputs, _Counted(measurement, progress, length).write)
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


class _Counted:
    """Measures a mix without the silence in which the mixer's last block ends."""

    def __init__(self, measurement: Measurement, progress: ProgressBar, samples_per_channel: int) -> None:
        self._measurement = measurement
        self._progress = progress
        self._missing = samples_per_channel

    def write(self, frame: AudioFrame) -> None:
        frame = shortened(frame, self._missing)
        self._missing -= frame.samples_per_channel
        self._measurement.add(frame)
        self._progress.advance(frame.duration)


def _num_before(reader: AudioReader, offset_s: float) -> int:
    """Returns how many samples per channel of silence come before an input."""
    return round(Fraction(offset_s) * reader.sample_rate)


def _silence(reader: AudioReader, offset_s: float) -> Iterator[AudioFrame]:
    missing = _num_before(reader, offset_s)
    while missing:
        num = min(missing, max(1, reader.sample_rate // 10))
        yield AudioFrame.create(reader.sample_rate, reader.num_channels, num)
        missing -= num
