"""open_pipe opens a sound that comes through a pipe: to be read as it comes, or as a file that is there."""

from __future__ import annotations

import contextlib
import tempfile
from typing import TYPE_CHECKING, BinaryIO, cast

from livekit_utils.files.errors import ForeignFileError
from livekit_utils.files.pipe_reader import PipeReader
from livekit_utils.files.piped_raw import PipedRaw
from livekit_utils.files.piped_wav import PipedWav
from livekit_utils.files.wav import is_wav

if TYPE_CHECKING:
    from contextlib import ExitStack

    from livekit_utils.files.piped_samples import PipedSound
    from livekit_utils.files.raw_format import RawFormat

_HEAD_BYTES = 12


def open_pipe(file: BinaryIO, stack: ExitStack, *, whole: bool, raw: RawFormat | None = None) -> PipedSound | BinaryIO:
    """Returns a WAV, or samples without a header, to be decoded as they come. Anything else is read to its end, into a
    temporary file: other formats are looked at from both ends.

    Args:
        file: The pipe, which stays open.
        stack: Gets what is to be closed when the sound is not used any more.
        whole: Whether these are read into a file, too, as for who reads them twice.
        raw: What the samples are, where there is no header.

    Raises:
        SoundFileError: It is a WAV that is damaged, or cut off in its header.
        OSError: It cannot be read, or the temporary file cannot be written.
    """
    consumed = bytearray()
    with contextlib.ExitStack() as until_end:
        pipe = until_end.enter_context(PipeReader(file))
        if raw is not None and not whole:
            stack.push(until_end.pop_all())
            return PipedRaw(pipe, raw)
        while raw is None and len(consumed) < _HEAD_BYTES and (data := pipe.read()):
            consumed += data
        if raw is None and not whole and is_wav(bytes(consumed)):
            with contextlib.suppress(ForeignFileError):  # of another codec: libsndfile may know it
                sound = PipedWav(pipe, consumed)
                stack.push(until_end.pop_all())
                return sound
        kept = stack.enter_context(cast("BinaryIO", tempfile.TemporaryFile()))  # noqa: SIM115
        kept.write(consumed)
        while data := pipe.read():
            kept.write(data)
        return kept
