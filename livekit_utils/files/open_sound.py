"""open_sound finds the decoder for a file."""

from __future__ import annotations

import shutil
import tempfile
from typing import TYPE_CHECKING, BinaryIO, cast

from livekit_utils.files.errors import ForeignFileError, SoundFileError
from livekit_utils.files.wav import is_wav

if TYPE_CHECKING:
    from livekit_utils.files.sound import Sound

_HEAD_BYTES = 12


def open_sound(file: BinaryIO) -> Sound:
    """Returns the sound of a seekable file.

    Raises:
        SoundFileError: It is damaged, or has no sound that libsndfile or PyAV decodes.
        ImportError: soundfile is not installed, or PyAV is not and nothing else decodes it.
    """
    try:
        from livekit_utils.files.sound_reader import SoundReader
    except ModuleNotFoundError as error:
        if error.name != "soundfile":
            raise
        raise ImportError('sound files need soundfile: pip install "livekit-utils[files]"', name="soundfile") from error
    try:
        return SoundReader(file)
    except ForeignFileError as error:
        foreign = error
    from livekit_utils.files.av_sound import AvSound

    try:
        return AvSound(file)
    except ForeignFileError as error:
        raise SoundFileError(f"{foreign}, and {error}") from None
    except ImportError as error:
        raise ImportError(f"{foreign}. {error}", name=error.name) from error


def open_pipe(file: BinaryIO, *, again: bool) -> tuple[Sound, BinaryIO | None]:
    """Returns the sound that comes through a pipe, and the temporary file to be closed after it.

    A WAV is read as it comes. Anything else, and what is read again, is read into a temporary file first.

    Args:
        file: Open for reading in binary.
        again: Whether it is to be read more than once.

    Raises:
        SoundFileError, ImportError: As `open_sound`.
    """
    from livekit_utils.files.piped_wav import PipedWav

    consumed = bytearray()
    while len(consumed) < _HEAD_BYTES and (data := file.read(_HEAD_BYTES - len(consumed))):
        consumed += data
    if not again and is_wav(bytes(consumed)):
        try:
            return PipedWav(file, consumed), None
        except ForeignFileError:
            pass
    kept = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115: the caller closes it
    try:
        kept.write(consumed)
        shutil.copyfileobj(file, kept)
        return open_sound(kept), kept
    except BaseException:
        kept.close()
        raise
