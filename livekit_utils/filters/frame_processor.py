"""FrameProcessor: the base class for processing each frame of a stream."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

from livekit_utils._runtime.public_path import public
from livekit_utils.frames.audio_frame import AudioFrame
from livekit_utils.frames.sdk_class import sdk_class
from livekit_utils.frames.video_frame import VideoFrame

__all__ = ["FrameProcessor"]

T = TypeVar("T", bound=AudioFrame | VideoFrame)


@public
class FrameProcessor(ABC, Generic[T]):
    """Processes each frame of an `AudioStream`: noise cancellation, gain, a meter.

    For `isinstance` it is a `FrameProcessor` of the LiveKit SDK too, so the SDK's `AudioStream` and livekit-agents use
    it, and the SDK's processors are processors here.

    A subclass implements `enabled` (a property with a setter), `_process` and `_close`. `_process` is called in the
    event loop that plays the stream's source, and blocks that loop while it runs. `_close` is called in the loop that
    closes the stream, or if `_process` is running in another thread then, in that thread when it has returned. The
    other methods are called in the thread that tells the stream. No lock is held during a call.

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
        """Whether frames are processed; otherwise they pass as they are."""

    @enabled.setter
    @abstractmethod
    def enabled(self, value: bool) -> None: ...

    @abstractmethod
    def _process(self, frame: T) -> T:
        """Returns the processed frame: the given one, which may be changed in place, or another of the same format.

        If it raises, the frame passes as it was. Errors are counted, and logged once per run of them.
        """

    @abstractmethod
    def _close(self) -> None:
        """Releases resources. It is called once, after the last call of another method, when the stream is closed;
        not with `auto_close_noise_cancellation=False`."""

    # For `isinstance`, a processor of this package is one of the LiveKit SDK too, and the SDK's one of this package.

    @property  # type: ignore[misc]
    def __class__(self) -> type[FrameProcessor[T]]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """This class. It is registered with the SDK's when it is asked for, which `isinstance` does first."""
        theirs = _sdk_frame_processor()
        if theirs is not None and not issubclass(FrameProcessor, theirs):
            theirs.register(FrameProcessor)
        return type(self)

    @classmethod
    def __subclasshook__(cls, other: type) -> Any:
        theirs = _sdk_frame_processor()
        if cls is FrameProcessor and theirs in other.__mro__[1:]:  # not the SDK's class itself: that would be a circle
            return True
        return NotImplemented

    # Not abstract: a subclass need not override them.

    def _on_stream_info_updated(self, *, room_name: str, participant_identity: str, publication_sid: str) -> None:
        """Called when the stream belongs to another room, participant or publication."""

    def _on_stream_info_cleared(self) -> None:
        """Called when the stream belongs to no room any more."""

    def _on_credentials_updated(self, *, token: str, url: str) -> None:
        """Called when there is a new access token for the server."""

    def _on_credentials_cleared(self) -> None:
        """Called when there is no access token any more."""


def _sdk_frame_processor() -> Any:
    return sdk_class("livekit.rtc.frame_processor", "FrameProcessor")
