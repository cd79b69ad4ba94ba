"""open_sound opens a path, a file or a pipe, and finds its decoder."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any, BinaryIO

from livekit_utils._runtime.install import install_line
from livekit_utils.files.errors import ForeignFileError, SoundFileError

if TYPE_CHECKING:
    from livekit_utils.files.av_sound import AvSound
    from livekit_utils.files.part import Contents
    from livekit_utils.files.pipe_reader import PipeReader
    from livekit_utils.files.sound import Sound
    from livekit_utils.files.sound_reader import SoundReader


class OpenedSound:
    """Holds a sound, and all that was opened for it.

    Args:
        file: A path, or a file open for reading in binary, which stays open.
        again: Whether it is to be read more than once.

    Raises:
        SoundFileError: It is damaged, or has no sound that libsndfile or PyAV decodes.
        OSError: It cannot be opened or read.
        ImportError: What decodes it is not installed.
        TypeError: Neither a path nor a binary file.
    """

    def __init__(self, file: Any, *, again: bool) -> None:
        self._stack = contextlib.ExitStack()
        self._pipe: PipeReader | None = None
        try:
            if isinstance(file, (str, os.PathLike)):
                self.name = os.fspath(file)
                file = self._stack.enter_context(open(file, "rb"))  # noqa: SIM115
            elif callable(getattr(file, "read", None)) and not hasattr(file, "encoding"):
                self.name = str(getattr(file, "name", type(file).__name__))
            else:
                expected = "expected a path or a file open for reading in binary"
                raise TypeError(f"file: {expected}, got {type(file).__name__}")
            try:
                self.sound = self._open_file(file) if _is_seekable(file) else self._open_pipe(file, again)
            except SoundFileError as error:
                raise SoundFileError(f"{self.name}: {error}") from error
        except BaseException:
            self._stack.close()
            raise

    @property
    def is_live(self) -> bool:
        """Whether it is read as it comes through a pipe, so that it cannot go back."""
        return self._pipe is not None

    def _open_file(self, file: BinaryIO) -> Sound:
        sound = open_sound(file)
        self._stack.callback(sound.close)
        return sound

    def _open_pipe(self, file: BinaryIO, again: bool) -> Sound:
        """Opens a WAV to be read as it comes. Anything else is read into a temporary file first."""
        from livekit_utils.files.piped_samples import PipedSound
        from livekit_utils.files.piped_sound import open_pipe

        opened = open_pipe(file, self._stack, whole=again)
        if isinstance(opened, PipedSound):
            self._pipe = opened.pipe
            return opened
        return self._open_file(opened)

    def interrupt(self) -> None:
        """Ends a read of a pipe that is under way in another thread."""
        if self._pipe is not None:
            self._pipe.interrupt()

    def close(self) -> None:
        """Closes the sound, and all that was opened for it."""
        self._stack.close()


def _is_seekable(file: Any) -> bool:
    return bool(file.seekable() if hasattr(file, "seekable") else hasattr(file, "seek"))


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
        raise ImportError(f"sound files need soundfile: {install_line('files')}", name="soundfile") from error
    return decoded(file, SoundReader)


def decoded(
    file: BinaryIO, reader: type[SoundReader], *, damaged: bool = False, contents: Contents | None = None
) -> SoundReader | AvSound:
    """Returns the sound of a seekable file that libsndfile decodes, or else PyAV.

    Args:
        file: The file.
        reader: The class that reads with libsndfile; `open_sound` says what to do where it cannot be imported.
        damaged, contents: As in `SoundReader`.

    Raises:
        SoundFileError: It is damaged, or neither knows it.
        ImportError: libsndfile does not know it, and PyAV is not installed.
    """
    try:
        return reader(file, damaged=damaged, contents=contents)
    except ForeignFileError as error:
        foreign = error
    from livekit_utils.files.av_sound import AvSound

    try:
        sound = AvSound(file)
        sound.warnings += foreign.warnings
        return sound
    except ForeignFileError as error:
        raise SoundFileError(f"{foreign}, and {error}") from None
    except ImportError as error:
        raise ImportError(f"{foreign}. {error}", name=error.name) from error
