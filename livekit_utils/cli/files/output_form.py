"""OutputForm says what kind of file is written, and with which samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from livekit_utils.cli.errors import CliError
from livekit_utils.cli.files.raw_files import is_raw
from livekit_utils.cli.files.standard_streams import is_standard
from livekit_utils.files.plain_headers import num_bytes_of

if TYPE_CHECKING:
    from pathlib import Path

    from livekit_utils.files.raw_format import RawFormat

_CONTAINERS = {".wav": "WAV", ".flac": "FLAC", ".ogg": "OGG", ".opus": "OPUS", ".au": "AU", ".rf64": "RF64"}

# What a file has where no encoding is named.
_DEFAULT = "s16"

_LAWS = {"ulaw": "ulaw", "alaw": "alaw"}
_LITTLE = {name: f"{name}le" for name in ("s16", "s24", "s32", "f32", "f64")}
_BIG = {name: f"{name}be" for name in ("s16", "s24", "s32", "f32")}
_ENCODINGS = {
    "WAV": {"u8": "u8", **_LITTLE, **_LAWS},
    "AU": {**_BIG, **_LAWS},
    "RAW": {"u8": "u8", **_LITTLE, **_LAWS},
}


@dataclass(frozen=True)
class OutputForm:
    """Holds the kind of a file.

    Args:
        container: "WAV", "RF64", "AU", "FLAC", "OGG", "OPUS", or "RAW", which has no header.
        encoding: Of the samples, as `livekit_utils.AudioByteStream` names them. None is what libsndfile writes: 16
            bits, Vorbis or Opus.
    """

    container: str
    encoding: str | None = None

    @property
    def num_bytes(self) -> int:
        """Bytes of a sample, where they are plain."""
        return num_bytes_of(self.encoding or _DEFAULT)

    @property
    def needs_length(self) -> bool:
        """Whether its header has to tell the length before the first sample is written."""
        return self.encoding is not None and self.container != "RAW"


def output_form(
    path: Path, raw: RawFormat | None = None, encoding: str | None = None, *, takes_raw: bool = False
) -> OutputForm:
    """Returns what an output is to be.

    Args:
        path: The file; its suffix selects the kind.
        raw: What files without a header are, from the command line.
        encoding: From the command line; without byte order.
        takes_raw: Whether the command has the option --raw.

    Raises:
        CliError: The suffix is unknown, or the kind has no such encoding.
    """
    if raw is not None and is_raw(path):
        return OutputForm("RAW", raw.encoding if encoding is None else _ENCODINGS["RAW"][encoding])
    container = "WAV" if is_standard(path) else _CONTAINERS.get(path.suffix.lower())
    if container is None:
        hint = "; --raw makes it a file without a header" if takes_raw else ""
        raise CliError(
            f"{path}: expected a name that ends in {', '.join(_CONTAINERS)}, got {path.suffix or 'none'}{hint}"
        )
    if encoding is None:
        return OutputForm(container, "s16be" if container == "AU" else None)
    known = _ENCODINGS.get(container, {})
    if encoding not in known:
        names = ", ".join(known) or "no --encoding"
        raise CliError(f"--encoding: expected {names} for {container}, got {encoding}")
    # 16-bit WAV is libsndfile's.
    return OutputForm(container, None if (container, encoding) == ("WAV", _DEFAULT) else known[encoding])
