"""ProcessorGuard: a frame processor that cannot do harm."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from livekit_utils.filters.description import AudioStreamInfo
from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame, copy_audio_frame

logger = logging.getLogger("livekit_utils")

# One that fails every other frame must not fill the log: so many runs of failures are said, then it must have worked
# for so many frames.
_MAX_LOGGED = 5
_NUM_GOOD = 100


class ProcessorGuard:
    """Calls a processor, ours, the LiveKit SDK's, or any object with `enabled` and `_process`.

    Where it raises, or returns no frame of the same format, the frame passes as it was before: said in the log with
    the first of any number of failures in a row, and counted.

    Raises:
        TypeError: Not such an object.
    """

    def __init__(self, processor: Any) -> None:
        suitable = callable(getattr(processor, "_process", None)) and hasattr(processor, "enabled")
        if not suitable or isinstance(processor, type):
            raise TypeError(
                "expected noise_cancellation as NoiseCancellationOptions or a FrameProcessor (an object with `enabled` "
                f"and `_process`), got {processor!r}"
            )
        self._processor = processor
        self._failing = False
        self._num_logged = 0  # runs of failures since it last worked for long
        self._num_good = 0  # frames since the last failure
        self.failures = 0

    def process(self, frame: AudioFrame) -> AudioFrame:
        original = frame
        try:
            if not self._processor.enabled:
                return frame
            original = copy_audio_frame(frame)  # it may fail half-way through changing the frame in place
            processed = self._processor._process(frame)
            if processed is not frame:
                # Copied: it may be read-only, or the processor may use its memory again.
                processed = copy_audio_frame(_checked(processed, original))
        except (Exception, asyncio.CancelledError) as error:
            self._note_failure(error)
            return original
        if self._failing or self._num_logged:
            self._note_success()
        return processed

    def _note_failure(self, error: BaseException) -> None:
        self.failures += 1
        self._num_good = 0
        if not self._failing and self._num_logged < _MAX_LOGGED:
            self._num_logged += 1
            last = ", and from now on this is only counted" if self._num_logged == _MAX_LOGGED else ""
            name = type(self._processor).__name__
            logger.error("AudioStream: %s fails, frames pass unprocessed%s: %s", name, last, error, exc_info=error)
        self._failing = True

    def _note_success(self) -> None:
        self._failing = False
        self._num_good += 1
        if self._num_good == _NUM_GOOD:
            logger.info("AudioStream: %s works again", type(self._processor).__name__)
            self._num_logged = 0

    def update_stream_info(self, info: AudioStreamInfo | None) -> None:
        if info is None:
            self._call("_on_stream_info_cleared")
        else:
            self._call(
                "_on_stream_info_updated",
                room_name=info.room_name,
                participant_identity=info.participant_identity,
                publication_sid=info.track_id,
            )

    def update_credentials(self, credentials: dict[str, str] | None) -> None:
        if credentials is None:
            self._call("_on_credentials_cleared")
        else:
            self._call("_on_credentials_updated", **credentials)

    def close(self) -> None:
        self._call("_close")

    def _call(self, name: str, **arguments: str) -> None:
        """Calls what a processor may have; whatever is under way has to go on if it fails."""
        method: Callable[..., object] | None = getattr(self._processor, name, None)
        if method is None:
            return
        try:
            method(**arguments)
        except Exception as error:
            logger.error("AudioStream: %s.%s: %s", type(self._processor).__name__, name, error, exc_info=error)


def _checked(processed: Any, frame: AudioFrame) -> AudioFrame:
    result = as_audio_frame(processed)
    if result.sample_rate != frame.sample_rate or result.num_channels != frame.num_channels:
        raise ValueError(
            f"expected a frame of {frame.sample_rate} Hz and {frame.num_channels} channels from _process, "
            f"got {result.sample_rate} Hz and {result.num_channels}"
        )
    return result
