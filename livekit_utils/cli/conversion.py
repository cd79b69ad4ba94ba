"""Conversion brings a file to another rate, number and order of channels, and level, for the command that converts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from livekit_utils._kernels.channels import downmix_s16, upmix_s16
from livekit_utils._runtime.arguments import MAX_CHANNELS, check_int
from livekit_utils.cli.errors import CliError
from livekit_utils.cli.view.progress_bar import ProgressBar
from livekit_utils.conversion.audio_resampler import AudioResampler
from livekit_utils.conversion.frame_converter import map_channels
from livekit_utils.files.samples import as_floats, as_frame, peak_of
from livekit_utils.frames.audio_frame import AudioFrame
from livekit_utils.signals.programme_gain import MEASURED_PEAK, normalizing_gain, split_gain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from livekit_utils.cli.files.audio_reader import AudioReader
    from livekit_utils.cli.normalization import Normalization
    from livekit_utils.conversion.audio_resampler import AudioResamplerQuality
    from livekit_utils.conversion.engines import EngineChoice
    from livekit_utils.files.samples import Samples


# What a resampler covers.
_MAX_RATIO = 256

# Hz, of a mix.
_LEAST_RATE = 10


class Gains(NamedTuple):
    """Brings the result to a level: the gain of the file, which must not clip, and what is left for the result."""

    input_db: float = 0.0
    result_db: float = 0.0
    note: str = ""
    """Says why the level is not reached; empty if it is."""


class Conversion:
    """Converts the frames of a file.

    Args:
        reader: The file.
        sample_rate: Hz, of the result; None is that of the file.
        num_channels: Channels of the result; None is that of the file, or the number of `picked`.
        picked: The channels of the file to take, in this order; None takes all.

    Raises:
        CliError: The file cannot be converted to that.
    """

    def __init__(
        self,
        reader: AudioReader,
        sample_rate: int | None,
        num_channels: int | None,
        picked: Sequence[int] | None,
        quality: AudioResamplerQuality,
        engine: EngineChoice,
    ) -> None:
        if picked and max(picked) >= reader.num_channels:
            raise CliError(f"--pick: expected channels from 0 to {reader.num_channels - 1}, got {max(picked)}")
        self._reader = reader
        self._picked = picked
        self.num_taken = len(picked) if picked else reader.num_channels
        self.sample_rate = reader.sample_rate if sample_rate is None else sample_rate
        self.num_channels = num_channels or self.num_taken
        if self.num_channels != self.num_taken and 1 not in (self.num_channels, self.num_taken):
            raise CliError(
                f"{reader.path}: expected 1 or {self.num_taken} channels, got --channels {self.num_channels}; "
                "--pick chooses some of them"
            )
        self._quality = quality
        self._engine: EngineChoice = engine
        self._make_resampler()

    def _make_resampler(self) -> AudioResampler:
        check_ratio(self._reader, self.sample_rate)
        try:
            return AudioResampler(
                self._reader.sample_rate,
                self.sample_rate,
                num_channels=min(self.num_channels, self.num_taken),
                quality=self._quality,
                engine=self._engine,
            )
        except ValueError as error:
            text = str(error).removeprefix("output_rate: ").replace('engine="samplerate"', "--engine samplerate")
            raise CliError(f"--engine: {text}") from error

    def frames(self, frames: Iterable[AudioFrame]) -> Iterator[AudioFrame]:
        """Yields the result for the frames of the file, up to its last sample."""
        resampler = self._make_resampler()
        for frame in frames:
            for converted in resampler.push(self._with_fewer_channels(frame)):
                yield self._with_more_channels(converted)
        for converted in resampler.flush():
            yield self._with_more_channels(converted)

    def _with_fewer_channels(self, frame: AudioFrame) -> AudioFrame:
        if self._picked is not None:
            picked = map_channels(frame.data, frame.num_channels, self._picked, len(self._picked))
            frame = AudioFrame(picked, frame.sample_rate, len(self._picked), frame.samples_per_channel)
        if self.num_channels < frame.num_channels:
            mono = downmix_s16(frame, frame.num_channels)
            frame = AudioFrame(mono, frame.sample_rate, 1, frame.samples_per_channel)
        return frame

    def _with_more_channels(self, frame: AudioFrame) -> AudioFrame:
        if self.num_channels == frame.num_channels:
            return frame
        samples = upmix_s16(frame, self.num_channels)
        return AudioFrame(samples, frame.sample_rate, self.num_channels, frame.samples_per_channel)

    def gains(self, wanted: Normalization) -> Gains:
        """Returns the gains that bring the result to a peak or a loudness. The file is read twice for this.

        Raises:
            CliError: The loudness cannot be measured, or the file cannot be decoded.
        """
        with ProgressBar(f"{self._reader.name}: level", 2 * (self._reader.duration or 0)) as progress:
            heard = _Heard(self, self._reader, progress)
            gain = normalizing_gain(heard, wanted)
        if gain.factor == 1.0:  # silence, or no loudness
            return Gains(note=gain.note)
        before, after = split_gain(gain.factor, heard.peak)
        return Gains(_decibels(before), _decibels(after), gain.note)


class _Heard:
    """The result of a conversion, which is measured: a `livekit_utils.signals.programme_gain.Programme`."""

    max_gain = math.inf
    num_clipped = 0

    def __init__(self, conversion: Conversion, reader: AudioReader, progress: ProgressBar) -> None:
        self._conversion, self._reader, self._progress = conversion, reader, progress
        self.sample_rate, self.num_channels = conversion.sample_rate, conversion.num_channels
        self.peak = 0.0
        """Of the file; known from `safe_gain` on."""

    def _blocks(self) -> Iterator[Samples]:
        for samples in self._reader.blocks():
            yield samples
            self._progress.advance(len(samples) / self._reader.sample_rate)
        self._reader.rewind()

    @property
    def safe_gain(self) -> float:
        self.peak = peak_of(self._blocks())
        return MEASURED_PEAK / self.peak if 0 < self.peak < math.inf else 0.0

    def frames(self, gain: float) -> Iterator[AudioFrame]:
        rate = self._reader.sample_rate
        return self._conversion.frames(as_frame(as_floats(samples), rate, gain)[0] for samples in self._blocks())


def louder(frame: AudioFrame, gain_db: float) -> AudioFrame:
    """Returns a frame with a gain in decibels, rounded to the nearest and saturated."""
    if gain_db == 0:
        return frame
    samples = as_floats(np.asarray(frame)) * np.float32(10 ** (gain_db / 20))
    return as_frame(samples, frame.sample_rate)[0]


def check_ratio(reader: AudioReader, sample_rate: int) -> None:
    """Refuses a rate that a file cannot be converted to.

    Raises:
        CliError: It is not within a factor of 256 of that of the file.
    """
    if max(reader.sample_rate, sample_rate) > _MAX_RATIO * min(reader.sample_rate, sample_rate):
        expected = f"expected a rate within a factor of {_MAX_RATIO} of the {reader.sample_rate} Hz of {reader.path}"
        raise CliError(f"--rate: {expected}, got {sample_rate} Hz")


def check_inputs_of_mix(readers: Sequence[AudioReader], sample_rate: int, num_channels: int) -> None:
    """Refuses files that cannot be converted to the rate and channels of their mix.

    Raises:
        CliError: There is such a file, or no mix has such a rate.
    """
    try:
        check_int("sample_rate", sample_rate, _LEAST_RATE)
    except ValueError as error:
        raise CliError(f"{readers[0].path}: {str(error).removeprefix('sample_rate: ')} Hz") from error
    for reader in readers:
        if reader.num_channels != num_channels and 1 not in (reader.num_channels, num_channels):
            raise CliError(f"{reader.path}: expected 1 or {num_channels} channels to mix to {num_channels}, "
                           f"got {reader.num_channels}; --channels 1 takes any number")  # fmt: skip
        check_ratio(reader, sample_rate)


def _decibels(factor: float) -> float:
    return 20 * math.log10(factor)


def parse_picked(text: str | None) -> list[int] | None:
    """Returns the numbers of channels in "0,2"; None for None.

    Raises:
        CliError: They are no numbers from 0.
    """
    if text is None:
        return None
    try:
        picked = [int(number) if len(number) < 10 else -1 for number in text.split(",")]
    except ValueError:
        picked = [-1]
    if len(picked) > MAX_CHANNELS:
        raise CliError(f"--pick: expected at most {MAX_CHANNELS} channels, got {len(picked)}")
    if min(picked) < 0:
        raise CliError(f"--pick: expected numbers of channels from 0, as 0,2, got {text!r:.80}")
    return picked
