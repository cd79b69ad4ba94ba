"""ApmFeed: tells an AudioProcessingModule what a speaker is given."""

from __future__ import annotations

import logging
from typing import Any

from livekit_utils.devices.speaker_reference import SpeakerReference

logger = logging.getLogger("livekit_utils")


class ApmFeed:
    """For a player that has an `apm_for_reverse` and no microphone that asks for it.

    Args:
        apm: Ours, or the LiveKit SDK's.
        reference: Of the player's speaker.
    """

    def __init__(self, apm: Any, reference: SpeakerReference) -> None:
        self._apm = apm
        self._reference = reference
        self._reader = reference.open_reader()
        self._failing = False

    def tell(self) -> None:
        """What the speaker was given since."""
        self._reference.fetch()
        for frame in self._reader.read(1):
            if not frame.samples_per_channel:
                continue
            try:
                self._apm.process_reverse_stream(frame)
            except Exception as error:
                if not self._failing:
                    logger.error("OutputPlayer: apm_for_reverse failed: %s", error, exc_info=error)
                self._failing = True
            else:
                self._failing = False

    def close(self) -> None:
        self._reference.close_reader(self._reader)
