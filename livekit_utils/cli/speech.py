"""Where in a file somebody speaks, for the commands that ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livekit_utils.cli.errors import CliError
from livekit_utils.cli.view.progress_bar import ProgressBar
from livekit_utils.files.samples import as_frame

if TYPE_CHECKING:
    from livekit_utils.cli.files.audio_reader import AudioReader
    from livekit_utils.files.samples import Samples

# What is kept around speech: its last sound may be too soft to be found.
_MARGIN_S = 0.2


class SpeechFinder:
    """Takes the samples of a file, and finds where somebody speaks.

    Args:
        sample_rate: Hz.

    Raises:
        CliError: pywebrtc-audio is not installed, or the rate is out of range.
    """

    def __init__(self, sample_rate: int) -> None:
        from livekit_utils.voice.voice_activity_detector import VoiceActivityDetector

        self._sample_rate = sample_rate
        try:
            self._detector = VoiceActivityDetector(sample_rate)
        except ImportError as error:
            raise CliError(f"speech cannot be found: {error}") from error
        except ValueError as error:
            raise CliError(f"speech cannot be found at this rate: {error}") from error
        self._times: list[float] = []

    def add(self, samples: Samples) -> None:
        """Takes the next samples."""
        frame = as_frame(samples, self._sample_rate)[0]
        self._times += [activity.at_s for activity in self._detector.push(frame)]

    def spans(self) -> list[tuple[float, float]]:
        """Ends the file, and returns the seconds at which speech starts and ends."""
        self._times += [activity.at_s for activity in self._detector.flush()]
        return list(zip(self._times[::2], self._times[1::2], strict=True))


def take_speech(reader: AudioReader) -> None:
    """Leaves out of a file what comes before the first and after the last word, but 0.2 s. It is read twice for this.

    Args:
        reader: The file, or a part of it.

    Raises:
        CliError: Nobody speaks in it; or as `SpeechFinder`.
    """
    finder = SpeechFinder(reader.sample_rate)
    with ProgressBar(f"{reader.name}: speech", reader.duration) as progress:
        for samples in reader.blocks():
            finder.add(samples)
            progress.advance(len(samples) / reader.sample_rate)
    reader.rewind()
    spans = finder.spans()
    if not spans:
        raise CliError(f"{reader.path}: nobody speaks in it")
    reader.narrow(max(0.0, spans[0][0] - _MARGIN_S), spans[-1][1] + _MARGIN_S)
