"""Converts frames to and from those of the LiveKit SDK, and tracks to its tracks."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

from livekit_utils._runtime.public_path import public
from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame
from livekit_utils.frames.sdk import load
from livekit_utils.frames.video_frame import VideoFrame, as_video_frame

if TYPE_CHECKING:
    from livekit import rtc

__all__ = ["from_livekit", "to_livekit"]

T_co = TypeVar("T_co", covariant=True)


class _Convertible(Protocol[T_co]):
    """What lies on a higher floor than this, and converts itself."""

    def _to_livekit(self) -> T_co: ...


@overload
def to_livekit(frame: AudioFrame | rtc.AudioFrame) -> rtc.AudioFrame: ...
@overload
def to_livekit(frame: VideoFrame | rtc.VideoFrame) -> rtc.VideoFrame: ...
@overload
def to_livekit(frame: _Convertible[T_co]) -> T_co: ...
@public
def to_livekit(frame: Any) -> Any:
    """Returns a frame or a track of this package as one of the LiveKit SDK.

    It is rarely needed: the SDK's classes and livekit-agents take our frames as they are, and `isinstance` counts them
    as theirs. It is for code that compares types (`type(frame) is rtc.AudioFrame`), and for read-only audio frames
    where the SDK's resampler or `AudioProcessingModule` refuses them: those of SDK 1.0.x always, the resampler of later
    ones where their memory does not begin `bytes`.

    For a track, it is for code that asks for the type too: `publish_track` takes ours. The same track is returned every
    time. It carries what the source plays as long as either track is there, and ends with the source.

    Args:
        frame: An `AudioFrame` or `VideoFrame`, a `LocalAudioTrack` or `LocalVideoTrack`. One of the SDK's is returned
            as it is.

    Returns:
        A frame over the same memory, if the SDK can take it: SDK 1.0.x always copies; later ones copy read-only memory
        that is no `bytes`, or `bytes` that are longer than the frame. It shares `userdata` if the SDK has it. For a
        track, a `rtc.LocalAudioTrack` or `rtc.LocalVideoTrack`.

    Raises:
        ImportError: The SDK is not installed, cannot be imported, or is too old.
        TypeError: The argument is neither a frame nor a track.
        RuntimeError: The track's source is closed, or no event loop is running.

    Example:
        >>> to_livekit(AudioFrame.create(48000, 1, 480))
        rtc.AudioFrame(sample_rate=48000, num_channels=1, samples_per_channel=480, duration=0.010)
    """
    convert = getattr(frame, "_to_livekit", None)
    if convert is not None:
        return convert()
    sdk = load()
    if isinstance(frame, (sdk.LocalAudioTrack, sdk.LocalVideoTrack)):
        return frame
    ours = from_livekit(frame)
    if ours is not frame and isinstance(frame, (sdk.AudioFrame, sdk.VideoFrame)):
        return frame
    data = _owned(ours.data)
    if isinstance(ours, VideoFrame):
        return sdk.VideoFrame(ours.width, ours.height, int(ours.type), data)
    userdata = {"userdata": ours.userdata} if hasattr(sdk.AudioFrame, "userdata") else {}
    return sdk.AudioFrame(data, ours.sample_rate, ours.num_channels, ours.samples_per_channel, **userdata)


@overload
def from_livekit(frame: rtc.AudioFrame | AudioFrame) -> AudioFrame: ...
@overload
def from_livekit(frame: rtc.VideoFrame | VideoFrame) -> VideoFrame: ...
@public
def from_livekit(frame: Any) -> Any:
    """Returns a frame of the LiveKit SDK as one of this package, over the same memory, with the same `userdata`.

    It is rarely needed: every function here that takes a frame takes the SDK's as well.

    Args:
        frame: An audio or video frame. One of this package is returned as it is.

    Raises:
        TypeError: The argument is not a frame.
        ValueError: The data is shorter than its other attributes say.
    """
    if hasattr(frame, "samples_per_channel"):
        return as_audio_frame(frame)
    if hasattr(frame, "width") and hasattr(frame, "height"):
        return as_video_frame(frame)
    raise TypeError(f"frame: expected an audio or a video frame, got {type(frame).__name__}")


def _owned(data: memoryview) -> memoryview | bytes:
    """Returns the memory in an object of exactly its length, which the SDK keeps; a copy if the SDK cannot find it."""
    if not data.readonly:
        return memoryview((ctypes.c_char * data.nbytes).from_buffer(data)).cast("B")
    return data.cast("B") if isinstance(data.obj, bytes) else bytes(data)
