"""SpeechSpans finds where in a sound somebody speaks: to tell it, or to leave out the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livekit_utils.voice.voice_activity_detector import VoiceActivityDetector

if TYPE_CHECKING:
    from livekit_utils.frames.audio_frame import AudioFrame

# Seconds that are kept around speech: its last sound may be too soft to be found.
MARGIN_S = 0.2


class SpeechSpans:
    """Takes the frames of a sound.

    Args:
        sample_rate: Hz, 8000 to 384000.
        threshold: Probability from which on it is speech.

    Raises:
        ImportError: pywebrtc-audio is not installed.
        ValueError: An argument is out of range.
    """

    def __init__(self, sample_rate: int, threshold: float = 0.5) -> None:
        self._sample_rate = sample_rate
        self._detector = VoiceActivityDetector(sample_rate, threshold=threshold)
        self._times: list[float] = []

    def add(self, frame: AudioFrame) -> None:
        """Takes the next frame."""
        self._times += [activity.at_s for activity in self._detector.push(frame)]

    def finish(self) -> list[tuple[float, float]]:
        """Ends the sound, and returns the seconds at which speech starts and ends."""
        self._times += [activity.at_s for activity in self._detector.flush()]
        return list(zip(self._times[::2], self._times[1::2], strict=True))

    def finish_part(self, samples_per_channel: int, margin_s: float = MARGIN_S) -> tuple[int, int]:
        """Ends the sound, and returns the samples at which the part with speech and its margins begins and ends: twice
        0 if nobody speaks.

        Args:
            samples_per_channel: The length of the sound.
            margin_s: Seconds that are kept before and after the speech.
        """
        spans = self.finish()
        if not spans:
            return 0, 0
        start = max(0, round((spans[0][0] - margin_s) * self._sample_rate))
        end = min(samples_per_channel, round((spans[-1][1] + margin_s) * self._sample_rate))
        return start, end
