"""Where in a file somebody speaks, for the commands that ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livekit_utils.cli.errors import CliError
from livekit_utils.cli.view.progress_bar import ProgressBar
from livekit_utils.files.samples import as_frame

if TYPE_CHECKING:
    from livekit_utils.cli.files.audio_reader import AudioReader
    from livekit_utils.voice.speech_spans import SpeechSpans


def find_speech(sample_rate: int) -> SpeechSpans:
    """Returns what finds where in a sound somebody speaks.

    Raises:
        CliError: pywebrtc-audio is not installed, or the rate is out of range.
    """
    from livekit_utils.voice.speech_spans import SpeechSpans

    try:
        return SpeechSpans(sample_rate)
    except ImportError as error:
        raise CliError(f"speech cannot be found: {error}") from error
    except ValueError as error:
        raise CliError(f"speech cannot be found at this rate: {error}") from error


def part_with_speech(speech: SpeechSpans, samples_per_channel: int, name: object) -> tuple[int, int]:
    """Returns the samples at which the part of a sound begins and ends in which somebody speaks.

    Raises:
        CliError: Nobody does.
    """
    start, end = speech.finish_part(samples_per_channel)
    if start == end:
        raise CliError(f"--trim: nobody speaks in {name}")
    return start, end


def take_speech(reader: AudioReader) -> None:
    """Leaves out of a file what comes before the first and after the last word, but 0.2 s. It is read twice for this.

    Args:
        reader: The file, or a part of it.

    Raises:
        CliError: Nobody speaks in it; or as `find_speech`.
    """
    speech = find_speech(reader.sample_rate)
    with ProgressBar(f"{reader.name}: speech", reader.duration) as progress:
        for samples in reader.blocks():
            speech.add(as_frame(samples, reader.sample_rate)[0])
            progress.advance(len(samples) / reader.sample_rate)
    reader.rewind()
    reader.narrow(*part_with_speech(speech, reader.samples_per_channel or 0, reader.path))
