"""ProcessorGuard: calls a frame processor so that its errors do no harm."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from livekit_utils._runtime.calls import Calls
from livekit_utils._runtime.threads import Once
from livekit_utils._runtime.trouble import ENDS_PROGRAM, Trouble
from livekit_utils.filters.description import AudioStreamInfo
from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame, copy_audio_frame

logger = logging.getLogger("livekit_utils")


# Time that a close waits for a processor at work in another thread, in seconds: as long as for a filter plugin.
_PATIENCE_S = 5.0


class ProcessorGuard:
    """Calls a processor: a FrameProcessor of this package or the LiveKit SDK, or an object with `enabled` and
    `_process`.

    If the processor raises, or does not return a frame of the same format, the frame passes as it was. That is counted
    in `failures`, and logged once per run of failures. KeyboardInterrupt and SystemExit pass.

    Args:
        processor: The processor.
        stream: What it processes, for the log.

    Raises:
        TypeError: Not such an object.

    Threads: any. The processor is called in the thread of each method, without a lock. `_close` is called once, after
    the last call of another method has returned: in the thread of that call, or of `aclose` if none is under way.
    """

    def __init__(self, processor: Any, stream: str) -> None:
        suitable = callable(getattr(processor, "_process", None)) and hasattr(processor, "enabled")
        if not suitable or isinstance(processor, type):
            raise TypeError(
                "noise_cancellation: expected NoiseCancellationOptions or a FrameProcessor (an object with `enabled` "
                f"and `_process`), got {processor!r}"
            )
        # A processor of ours that may have several streams keeps a state for each of them.
        for_stream = getattr(processor, "_for_stream", None)
        self._processor: Any = processor if for_stream is None else for_stream()
        self._name = type(processor).__name__
        self._stream = stream
        self._calls = Calls()
        self._closed = False
        self._finished = Once()  # no call is under way, and none will come
        self._trouble = Trouble("%s: %s fails, frames pass unprocessed: %s")

    @property
    def failures(self) -> int:
        """Number of frames that passed unprocessed because of an error."""
        return self._trouble.count

    def process(self, frame: AudioFrame) -> AudioFrame:
        """Returns the processed frame; the frame itself if the processor is off, fails, or is closed."""
        with self._calls:
            return frame if self._closed else self._process(frame)

    def _process(self, frame: AudioFrame) -> AudioFrame:
        original = frame
        try:
            if not self._processor.enabled:
                return frame
            original = copy_audio_frame(frame)  # the processor may fail half-way through changing the frame in place
            processed = self._processor._process(frame)
            if processed is not frame:
                # Copied because it may be read-only, and the processor may use its memory again.
                processed = copy_audio_frame(_checked(processed, original))
        except ENDS_PROGRAM:
            raise
        except BaseException as error:
            self._trouble.failed(self._stream, self._name, error, error=error)
            return original
        if self._trouble.count and self._trouble.good():
            logger.info("%s: %s works again", self._stream, self._name)
        return processed

    def update_stream_info(self, info: AudioStreamInfo | None) -> None:
        """Tells the processor what stream it processes; None if it is not known any more."""
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
        """Hands the processor new credentials; None clears them."""
        if credentials is None:
            self._call("_on_credentials_cleared")
        else:
            self._call("_on_credentials_updated", **credentials)

    async def aclose(self, *, closes_processor: bool) -> None:
        """Makes no more calls, and returns when the last one has returned; after 5 s with a warning.

        Args:
            closes_processor: Whether the processor's `_close` is called then.
        """
        if not self._closed:
            self._closed = True
            self._calls.when_none(lambda: self._finish(closes_processor))
        if not await self._finished.happens(_PATIENCE_S):
            logger.warning("%s: %s has not returned a frame within %g s", self._stream, self._name, _PATIENCE_S)

    def _finish(self, closes_processor: bool) -> None:
        processor, self._processor = self._processor, None
        if closes_processor:
            self._call_method(processor, "_close")
        self._finished.set()

    def _call(self, name: str, **arguments: str) -> None:
        with self._calls:
            if not self._closed:
                self._call_method(self._processor, name, **arguments)

    def _call_method(self, processor: Any, name: str, **arguments: str) -> None:
        """Calls a method that a processor may have, and logs its error: the caller has to go on."""
        method: Callable[..., object] | None = getattr(processor, name, None)
        if method is None:
            return
        try:
            method(**arguments)
        except ENDS_PROGRAM:
            raise
        except BaseException as error:
            logger.error("%s: %s.%s: %s", self._stream, self._name, name, error, exc_info=error)


def _checked(processed: Any, frame: AudioFrame) -> AudioFrame:
    result = as_audio_frame(processed)
    if result.sample_rate != frame.sample_rate or result.num_channels != frame.num_channels:
        raise ValueError(
            f"expected a frame of {frame.sample_rate} Hz and {frame.num_channels} channels from _process, "
            f"got {result.sample_rate} Hz and {result.num_channels}"
        )
    return result
