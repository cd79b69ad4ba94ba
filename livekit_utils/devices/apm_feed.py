"""ApmFeed: gives an AudioProcessingModule the sound of a speaker."""

from __future__ import annotations

from typing import Any

from livekit_utils._runtime.trouble import ENDS_PROGRAM, Trouble
from livekit_utils.devices.speaker_tap import SpeakerTap


class ApmFeed:
    """Serves a player with an `apm_for_reverse`, which no microphone of a MediaDevices gives the sound to.

    Args:
        apm: An AudioProcessingModule of this package or of the LiveKit SDK.
        tap: The tap of the player's speaker.

    Threads: for one event loop.
    """

    def __init__(self, apm: Any, tap: SpeakerTap) -> None:
        self._apm = apm
        self._reader = tap.open_reader()
        self._trouble = Trouble("OutputPlayer: apm_for_reverse failed: %s")

    @property
    def num_failures(self) -> int:
        """Frames that the AudioProcessingModule did not take."""
        return self._trouble.count

    def tell(self) -> None:
        """Passes on the sound that the speaker was given since the last call."""
        (frame,), _ = self._reader.read(1)
        if not frame.samples_per_channel:
            return
        try:
            self._apm.process_reverse_stream(frame)
        except ENDS_PROGRAM:
            raise
        except BaseException as error:
            self._trouble.failed(error, error=error)
        else:
            self._trouble.good()

    def close(self) -> None:
        """Ends it. A second call does nothing."""
        self._reader.close()
