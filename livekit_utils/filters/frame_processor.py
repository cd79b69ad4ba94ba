"""FrameProcessor: the base of what is done to each frame of a stream."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from livekit_utils._runtime.public_path import public
from livekit_utils.frames.audio_frame import AudioFrame
from livekit_utils.frames.video_frame import VideoFrame

__all__ = ["FrameProcessor"]

T = TypeVar("T", bound=AudioFrame | VideoFrame)


@public
class FrameProcessor(ABC, Generic[T]):
    """Something done to each frame of an `AudioStream`: noise cancellation, gain, a meter.

    A subclass gives `enabled` (a property with a setter), `_process` and `_close`. It is called in the thread and
    event loop that plays the stream's source, and whatever time it takes, everything there waits.

    Example:
        >>> import numpy as np
        >>> class Gain(FrameProcessor[AudioFrame]):
        ...     def __init__(self, gain: float) -> None:
        ...         self._gain, self._enabled = gain, True
        ...     @property
        ...     def enabled(self) -> bool:
        ...         return self._enabled
        ...     @enabled.setter
        ...     def enabled(self, value: bool) -> None:
        ...         self._enabled = value
        ...     def _process(self, frame: AudioFrame) -> AudioFrame:
        ...         samples = np.asarray(frame)
        ...         samples[:] = np.clip(samples * self._gain, -32768, 32767)
        ...         return frame
        ...     def _close(self) -> None:
        ...         self._enabled = False
        >>> frame = AudioFrame((1000).to_bytes(2, "little"), 48000, 1, 1)
        >>> Gain(0.5).enabled
        True
    """

    @property
    @abstractmethod
    def enabled(self) -> bool:
        """Whether frames are to be processed; they pass as they are where not."""

    @enabled.setter
    @abstractmethod
    def enabled(self, value: bool) -> None: ...

    @abstractmethod
    def _process(self, frame: T) -> T:
        """Returns the processed frame: the given one, which may be changed in place, or another of the same format.

        An exception is logged, once for any number in a row, and the frame then passes as it was.
        """

    @abstractmethod
    def _close(self) -> None:
        """Called once, when the stream is closed, unless it was told `auto_close_noise_cancellation=False`."""

    # Not abstract: they need not be overridden.

    def _on_stream_info_updated(self, *, room_name: str, participant_identity: str, publication_sid: str) -> None:
        """The stream belongs to this room, participant and publication now."""

    def _on_stream_info_cleared(self) -> None:
        """The stream belongs to no room any more."""

    def _on_credentials_updated(self, *, token: str, url: str) -> None:
        """There is a new access token for the server."""

    def _on_credentials_cleared(self) -> None:
        """There is no access token any more."""
