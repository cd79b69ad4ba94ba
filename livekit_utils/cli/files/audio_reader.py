"""AudioReader reads the sound file that a user names."""

from __future__ import annotations

import math
import stat
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, BinaryIO

from livekit_utils.cli.errors import CliError, printable
from livekit_utils.cli.files.raw_files import is_raw
from livekit_utils.cli.files.standard_streams import is_standard, standard_input
from livekit_utils.files.errors import SoundFileError
from livekit_utils.files.open_sound import decoded
from livekit_utils.files.piped_samples import PipedSound
from livekit_utils.files.sound_reader import SoundReader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from livekit_utils.files.av_sound import AvSound
    from livekit_utils.files.raw_format import RawFormat
    from livekit_utils.files.samples import Samples

# Samples of all channels; less than a second of what has a very high rate or very many channels.
_MAX_BLOCK = 1 << 19


class AudioReader:
    """Reads a sound file, or one without a header, in blocks of a second. What is strange about the file is printed as
    a warning.

    Args:
        path: The file; "-" is standard input. A WAV, or samples without a header, that come through a pipe are read as
            they come.
        damaged: Whether to read a damaged or cut-off file as far as it goes.
        raw: What its samples are if it has no header, and is not called as if it had one.
        whole: Whether standard input is read to its end first, because it is read twice, or its length has to be known.

    Raises:
        CliError: Not a sound file, or a damaged or cut-off one.
        OSError: The file cannot be opened.
    """

    def __init__(self, path: Path, *, damaged: bool = False, raw: RawFormat | None = None, whole: bool = False) -> None:
        self.path = path
        self._start = 0
        self._end: int | None = None
        self._num_warned = 0
        if raw is not None and not is_raw(path):
            raw = None
        with ExitStack() as stack, self._translated():
            if is_standard(path):
                opened = standard_input(stack, whole=whole, raw=raw)
            else:
                opened = stack.enter_context(_opened(path))
            if isinstance(opened, PipedSound):
                self._sound: PipedSound | SoundReader | AvSound = opened
            else:
                contents = None if raw is None else raw.contents(opened)
                self._sound = decoded(opened, SoundReader, damaged=damaged, contents=contents)
            stack.callback(self._sound.close)
            self.samples_per_channel = self._length()
            """The length; None until the end of a sound that is read as it comes."""
            self._stack = stack.pop_all()
        self.sample_rate = self._sound.sample_rate
        self.num_channels = self._sound.num_channels
        self.format = self._sound.format if raw is None else "RAW"
        self.subtype = self._sound.subtype
        self.is_s16 = self._sound.is_s16
        self._warn()

    def _warn(self) -> None:
        """Prints the warnings that are new."""
        for warning in self._sound.warnings[self._num_warned :]:
            print(printable(f"warning: {self.path}: {warning}"), file=sys.stderr)
        self._num_warned = len(self._sound.warnings)

    def _length(self) -> int | None:
        """Returns the length; if the file does not tell it, by decoding the file."""
        if self._sound.samples_per_channel is not None or isinstance(self._sound, PipedSound):
            return self._sound.samples_per_channel
        samples_per_channel = 0
        while num_read := len(self._sound.read(self._block())):
            samples_per_channel += num_read
        self._sound.rewind()
        return samples_per_channel

    def _block(self) -> int:
        return max(1, min(self._sound.sample_rate, _MAX_BLOCK // self._sound.num_channels))

    @property
    def is_live(self) -> bool:
        """Whether the sound is read as it comes, so that `blocks` may wait for it."""
        return isinstance(self._sound, PipedSound)

    def interrupt(self) -> None:
        """Ends `blocks` while it waits in another thread, where the sound is live."""
        if isinstance(self._sound, PipedSound):
            self._sound.pipe.interrupt()

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def duration(self) -> float | None:
        """Seconds; None while the length is not known."""
        return None if self.samples_per_channel is None else self.samples_per_channel / self.sample_rate

    def length_at(self, sample_rate: int, num_before: int = 0) -> int | None:
        """Returns the samples per channel after a conversion to another sample rate, with so many before them; None
        while the length is not known."""
        if self.samples_per_channel is None:
            return None
        return rounded_ratio((num_before + self.samples_per_channel) * sample_rate, self.sample_rate)

    def blocks(self) -> Iterator[Samples]:
        """Yields the samples of the file, or of the part that was taken; once, or again after `rewind`.

        Raises:
            CliError: The file cannot be decoded, has another length than its header says, or ends before the part that
                was taken.
        """
        position = num_skipped = 0
        with self._translated():
            while num_skipped < self._start and (num_new := self._sound.skip(self._start - num_skipped)):
                num_skipped += num_new
            while (num_wanted := self._num_wanted(position)) and len(samples := self._sound.read(num_wanted)):
                position += len(samples)
                yield samples
        if self.samples_per_channel is None:
            self._warn()
            if self._start or self._end is not None:
                end = None if self._end is None else self._end / self.sample_rate
                self._check_part(self._start / self.sample_rate, end, (num_skipped + position) / self.sample_rate)
            self.samples_per_channel = position
        elif position != self.samples_per_channel:
            got = f"got {self.samples_per_channel} samples per channel and then {position}"
            raise CliError(f"{self.path}: expected a file that does not change while it is read, {got}")

    def _num_wanted(self, position: int) -> int:
        return self._block() if self._end is None else min(self._block(), self._end - self._start - position)

    def take_part(self, start_s: float, end_s: float | None) -> None:
        """Leaves out what lies before and after a part.

        Args:
            start_s: Seconds at which it begins.
            end_s: Seconds at which it ends; None is the end of the file.

        Raises:
            CliError: It does not lie in the file, or is empty. `blocks` finds that of a sound that is read as it comes.
        """
        from fractions import Fraction

        length = self.samples_per_channel
        self._check_part(start_s, end_s, math.inf if length is None else length / self.sample_rate)
        self._start = round(Fraction(start_s) * self.sample_rate)
        end = length if end_s is None else round(Fraction(end_s) * self.sample_rate)
        self._end = None if end == length else end
        if length is not None and end is not None:
            self.samples_per_channel = end - self._start

    def _check_part(self, start_s: float, end_s: float | None, duration: float) -> None:
        if not 0 <= start_s < duration:
            raise CliError(f"--start: expected 0 to less than {duration:g}, the length of {self.path}, got {start_s:g}")
        if end_s is not None and not start_s < end_s <= duration:
            raise CliError(
                f"--end: expected above {start_s:g} to {duration:g}, the length of {self.path}, got {end_s:g}"
            )

    def narrow(self, start: int, end: int) -> None:
        """Leaves out more: samples of what `blocks` has yielded, at which the part begins and ends, inside of it."""
        if end < (self.samples_per_channel or 0):
            self._end = self._start + end
        self._start += start
        self.samples_per_channel = end - start

    def rewind(self) -> None:
        """Goes back to where `blocks` begins."""
        with self._translated():
            self._sound.rewind()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except SoundFileError as error:
            raise CliError(f"{self.path}: {error}") from error
        except ImportError as error:
            if error.name != "av":
                raise
            raise CliError(f"{self.path}: {error}") from error

    def close(self) -> None:
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def rounded_ratio(numerator: int, denominator: int) -> int:
    """Returns the nearest integer to a ratio that is not negative; of two, the even one."""
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2))


def _opened(path: Path) -> BinaryIO:
    # This comes before the file is opened, because opening a named pipe waits for a writer.
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise CliError(f"{path}: expected a sound file, got a directory")
    if not stat.S_ISREG(mode):
        raise CliError(f"{path}: expected a regular file, got a pipe or a device")
    return path.open("rb")
